"""Closing the account: what it means, a dry run at every provider, the confirmation, the way back, the report."""

import logging
import smtplib
import unicodedata
from collections.abc import Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.mail import send_mail
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from core.forms.form_pages import posts
from core.region.current import current_region
from core.texts import pick
from gadgets.providers import organisations
from gadgets.webhooks import erasure as providers
from identity import queries
from identity.closure import erasure
from identity.errors import NoSuchResident, NothingToUndo, ProviderProblem
from identity.forms.sendings import sent_once
from identity.household import authority
from identity.idp import provider
from identity.queries import Bundle
from identity.sessions import portal_sessions
from portal.home.feedback import impressions
from portal.mydata.access import actor_of, fresh_required, own_account, resident_required
from portal.mydata.account import erasing

log = logging.getLogger(__name__)

CHECKED = "closing_checked"
"""In the session: what the providers said in the dry run, and when."""
CHECK_HOLDS = timedelta(minutes=30)
WORDS = ("削除", "けす", "delete")


# --- asking --------------------------------------------------------------------------------------------------


@require_safe
@own_account
@resident_required
def closing(request: HttpRequest, bundle: Bundle) -> HttpResponse:
    """What happens, what stays and why, in plain words."""
    return render(
        request, "mydata/closing.html", {**_wards(bundle), **_owned(bundle), "days": erasure.WAIT.days}
    )


@posts("mydata:closing")
@own_account
@fresh_required
@sent_once
def check(request: HttpRequest, bundle: Bundle) -> HttpResponse:
    """The dry run: every provider is asked what it would erase; nothing is erased."""
    people = (bundle.id, *authority.wards_to_erase(bundle.id))
    said = [erasing.as_entry(row) for person in people for row in providers.check(person)]
    request.session[CHECKED] = {"at": timezone.now().isoformat(), "said": said}
    return HttpResponseRedirect(reverse("mydata:closing_confirm"))


@require_http_methods(["GET", "HEAD", "POST"])
@own_account
@fresh_required
@sent_once
def confirm(request: HttpRequest, bundle: Bundle) -> HttpResponse:
    """What the dry run found, and the confirmation by a typed word."""
    said = _said(request, timezone.now())
    if request.method == "POST" and said is not None:
        if _typed(request.POST.get("word", "")):
            return _close(request, bundle, said)
        return _asks(request, bundle, said, wrong_word=True)
    return _asks(request, bundle, said)


def _asks(
    request: HttpRequest, bundle: Bundle, said: list[dict[str, Any]] | None, *, wrong_word: bool = False
) -> HttpResponse:
    context = {
        **_wards(bundle),
        **_owned(bundle),
        "said": provider_lines(said) if said is not None else None,
        "word": _("削除"),
        "wrong_word": wrong_word,
        "day": timezone.now() + erasure.WAIT,
        "days": erasure.WAIT.days,
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if wrong_word else HTTPStatus.OK
    return render(request, "mydata/closing_confirm.html", context, status=status)


def _said(request: HttpRequest, now: datetime) -> list[dict[str, Any]] | None:
    """What the providers said in the dry run of this session; None when it is missing or too old."""
    kept = request.session.get(CHECKED)
    if not kept or now - datetime.fromisoformat(kept["at"]) > CHECK_HOLDS:
        return None
    said: list[dict[str, Any]] = kept["said"]
    return said


def _typed(word: str) -> bool:
    """The word of any of the three languages, however wide or capital it was typed."""
    plain = unicodedata.normalize("NFKC", word).strip().strip("「」").casefold()
    return plain in {*WORDS, _("削除").casefold()}


def _wards(bundle: Bundle) -> dict[str, Any]:
    names = queries.names(authority.wards_to_erase(bundle.id))
    return {"wards": [name for name in names.values() if name]}


def _owned(bundle: Bundle) -> dict[str, Any]:
    """Organisations that lose their only owner: those that a member takes over, and those that nobody does."""
    owned = organisations.sole_owned(bundle.id)
    return {
        "handed_over": [name for name, has_heir in owned if has_heir],
        "left_alone": [name for name, has_heir in owned if not has_heir],
    }


def _close(request: HttpRequest, bundle: Bundle, said: list[dict[str, Any]]) -> HttpResponse:
    """Asks for it, ends every session, and shows the reference this once."""
    address = _address(bundle.id)
    try:
        asked = erasure.ask(resident_id=bundle.id, announced=said, by=actor_of(bundle))
    except NoSuchResident:  # asked in another window at the same moment: that one shows the reference
        return HttpResponseRedirect(reverse("mydata:overview"))
    for person in (bundle.id, *authority.wards_to_erase(bundle.id)):
        impressions.forget(person)  # nothing more is learnt from it, also if it is undone
    portal_sessions.close_session(request)
    try:
        erasure.end_sessions(bundle.id)
    except ProviderProblem as error:
        log.warning("sessions of a closed account still open at the ID: %s", type(error).__name__)
    mailed = _mail(address, asked)
    answer = render(
        request, "mydata/closing_done.html", {"asked": asked, "mailed": mailed, "days": erasure.WAIT.days}
    )
    answer["Cache-Control"] = "private, no-store"
    return answer


def _address(resident_id: UUID) -> str:
    try:
        return provider().email_of(resident_id)
    except ProviderProblem:
        return ""


def _mail(address: str, asked: erasure.Asked) -> bool:
    """Sends the reference; a mail server that is away costs the copy, not the closing."""
    if not address:
        return False
    context = {
        "asked": asked,
        "days": erasure.WAIT.days,
        "region": pick(current_region().portal_name, get_language() or "ja"),
        "sign_in": f"{settings.PORTAL_URL}{reverse('identity:signin')}",
        "report": f"{settings.PORTAL_URL}{reverse('mydata:erased', args=[asked.reference])}",
    }
    try:
        send_mail(
            _("アカウントの削除を受け付けました"),
            render_to_string("mydata/closing_mail.txt", context),
            None,
            [address],
        )
    except (smtplib.SMTPException, OSError) as error:
        log.warning("mail about a closed account not sent: %s", type(error).__name__)
        return False
    return True


# --- the way back --------------------------------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sent_once
def undecided(request: HttpRequest) -> HttpResponse:
    """All that a closed account can open: take it back, or go on waiting. Its session is nobody's elsewhere."""
    raw = request.session.get(portal_sessions.CLOSING)
    resident_id = UUID(raw) if raw else None
    day = erasure.due_day(resident_id) if resident_id else None
    if resident_id is None:
        return HttpResponseRedirect(reverse("mydata:overview"))
    if day is None:  # decided in another window
        return _sign_in_again(request)
    begun = False
    if request.method == "POST" and request.POST.get("choice") == "undo":
        try:
            erasure.undo(resident_id=resident_id)
        except NothingToUndo:
            begun = True
        else:
            return _sign_in_again(request)
    return render(
        request, "mydata/undecided.html", {"day": day, "begun": begun}, status=409 if begun else 200
    )


def _sign_in_again(request: HttpRequest) -> HttpResponse:
    """The session of a closed account becomes no other's: who is still signed in at the ID comes back at once."""
    portal_sessions.close_session(request)
    return HttpResponseRedirect(f"{reverse('identity:signin')}?next={reverse('mydata:overview')}")


# --- the report ----------------------------------------------------------------------------------------------


@never_cache
@require_safe
def erased_form(request: HttpRequest) -> HttpResponse:
    """Where a reference is typed in."""
    wanted = request.GET.get("reference", "").strip()
    if wanted:
        return HttpResponseRedirect(reverse("mydata:erased", args=[wanted.replace("/", "")[:64] or "-"]))
    return render(request, "mydata/erased_form.html")


@never_cache
@require_safe
def erased(request: HttpRequest, reference: str) -> HttpResponse:
    """What was erased where, for whoever holds the reference; it names nobody."""
    found = erasure.read(reference)
    if found is None:
        answer = render(request, "mydata/erased_form.html", {"unknown": True}, status=404)
    else:
        answer = render(request, "mydata/erased.html", report_context(found))
    answer["X-Robots-Tag"] = "noindex"
    return answer


def report_context(found: erasure.View) -> dict[str, Any]:
    """The report in words."""
    parts: dict[str, list[Mapping[str, Any]]] = {}
    for entry in found.report:
        parts.setdefault(entry["part"], []).append(entry)
    ordered = erasing.with_answers(tuple(parts.get(erasure.PROVIDER, [])))
    portal = (parts.get(erasure.PORTAL) or [{"deleted": {}, "unnamed": {}}])[0]
    at_id = parts.get(erasure.ID)
    return {
        "view": found,
        "at_id": datetime.fromisoformat(at_id[0]["at"]) if at_id else None,
        "announced": provider_lines(parts.get(erasure.ANNOUNCED, [])),
        "providers": provider_lines(ordered),
        "deleted": sorted(portal["deleted"].items()),
        "deleted_rows": sum(portal["deleted"].values()),
        "unnamed": sorted(portal["unnamed"].items()),
    }


def provider_lines(entries: Any) -> list[dict[str, Any]]:
    """Rows of a table about providers, in the reader's language."""
    locale = get_language() or "ja"
    return [
        {
            **entry,
            "title": pick(entry["title"], locale),
            "at": datetime.fromisoformat(entry["at"]) if entry["at"] else None,
        }
        for entry in entries
    ]
