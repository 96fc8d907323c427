"""The desk for protected persons: found by the number that they tell, set or lifted after two confirmations.

No page here lists anybody, and no address names anybody: number and decision travel in the body of a form.
"""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from wagtail.admin import messages

from core.form_pages import posts
from identity import actions, protection
from identity.errors import IdentityError, NotConfirmed
from identity.sendings import sent_once
from portal.city.views import operator_of


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
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
@sent_once
def decide(request: HttpRequest) -> HttpResponse:
    """Sets (`decision` is set) or lifts (lift) the protection of the person with this `number`."""
    by = operator_of(request)
    number, decision = request.POST.get("number", ""), request.POST.get("decision", "")
    try:
        found = protection.find(number=number, by=by)
    except IdentityError as error:
        return _again(request, error, number)
    try:
        if decision not in {"set", "lift"}:
            raise NotConfirmed
        actions.set_confidential(
            resident_id=found.resident_id,
            on=decision == "set",
            by=by,
            confirmed=request.POST.getlist("confirmed"),
        )
    except IdentityError as error:
        context = {"found": found, "problem": _(error.message)}
        return render(request, "city/protection_confirm.html", context, status=422)
    told = _("保護を設定しました。") if decision == "set" else _("保護を解除しました。")
    messages.success(request, told)
    return HttpResponseRedirect(reverse("city_protection"))


def _again(request: HttpRequest, error: IdentityError, number: str) -> HttpResponse:
    return render(
        request, "city/protection.html", {"problem": _(error.message), "number": number}, status=422
    )
