"""The desk for protected persons: found by the number that they tell, set by one operator, lifted by two.

No page here lists anybody, and no address names anybody: number and decision travel in the body of a form.
"""

from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from wagtail.admin import messages

from core.forms.form_pages import posts
from core.sentences import sentence
from identity import actions
from identity.domain.roles import Actor
from identity.errors import IdentityError, NotConfirmed
from identity.forms.sendings import sent_once
from identity.residents import protection
from identity.sessions.staff import fresh_proof
from portal.city.views import operator_of


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@fresh_proof
def ask(request: HttpRequest) -> HttpResponse:
    """Asks for the number, then shows whose it is, what would follow, and what is to be confirmed."""
    by = operator_of(request)
    if request.method != "POST":
        return render(request, "city/protection.html", {})
    number = request.POST.get("number", "")
    try:
        found = protection.find(number=number, by=by)
    except IdentityError as error:
        return _again(request, error, number)
    return render(request, "city/protection_confirm.html", {"found": found})


@never_cache
@posts("city_protection")
@fresh_proof
@sent_once
def decide(request: HttpRequest) -> HttpResponse:
    """`decision`: set; ask, the first of two who lift; lift, the second. The person is the one with this `number`."""
    by = operator_of(request)
    number, decision = request.POST.get("number", ""), request.POST.get("decision", "")
    try:
        found = protection.find(number=number, by=by)
    except IdentityError as error:
        return _again(request, error, number)
    try:
        _carry_out(decision, found.resident_id, by, request.POST.getlist("confirmed"))
    except IdentityError as error:
        context = {"found": found, "problem": sentence(error)}
        return render(request, "city/protection_confirm.html", context, status=422)
    told = {
        "set": _("保護を設定しました。"),
        "ask": _("解除を申請しました。7日のうちに、ほかの運用者が同じ番号で開いて確定すると、解除されます。"),
        "lift": _("保護を解除しました。"),
    }
    messages.success(request, told[decision])
    return HttpResponseRedirect(reverse("city_protection"))


def _carry_out(decision: str, resident_id: UUID, by: Actor, confirmed: list[str]) -> None:
    now = timezone.now()
    if decision == "set":
        actions.set_confidential(resident_id=resident_id, on=True, by=by, confirmed=confirmed)
    elif decision == "ask":
        actions.ask_to_lift(resident_id=resident_id, by=by, confirmed=confirmed, now=now)
    elif decision == "lift":
        actions.lift(resident_id=resident_id, by=by, confirmed=confirmed, now=now)
    else:
        raise NotConfirmed


def _again(request: HttpRequest, error: IdentityError, number: str) -> HttpResponse:
    return render(request, "city/protection.html", {"problem": sentence(error), "number": number}, status=422)
