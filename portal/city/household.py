"""The desk for households: requests to act for somebody, decided with a code of the reason, and an end by reference.

The desk sees what waits for it, and one guardianship whose reference somebody names; it cannot leaf through families.
"""

from datetime import date
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from wagtail.admin import messages

from core import dates
from core.forms.form_pages import posts
from core.sentences import sentence
from identity.errors import BadEnd, IdentityError
from identity.forms.sendings import sent_once
from identity.household import authority, guardianships
from identity.household.authority import ACTIVE, ASKED, DeskRow
from identity.sessions.staff import fresh_proof
from portal.city.views import operator_of


def reason_text(code: str) -> str:
    """A code of a decision in words."""
    return {
        "register_checked": _("戸籍・住民票で確かめた"),
        "court_order": _("家庭裁判所の決定（成年後見など）"),
        "power_of_attorney": _("委任状で確かめた"),
        "papers_missing": _("書類が足りない"),
        "not_entitled": _("書類で確かめられない"),
        "other": _("その他"),
        guardianships.DECLINED: _("本人が断った"),
    }.get(code, code)


def _choices(codes: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(code, reason_text(code)) for code in codes]


def state_text(row: DeskRow) -> str:
    """Where a guardianship stands."""
    if row.state == ASKED:
        return _("市の確認待ち") if row.decided_at is None else _("本人の返事待ち")
    return {ACTIVE: _("有効"), authority.REFUSED: _("不承認")}.get(row.state, _("終了"))


@never_cache
@require_safe
@fresh_proof
def desk(request: HttpRequest) -> HttpResponse:
    """What waits, and what the reference (`?reference=`) leads to."""
    by = operator_of(request)
    reference = request.GET.get("reference", "")
    found = guardianships.look_up(reference=reference, by=by) if reference else None
    return _page(request, by.id, reference=reference, found=found, missing=bool(reference) and found is None)


def _page(
    request: HttpRequest, own: UUID | None, *, problem: str = "", status: int = 200, **more: Any
) -> HttpResponse:
    waiting = authority.waiting()
    found: DeskRow | None = more.get("found")
    context = {
        "waiting": [{"row": row, "own": own in row.people} for row in waiting],
        "found_state": state_text(found) if found else "",
        "found_reason": reason_text(found.reason) if found and found.reason else "",
        "found_living": found is not None and found.state in {ASKED, ACTIVE},
        "approvals": _choices(guardianships.APPROVALS),
        "refusals": _choices(guardianships.REFUSALS),
        "problem": problem,
        **more,
    }
    return render(request, "city/household.html", context, status=status)


@never_cache
@posts("city_household")
@fresh_proof
@sent_once
def decide(request: HttpRequest, guardianship: UUID) -> HttpResponse:
    """`decision` is approve, refuse or end; approving and refusing need a `reason`, a child's account an `ends_on`."""
    by = operator_of(request)
    decision, reason = request.POST.get("decision", ""), request.POST.get("reason", "")
    try:
        if decision == "end":
            guardianships.end(guardianship_id=guardianship, by=by)
            told = _("終わりにしました。")
        elif decision in {"approve", "refuse"}:
            state = guardianships.decide(
                guardianship_id=guardianship,
                approve=decision == "approve",
                reason=reason,
                ends_on=_day(request.POST.get("ends_on", "")),
                by=by,
            )
            told = {ACTIVE: _("認めました。"), ASKED: _("認めました。本人の返事を待ちます。")}.get(
                state, _("認めませんでした。")
            )
        else:
            raise Http404
    except IdentityError as error:
        typed = {"of": guardianship, **{name: request.POST.get(name, "") for name in ("ends_on", "reason")}}
        return _page(request, by.id, problem=sentence(error), typed=typed, status=422)
    messages.success(request, told)
    return HttpResponseRedirect(reverse("city_household"))


def _day(raw: str) -> date | None:
    try:
        return dates.day(raw).value if raw else None
    except dates.BadValueError as error:
        raise BadEnd from error
