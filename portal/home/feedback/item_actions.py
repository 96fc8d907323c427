"""What somebody does with an entry of the recommended list: opens it, puts it away, has it back."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from core.forms.form_pages import posts
from identity import queries as identity_queries
from identity.household import authority
from identity.queries import Bundle
from portal.home.feedback import dismissals, impressions
from portal.home.index.content_index import current
from portal.home.index.sources import address
from portal.mydata.access import next_path, resident_required

PUT_AWAY = "put_away"
"""In the session until the next home, which offers to undo it: the item's id."""


@require_safe
def opened(request: HttpRequest, token: str, item: str) -> HttpResponse:
    """Leads on to the entry, whoever asks; notes it where the resident said yes and the seal is this resident's.

    What is no longer published leads home, and is no error: an error's address stands in logs, and this one has a visit.
    """
    catalogue = current()
    row = catalogue.compiled.index.get(item)
    if row is None:
        if identity_queries.current_resident(request) is not None:
            messages.info(request, _("この項目は、もう公開されていません。"))
        return HttpResponseRedirect(reverse("home:home"))
    _note_opening(request, token, item)
    response = HttpResponseRedirect(address(catalogue.entries[row], get_language() or "ja"))
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _note_opening(request: HttpRequest, token: str, item: str) -> None:
    resident_id, now = identity_queries.current_resident(request), timezone.now()
    if resident_id is None or authority.acting(request) is not None:
        return
    visit = impressions.unseal(token, resident_id, now)
    bundle = identity_queries.bundle(resident_id) if visit else None
    if visit and bundle and impressions.learns_from(request, bundle):
        impressions.did(bundle, visit, item, "open", now)


@posts("home:home")
@resident_required
def not_for_me(request: HttpRequest, bundle: Bundle) -> HttpResponse:
    """Takes an entry off this resident's list; the next home says so and offers to undo it."""
    item = request.POST.get("item", "")
    home = HttpResponseRedirect(reverse("home:home"))
    if not bundle.personalised:
        messages.info(request, _("おすすめの並べかえを使っていないため、外すものはありません。"))
        return home
    catalogue = current()
    if item not in catalogue.compiled.index:
        messages.info(request, _("この項目は、もう公開されていません。"))
        return home
    # The last day of an event is kept longest: what was put away stays away until the event is over.
    kept = catalogue.same_event(item)[-1]
    dismissals.hide(subject=identity_queries.ranking_subject(bundle.id), item_id=kept)
    now = timezone.now()
    visit = impressions.unseal(request.POST.get("visit", ""), bundle.id, now)
    if visit and impressions.learns_from(request, bundle):
        impressions.did(bundle, visit, item, "not_for_me", now)
    request.session[PUT_AWAY] = kept
    return HttpResponseRedirect(f"{reverse('home:home')}#put-away")


@posts("mydata:hidden")
@resident_required
def show_again(request: HttpRequest, bundle: Bundle) -> HttpResponse:
    """Undoes it: the entry may stand on the list again."""
    item = request.POST.get("item", "")
    days = current().same_event(item)
    impressions.take_back(bundle.id, days)
    dismissals.show_again(subject=identity_queries.ranking_subject(bundle.id), items=days)
    messages.success(request, _("おすすめに戻しました。順番によっては、すぐには出ないことがあります。"))
    return HttpResponseRedirect(next_path(request, f"{reverse('home:home')}#zone-for-you"))
