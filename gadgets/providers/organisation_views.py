"""The pages of one organisation: its members and invitations, keys for its tools, where notices go; joining by a code."""

import re
from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from core.forms.form_pages import posts
from core.sentences import sentence
from gadgets import queries, words
from gadgets.errors import ContactLinkError, GadgetError, InvitationError, NotPermittedError
from gadgets.providers import api_keys, contacts, organisations
from gadgets.web import refused, signed_in, tell
from identity import queries as identity_queries
from identity.domain.roles import Actor
from identity.forms.sendings import sent_once

_OWNER, _DEVELOPER = organisations.Role.OWNER, organisations.Role.DEVELOPER


@require_safe
@never_cache
@signed_in
def page(request: HttpRequest, _resident_id: UUID, provider_id: int) -> HttpResponse:
    """Everything about one organisation of mine that my role may see."""
    return _page(request, provider_id)


def _page(request: HttpRequest, provider_id: int, *, status: int = 200, **more: object) -> HttpResponse:
    by = identity_queries.actor_in(request)
    view = queries.organisation(provider_id)
    role = organisations.role_of(provider_id, by)
    if view is None or not role:
        raise Http404
    owner, develops = role == _OWNER, role in {_OWNER, _DEVELOPER}
    now = timezone.now()
    context = {
        "organisation": view,
        "role": role,
        "owner": owner,
        "members": organisations.members(provider_id=provider_id, by=by),
        "invitations": organisations.invitations(provider_id=provider_id, by=by) if owner else (),
        "keys": [(key, key.works(now)) for key in api_keys.keys_of(provider_id=provider_id, by=by)]
        if develops
        else (),
        "develops": develops,
        "notices": organisations.notices(provider_id=provider_id, by=by),
        "roles": words.ROLES,
        "proved": organisations.proved(provider_id=provider_id),
        **more,
    }
    return render(request, "gadgets/organisation.html", context, status=status)


@posts("gadgets:organisation")
@never_cache
@signed_in
@sent_once
def step(request: HttpRequest, _resident_id: UUID, provider_id: int) -> HttpResponse:
    """`step` is invite, take_back, role, remove, key, revoke, contact, proof or trial."""
    by = identity_queries.actor_in(request)
    if not organisations.role_of(provider_id, by):
        raise Http404
    wanted = request.POST.get("step", "")
    if wanted in _SHOWN_ONCE:
        return _once(request, provider_id, by, wanted)
    found = _STEPS.get(wanted)
    if found is None:
        raise Http404
    try:
        told = found(request, provider_id, by)
    except GadgetError as error:
        if wanted == "contact":
            typed = {name: request.POST.get(name, "") for name in ("contact", "webhook_url")}
            return _page(request, provider_id, status=422, problem=tell(error), typed=typed)
        refused(request, error)
    else:
        messages.success(request, told)
    left = not organisations.role_of(provider_id, by)
    return HttpResponseRedirect(
        reverse("gadgets:console") if left else reverse("gadgets:organisation", args=[provider_id])
    )


def _once(request: HttpRequest, provider_id: int, by: Actor, wanted: str) -> HttpResponse:
    """A new code or key is in this one answer and nowhere else."""
    try:
        made = _SHOWN_ONCE[wanted](request, provider_id, by)
    except GadgetError as error:
        return _page(request, provider_id, status=422, problem=tell(error))
    return _page(request, provider_id, shown_once={"kind": wanted, "secret": made})


def _number(request: HttpRequest) -> int:
    raw = request.POST.get("id", "")
    if re.fullmatch(r"[0-9]{1,18}", raw) is None:
        raise Http404
    return int(raw)


def _invite(request: HttpRequest, provider_id: int, by: Actor) -> str:
    return organisations.invite(provider_id=provider_id, role=request.POST.get("role", ""), by=by)


def _key(request: HttpRequest, provider_id: int, by: Actor) -> str:
    return api_keys.make_api_key(provider_id=provider_id, name=request.POST.get("name", ""), by=by)


def _take_back(request: HttpRequest, provider_id: int, by: Actor) -> str:
    organisations.take_back(provider_id=provider_id, invitation_id=_number(request), by=by)
    return _("招待を取り消しました。")


def _role(request: HttpRequest, provider_id: int, by: Actor) -> str:
    organisations.set_role(
        provider_id=provider_id, member_id=_number(request), role=request.POST.get("role", ""), by=by
    )
    return _("役割を変えました。")


def _remove(request: HttpRequest, provider_id: int, by: Actor) -> str:
    organisations.remove_member(provider_id=provider_id, member_id=_number(request), by=by)
    return _("メンバーから外しました。")


def _revoke(request: HttpRequest, provider_id: int, by: Actor) -> str:
    number = _number(request)
    if number not in {key.id for key in api_keys.keys_of(provider_id=provider_id, by=by)}:
        raise NotPermittedError
    api_keys.revoke_api_key(key_id=number, by=by)
    return _("鍵を取り消しました。")


def _contact(request: HttpRequest, provider_id: int, by: Actor) -> str:
    organisations.set_contact(
        provider_id=provider_id,
        contact=request.POST.get("contact", ""),
        webhook_url=request.POST.get("webhook_url", ""),
        by=by,
    )
    return _("お知らせの送り先を保存しました。")


def _trial(_request: HttpRequest, provider_id: int, by: Actor) -> str:
    organisations.send_trial(provider_id=provider_id, by=by)
    return _("試しのお知らせを送ります。届いたかどうかは、下の表に出ます。")


def _proof(_request: HttpRequest, provider_id: int, by: Actor) -> str:
    organisations.ask_for_proof(provider_id=provider_id, by=by)
    return _("確認のメールを送ります。届いたリンクを開いてください。")


_Step = Callable[[HttpRequest, int, Actor], str]
_SHOWN_ONCE: dict[str, _Step] = {"invite": _invite, "key": _key}
_STEPS: dict[str, _Step] = {
    "take_back": _take_back,
    "role": _role,
    "remove": _remove,
    "revoke": _revoke,
    "contact": _contact,
    "trial": _trial,
    "proof": _proof,
}


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@signed_in
@sent_once
def join(request: HttpRequest, _resident_id: UUID) -> HttpResponse:
    """Joins by a code, which travels in the body of a form and stands in no address: read first, then confirmed."""
    if request.method != "POST":
        return render(request, "gadgets/join.html", {})
    code = request.POST.get("code", "").strip()
    try:
        if request.POST.get("step") == "accept":
            provider_id = organisations.accept(secret=code, by=identity_queries.actor_in(request))
            messages.success(request, _("組織に加わりました。"))
            return HttpResponseRedirect(reverse("gadgets:organisation", args=[provider_id]))
        invited = organisations.invited(code)
    except InvitationError as error:
        return render(request, "gadgets/join.html", {"problem": sentence(error)}, status=422)
    return render(request, "gadgets/join.html", {"invited": invited, "code": code, "roles": words.ROLES})


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def contact(request: HttpRequest, token: str) -> HttpResponse:
    """What the link in a mail leads to. It needs no sign-in, and a program that opens links proves nothing by that."""
    try:
        found = contacts.prove(token) if request.method == "POST" else contacts.asked(token)
    except ContactLinkError as error:
        return render(request, "gadgets/contact.html", {"problem": tell(error)}, status=404)
    context = {"name": contacts.plain_name(found.name), "done": request.method == "POST"}
    return render(request, "gadgets/contact.html", context)
