"""What the pages of gadgets share: who is signed in, where to go back to, how a refusal is told."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from core.sentences import sentence
from gadgets import words
from gadgets.errors import DoorError, GadgetError, SchemaError
from identity import queries
from identity.domain.roles import Actor
from identity.errors import ActingEnded, NoSuchResident
from identity.forms import kept
from identity.household import authority
from identity.queries import current_resident

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]
ResidentView = Callable[Concatenate[HttpRequest, UUID, P], HttpResponse]


def signed_in(view: ResidentView[P]) -> View[P]:
    """Gives the view the resident's id; a guest is asked to sign in and comes back to this page."""

    @wraps(view)
    def inner(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        resident_id = current_resident(request)
        if resident_id is None:
            return kept.to_sign_in(request)
        try:
            return view(request, resident_id, *args, **kwargs)
        except NoSuchResident:  # the account was closed since this browser signed in
            return kept.to_sign_in(request)

    return inner


def for_subject(view: ResidentView[P]) -> View[P]:
    """As `signed_in`, with the id of the person whose pages these are: the resident, or the ward they act for."""

    @wraps(view)
    def inner(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        try:
            subject = authority.subject(request)
        except ActingEnded as error:
            messages.warning(request, sentence(error))
            return HttpResponseRedirect(reverse("gadgets:catalogue"))

        def with_subject(
            request: HttpRequest, account: UUID, /, *args: P.args, **kwargs: P.kwargs
        ) -> HttpResponse:
            return view(request, subject or account, *args, **kwargs)

        return signed_in(with_subject)(request, *args, **kwargs)

    return inner


def actor(request: HttpRequest) -> Actor:
    """Who acts on this resident's pages: themselves, or the guardian whose session this is."""
    found = authority.acting(request)
    return queries.actor_in(request) if found is None else Actor(id=found.account)


def back(request: HttpRequest, fallback: str, anchor: str = "") -> HttpResponseRedirect:
    """To the page of this site that the form came from."""
    wanted = request.POST.get("next", "")
    allowed = wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
    return HttpResponseRedirect((wanted if allowed else fallback) + (f"#{anchor}" if anchor else ""))


def tell(error: GadgetError) -> str:
    """The sentence for whoever works on a gadget: the place and the remedy, not only that it failed."""
    if isinstance(error, (DoorError, SchemaError)):
        return words.detail(error)
    return sentence(error)


def retry_after(answer: HttpResponse, seconds: int) -> HttpResponse:
    """Says when the next try can help, where it is known."""
    if seconds > 0:
        answer["Retry-After"] = str(seconds)
    return answer


def refused(request: HttpRequest, error: GadgetError) -> None:
    """Shows the sentence on the next page, above what was typed."""
    messages.error(request, tell(error))
    kept.refused(request)
