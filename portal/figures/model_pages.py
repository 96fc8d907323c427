"""The public page of the model's card."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from portal.figures import model_card
from portal.figures.views import public


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """What ranks, by what, learnt from what, checked how, and how to leave it."""
    sections = [
        (section, [(reverse(name), words) for name, words in section.links])
        for section in model_card.sections(get_language() or "ja")
    ]
    return public(request, render(request, "figures/model.html", {"sections": sections}))
