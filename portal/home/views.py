"""The home for guests and residents, a guest's choices, and all news in order of time."""

from collections.abc import Mapping
from datetime import datetime
from uuid import uuid4

from django.conf import settings
from django.contrib.messages import get_messages
from django.contrib.messages.storage.session import SessionStorage
from django.core.cache import cache
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from core.forms.form_pages import posts
from core.sentences import sentence
from core.texts import pick
from gadgets import queries as gadget_queries
from gadgets.layout.layout import Placement, Slot
from gadgets.metrics import call_metrics
from identity import queries as identity_queries
from identity.domain.attributes import Value
from identity.household import authority
from identity.queries import Bundle
from portal.content import queries as content
from portal.content.queries import HomeLayout
from portal.home import guest as guests
from portal.home.errors import ChoicesError, NothingCameError
from portal.home.feedback import dismissals, impressions, item_actions
from portal.home.feedback.exploration import sitting
from portal.home.index.content_index import Catalogue, current, held
from portal.home.index.sources import address
from portal.home.page import cards, formats
from portal.home.page.compose import HomeView, Reader, compose
from portal.home.page.render import guest_form
from portal.home.page.render import render as draw
from recommender import queries as ranking
from recommender.abtest.comparison import marked

# Set by the answer to a question for consent: one question for each visit, never a row of them.
ASKED = "consent_asked"
NEWS_KINDS = frozenset({"news", "notice", "alert", "service"})
NEWS_PER_PAGE = 30
# Shared caches only, and briefly: an alert must be on the next page that anybody loads.
GUEST_CACHING = "public, max-age=0, s-maxage=5"


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The home of whoever asks: two queries for a resident, none for a guest, none for each item or gadget.

    While the account acts for a ward it is the ward's home, for one query more.
    """
    now, locale = timezone.now(), get_language() or "ja"
    resident_id = authority.subject(request)
    bundle = identity_queries.bundle(resident_id) if resident_id else None
    placements = gadget_queries.layout(bundle.id) if bundle else ()
    catalogue, views, hidden = _cards(
        placements,
        bundle=bundle,
        locale=locale,
        now=now,
        may_ask=bundle is not None and not request.session.get(ASKED),
    )
    arm = _arm(bundle, catalogue) if bundle else ""
    reader = _resident(request, bundle, locale, hidden, now, arm) if bundle else _guest(request, locale)
    view = compose(catalogue.layout, reader, now, catalogue=catalogue, cards=views)
    response = HttpResponse(
        draw(
            view,
            request=request,
            messages=_messages(request, view),
            acting=_banner(request),
            visit=_visit(request, bundle, view) if bundle else "",
        )
    )
    response.headers["Cache-Control"] = "private, no-store" if bundle else GUEST_CACHING
    patch_vary_headers(response, ("Cookie",))
    return response


def _visit(request: HttpRequest, bundle: Bundle, view: HomeView) -> str:
    """Notes what this home shows; the seal for its links where openings may be noted, else nothing."""
    if authority.acting(request) is not None or not impressions.looked_at(request):
        return ""
    visit, learns = uuid4(), impressions.learns_from(request, bundle)
    experiment, arm = view.catalogue.experiment, view.reader.arm
    compared = marked(experiment.name, arm) if experiment and arm and learns else ""
    impressions.shown(view, bundle, visit, learns=learns, arm=compared)
    return impressions.seal(bundle.id, visit, view.now) if learns else ""


def preview(
    request: HttpRequest, layout: HomeLayout, attributes: Mapping[str, Value], *, locale: str, now: datetime
) -> HttpResponse:
    """The home of a made-up person with zones as they are being edited; reads no resident."""
    catalogue = current()
    slots = _slots(layout)
    found = cards.wishes(catalogue, slots, (), bundle=None, locale=locale)
    cached = cache.get_many(cards.cache_keys(found))
    views = cards.views(found, cached, bundle=None, may_ask=False, now=now)
    reader = Reader(mode="preview", locale=locale, attributes=attributes)
    view = compose(layout, reader, now, catalogue=catalogue, cards=views)
    response = HttpResponse(draw(view, request=request))
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _slots(layout: HomeLayout) -> tuple[Slot, ...]:
    return tuple(Slot(slot.gadget_id, slot.size, slot.locked) for slot in layout.slots)


def _cards(
    placements: tuple[Placement, ...], *, bundle: Bundle | None, locale: str, now: datetime, may_ask: bool
) -> tuple[Catalogue, tuple[cards.CardView, ...], frozenset[str]]:
    """Version numbers, cards and what was put away by one multi-get; a second one only just after a publication."""
    catalogue = held() or current()
    found = _wishes(catalogue, placements, bundle, locale)
    numbers = (content.VERSION_KEY, gadget_queries.VERSION_KEY, ranking.VERSION_KEY)
    subject = identity_queries.ranking_subject(bundle.id) if bundle and bundle.personalised else ""
    kept = (dismissals.key(subject),) if subject else ()
    cached = cache.get_many([*numbers, *kept, *cards.cache_keys(found)])
    fresh = current(*(_number(cached.get(name)) for name in numbers))
    if fresh is not catalogue:
        catalogue = fresh
        found = _wishes(catalogue, placements, bundle, locale)
        missing = [key for key in cards.cache_keys(found) if key not in cached]
        cached |= cache.get_many(missing) if missing else {}
    views = cards.views(found, cached, bundle=bundle, may_ask=may_ask, now=now)
    call_metrics.hits(
        (view.gadget.id for view in views if view.stored is not None and not view.stands_in), now
    )
    return (
        catalogue,
        views,
        dismissals.of(subject, cached.get(dismissals.key(subject))) if subject else frozenset(),
    )


def _wishes(
    catalogue: Catalogue, placements: tuple[Placement, ...], bundle: Bundle | None, locale: str
) -> list[cards.Wish]:
    return cards.wishes(catalogue, _slots(catalogue.layout), placements, bundle=bundle, locale=locale)


def _number(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _resident(
    request: HttpRequest, bundle: Bundle, locale: str, hidden: frozenset[str], now: datetime, arm: str
) -> Reader:
    return Reader(
        mode="resident",
        locale=locale,
        attributes=bundle.released,
        personalised=bundle.personalised,
        hidden=hidden,
        sitting=sitting(request.session.session_key, now),
        arm=arm,
    )


def _arm(bundle: Bundle, catalogue: Catalogue) -> str:
    """Which order of the running comparison this resident sees: only after a yes to learning, and not through others.

    Also for a page that is fetched ahead, which is looked at later.
    """
    if catalogue.experiment is None or not bundle.learning or bundle.by is not None:
        return ""
    return catalogue.experiment.arm(identity_queries.ranking_subject(bundle.id))


def _guest(request: HttpRequest, locale: str) -> Reader:
    choices = guests.read(request.COOKIES.get(settings.GUEST_COOKIE_NAME))
    return Reader(mode="guest", locale=locale, attributes=choices.attributes, choices=choices)


def _messages(request: HttpRequest, view: HomeView) -> str:
    """What the last action had to say; most requests have no message and open no storage."""
    away = _put_away(request, view) if item_actions.PUT_AWAY in request.session else ""
    if SessionStorage.session_key not in request.session:
        return away
    found = list(get_messages(request))
    return away + (render_to_string("home/_messages.html", {"messages": found}) if found else "")


def _put_away(request: HttpRequest, view: HomeView) -> str:
    """The entry that has just been put away, with the way back."""
    item = request.session.pop(item_actions.PUT_AWAY)
    row = view.catalogue.compiled.index.get(item)
    if row is None or item not in view.reader.hidden:
        return ""
    title = pick(view.catalogue.entries[row].title, view.reader.locale)
    days = len(view.catalogue.same_event(item)) > 1
    return render_to_string("home/_put_away.html", {"item": item, "title": title, "days": days}, request)


def _banner(request: HttpRequest) -> str:
    """Whose home this is, while the account acts for somebody else; one more query then, none otherwise."""
    acting = authority.acting(request)
    return render_to_string("mydata/_acting.html", {"name": acting.name}, request) if acting else ""


@csrf_exempt  # the page with this form is the same for all guests, so it can hold no token of one of them
@posts("home:home")
def guest(request: HttpRequest) -> HttpResponse:
    """Keeps a guest's choices in the cookie; nothing is stored here."""
    if not _own_form(request):
        return HttpResponse(status=403)
    response = redirect("home:home")
    if request.POST.get("action") == "clear":
        response.delete_cookie(settings.GUEST_COOKIE_NAME)
        return response
    try:
        if not {"district", "topics"} & set(request.POST):
            raise NothingCameError
        choices = guests.choose(request.POST.get("district", ""), request.POST.getlist("topics"))
    except ChoicesError as error:
        locale = get_language() or "ja"
        context = guest_form(guests.Choices(), locale, sentence(error))
        return render(request, "home/guest_error.html", context, status=400)
    response.set_cookie(
        settings.GUEST_COOKIE_NAME,
        choices.cookie,
        max_age=guests.MAX_AGE,
        secure=request.is_secure(),
        httponly=True,
        samesite="Lax",
    )
    return response


def _own_form(request: HttpRequest) -> bool:
    """Whether the form was sent from a page of this site, as far as the browser tells."""
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    origin = request.headers.get("Origin")
    own = f"{request.scheme}://{request.get_host()}"
    # With `no-referrer` a browser sends "null" for its own forms; Sec-Fetch-Site decides then.
    return site in {"same-origin", "none"} and origin in {None, "null", own}


@require_safe
def news(request: HttpRequest) -> HttpResponse:
    """Everything that was published and holds, newest first, the same for everybody."""
    now, locale = timezone.now(), get_language() or "ja"
    catalogue = current()
    live = catalogue.live(now)
    rows = [row for row, entry in enumerate(catalogue.entries) if live[row] and entry.item.kind in NEWS_KINDS]
    page = Paginator(rows, NEWS_PER_PAGE).get_page(request.GET.get("page"))
    entries = [_line(catalogue, row, locale) for row in page.object_list]
    return render(request, "home/news.html", {"page": page, "entries": entries})


def _line(catalogue: Catalogue, row: int, locale: str) -> dict[str, object]:
    entry = catalogue.entries[row]
    return {
        "url": address(entry, locale),
        "title": pick(entry.title, locale),
        "summary": pick(entry.summary, locale),
        "lang": "ja" if locale == "en" and "en" not in entry.title else "",
        "kind": entry.item.kind,
        "urgent": entry.item.urgent,
        "sample": entry.sample,
        "published": entry.item.published_at,
        "published_text": formats.day(entry.item.published_at, locale),
    }
