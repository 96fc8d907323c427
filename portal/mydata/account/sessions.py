"""わたしのデータ, signed-in devices: lists and ends them, remembers and forgets them; and what the warning asks for."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from core.forms.form_pages import posts
from core.region.current import current_region
from core.sentences import sentence
from core.texts import pick
from gadgets import queries as gadget_queries
from identity import idp
from identity.domain.roles import STAFF_ROLES
from identity.errors import NotAllowed, ProviderProblem
from identity.queries import Bundle
from identity.sessions import devices, listing, portal_sessions
from portal.mydata.access import actor_of, next_path, own_account, resident_required


@require_safe
@own_account
@resident_required
def overview(request: HttpRequest, bundle: Bundle) -> HttpResponse:
    """This device first, then the others, and the devices that the portal knows."""
    locale = get_language() or "ja"
    found = listing.overview(request, bundle.id)
    titles = {
        gadget.client_id: pick(gadget.title, locale)
        for gadget in gadget_queries.registry().gadgets.values()
        if gadget.client_id
    }
    here = next((row for row in found.rows if row.here), None)
    provider = idp.provider()
    context: dict[str, Any] = {
        "rows": [(row, [titles[one] for one in row.clients if one in titles]) for row in found.rows],
        "devices": found.devices,
        "before": found.before,
        "whole": found.whole,
        "others": any(not row.here for row in found.rows),
        "remembered": here is not None and here.remembered,
        "may_remember": not bundle.roles & STAFF_ROLES,
        "actions": [
            (name, label)
            for capability, name, label in (
                (idp.PASSWORD, "password", _("パスワードを変える")),
                (idp.TOTP, "totp", _("確認コードのアプリを加える")),
                (idp.PASSKEYS, "passkey", _("パスキーを加える")),
            )
            if capability in provider.capabilities
        ],
        "status": request.GET.get("kc_action_status", ""),
    }
    return render(request, "mydata/sessions.html", context)


@posts("mydata:sessions")
@own_account
@resident_required
def end(request: HttpRequest, bundle: Bundle) -> HttpResponse:
    """Ends one other browser's session, or all others."""
    key = request.POST.get("key", "")
    try:
        if key == "others":
            listing.end_others(request, resident_id=bundle.id, by=actor_of(bundle))
        else:
            listing.end_one(resident_id=bundle.id, key=key, by=actor_of(bundle))
    except ProviderProblem:
        messages.warning(
            request,
            _(
                "%(region)sではサインアウトしました。地域IDから返事がないため、ほかのサービスではまだ続いているかもしれません。しばらくしてから、もう一度お試しください。"
            )
            % {"region": pick(current_region().portal_name, get_language() or "ja")},
        )
    else:
        messages.success(request, _("サインアウトしました。"))
    return HttpResponseRedirect(reverse("mydata:sessions"))


@posts("mydata:sessions")
@own_account
@resident_required
def remember(request: HttpRequest, bundle: Bundle) -> HttpResponse:
    """Remembers this device, or no longer."""
    on = request.POST.get("on") == "1"
    try:
        secret = listing.remember(request, resident_id=bundle.id, on=on, by=actor_of(bundle))
    except NotAllowed as error:
        messages.error(request, sentence(error))
        return HttpResponseRedirect(reverse("mydata:sessions"))
    messages.success(request, _("この端末を覚えました。") if on else _("この端末を覚えるのをやめました。"))
    answer = HttpResponseRedirect(f"{reverse('mydata:sessions')}#session-1")
    devices.keep(answer, secret)
    return answer


@posts("mydata:sessions")
@own_account
@resident_required
def forget(request: HttpRequest, bundle: Bundle, device: int) -> HttpResponse:
    """Forgets a device."""
    listing.forget(request, resident_id=bundle.id, device_id=device, by=actor_of(bundle))
    messages.success(request, _("端末を忘れました。次にサインインすると、新しい端末として知らせます。"))
    return HttpResponseRedirect(f"{reverse('mydata:sessions')}#devices-title")


@never_cache
@require_safe
def left(request: HttpRequest) -> HttpResponse:
    """How long this session holds, as the dialog that warns of its end; asking is no use of the session."""
    request.session.peeking = True  # type: ignore[attr-defined]
    seconds = portal_sessions.seconds_left(request)
    context = {"left": seconds, "minutes": max(-(-seconds // 60), 1)}
    return render(request, "mydata/session_dialog.html", context)


@never_cache
@posts("mydata:overview")
def extend(request: HttpRequest) -> HttpResponse:
    """The person stays; leads to `next`, or to what a script reads: how long the session holds now."""
    if portal_sessions.seconds_left(request) > 0:
        portal_sessions.extend(request)
    return HttpResponseRedirect(next_path(request, reverse("mydata:session")))
