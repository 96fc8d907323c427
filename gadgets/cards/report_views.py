"""A resident reports a card: a small form without a script, for an operator to read."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from core.sentences import sentence
from gadgets import actions, queries
from gadgets.cards.report_words import REASONS
from gadgets.errors import GadgetError
from gadgets.web import retry_after, signed_in
from identity import rate
from identity.forms.sendings import sent_once
from identity.queries import actor

MOST, PERIOD = 5, 24 * 60 * 60
"""Reports of one resident, and in how many seconds."""
LONGEST = 300


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@signed_in
@sent_once
def report(request: HttpRequest, resident_id: UUID, gadget_id: str) -> HttpResponse:
    """The form; what was typed stays in it when it could not be taken."""
    gadget = queries.registry().gadgets.get(gadget_id)
    if gadget is None:
        raise Http404
    problem, status, wait = "", 200, 0
    reason, text = request.POST.get("reason", ""), request.POST.get("words", "")
    if request.method == "POST":
        if reason not in REASONS:
            problem, status = _("どのようなことかを選んでください。"), 422
        elif len(text) > LONGEST:
            problem, status = _("くわしい内容は、%(most)s文字までにしてください。") % {"most": LONGEST}, 422
        elif wait := rate.seconds_to_wait("card-reports", resident_id, most=MOST, period=PERIOD):
            problem, status = (
                _("今日はもう、たくさん知らせていただきました。明日もう一度お試しください。"),
                429,
            )
        else:
            try:
                actions.report_card(gadget_id=gadget_id, reason=reason, text=text, by=actor(resident_id))
            except GadgetError as error:
                problem, status = sentence(error), 409
            else:
                messages.success(request, _("知らせを受け取りました。市の担当者が確かめます。"))
                return HttpResponseRedirect(reverse("gadgets:page", args=[gadget_id]))
    context = {
        "gadget": gadget,
        "reasons": REASONS.items(),
        "reason": reason,
        "words": text,
        "problem": problem,
        "longest": LONGEST,
    }
    answer = render(request, "gadgets/report_card.html", context, status=status)
    return retry_after(answer, wait)
