"""Who may open these pages: residents with a live session; a guest goes to sign-in and comes back."""

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from core.sentences import sentence
from identity import queries
from identity.domain.roles import STAFF_ROLES, Actor
from identity.errors import ActingEnded
from identity.forms import kept
from identity.household import authority
from identity.queries import Bundle
from identity.sessions import portal_sessions

ResidentView = Callable[..., HttpResponse]


def resident_required(view: ResidentView) -> ResidentView:
    """The view gets `bundle` after the request; what it answers is for this resident alone and is never cached.

    While the account acts for a ward it is the ward's bundle, and `actor_of` is the guardian.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            resident_id = authority.subject(request)
        except ActingEnded as error:
            messages.warning(request, sentence(error))
            return HttpResponseRedirect(reverse("mydata:household"))
        bundle = queries.bundle(resident_id) if resident_id else None
        if bundle is None:
            return kept.to_sign_in(request)
        acting = authority.acting(request)
        if acting is not None:
            bundle = replace(bundle, by=Actor(id=acting.account))
        response = view(request, bundle, *args, **kwargs)
        response.headers["Cache-Control"] = "private, no-store"
        patch_vary_headers(response, ("Cookie",))
        return response

    return guarded


def own_account(view: ResidentView) -> ResidentView:
    """Outermost, for what belongs to the account itself: not offered while it acts for somebody else."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if authority.acting(request) is not None:
            messages.info(
                request, _("このページは、ご自分のためのページです。先に「自分に戻る」を押してください。")
            )
            return HttpResponseRedirect(reverse("mydata:overview"))
        return view(request, *args, **kwargs)

    return guarded


def fresh_required(view: ResidentView) -> ResidentView:
    """As `resident_required`, for acts that harm when a stranger does them: who they are, proven just now.

    Whoever has to prove it comes back to the page, finds what they typed, and confirms again: nothing is sent by itself.
    """

    @wraps(view)
    def guarded(request: HttpRequest, bundle: Bundle, *args: Any, **kwargs: Any) -> HttpResponse:
        if not portal_sessions.fresh(request):
            return kept.to_sign_in(request, fresh=True)
        return view(request, bundle, *args, **kwargs)

    return resident_required(guarded)


def actor_of(bundle: Bundle) -> Actor:
    """The one who acts: the resident, or the guardian whose session this is; nobody acts as staff on these pages."""
    return bundle.by or Actor(id=bundle.id, roles=bundle.roles - STAFF_ROLES)


def next_path(request: HttpRequest, default: str) -> str:
    """Where to go afterwards: a path of this site, or `default`; never another site's address."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    own = wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
    return wanted if own else default
