"""The relying party of the regional ID: sign-in, registration, sign-out, back-channel logout.

Authlib does the protocol (state, nonce, PKCE S256, ID token). Ours: RFC 9207's `iss`, identity as (iss, sub),
sessions that either side can end, and a page that says within a second that the ID is away.
"""

import logging
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.django_client import DjangoIntegration, DjangoOAuth2App
from authlib.integrations.requests_client import OAuth2Session
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST
from joserfc.errors import JoseError

from identity import loopback, sessions, tokens
from identity.errors import InvalidToken, ProviderProblem, ProviderUnavailable, SignInFailed
from identity.idp import Login
from identity.models import Resident

log = logging.getLogger(__name__)

NEXT = "_next"
LOCALES = ("ja", "en", "ja-simple")


class _Session(OAuth2Session):
    """Authlib's session, connecting our way and never for longer than a second."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        loopback.mount(self)

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> requests.Response:
        """No redirects: endpoints answer themselves."""
        kwargs.setdefault("timeout", (0.3, 5.0))
        kwargs["allow_redirects"] = False
        answer: requests.Response = super().request(method, url, *args, **kwargs)
        return answer


class _Client(DjangoOAuth2App):
    """Authlib's client with discovery and keys from `identity.tokens`."""

    client_cls = _Session

    def load_server_metadata(self) -> dict[str, Any]:
        document = tokens.document()
        offered = document.get("id_token_signing_alg_values_supported", [])
        return {
            **document,
            "id_token_signing_alg_values_supported": [a for a in offered if a in tokens.ALGORITHMS],
        }

    def fetch_jwk_set(self, force: bool = False) -> Any:
        return tokens.key_set(renew=force)


def _client() -> _Client:
    return _Client(
        DjangoIntegration("regional_id"),
        name="regional_id",
        client_id=settings.OIDC_CLIENT_ID,
        client_secret=settings.OIDC_CLIENT_SECRET,
        server_metadata_url=settings.OIDC_DISCOVERY_URL,
        client_kwargs={
            "scope": "openid",
            "code_challenge_method": "S256",
            "token_endpoint_auth_method": "client_secret_basic",
        },
    )


# --- where to go afterwards ----------------------------------------------------------------------------------


def safe_next(target: str) -> str:
    """`target` when it is a path of this portal, else "/"."""
    if url_has_allowed_host_and_scheme(target, allowed_hosts=None) and target.startswith("/"):
        return target
    return "/"


def _locale(target: str) -> str:
    first = target.lstrip("/").partition("/")[0].partition("?")[0]
    return first if first in LOCALES else "ja"


def _home(locale: str) -> str:
    return "/" if locale == "ja" else f"/{locale}/"


def _problem(request: HttpRequest, error: ProviderProblem, target: str) -> HttpResponse:
    locale = _locale(target)
    away = isinstance(error, ProviderUnavailable)
    with translation.override(locale):
        context = {
            "title": _("いまサインインできません") if away else _("サインインできませんでした"),
            "message": _(
                "地域IDから返事がありません。お知らせや防災の情報は、サインインせずに見られます。しばらくしてから、もう一度お試しください。"
            )
            if away
            else _(
                "サインインの途中で時間がたったか、別の画面から戻ったようです。もう一度、はじめからお試しください。"
            ),
            "again_url": f"{reverse('identity:signin')}?{urlencode({'next': target})}",
            "home_url": _home(locale),
        }
        answer = render(request, "identity/signin_problem.html", context, status=503 if away else 400)
    if away:
        answer["Retry-After"] = "30"
    return answer


# --- in ------------------------------------------------------------------------------------------------------


def _begin(request: HttpRequest, **extra: Any) -> HttpResponse:
    target = safe_next(request.GET.get("next", "/"))
    locale = _locale(target)
    locales = "ja-simple ja" if locale == "ja-simple" else locale
    client = _client()
    try:
        tokens.document(renew=True)  # an old answer must not send somebody to an ID that is away
        made = client.create_authorization_url(
            f"{settings.PORTAL_URL}/sign-in/callback", ui_locales=locales, **extra
        )
    except ProviderUnavailable as error:
        return _problem(request, error, target)
    client.save_authorize_data(
        request, redirect_uri=f"{settings.PORTAL_URL}/sign-in/callback", next=target, **made
    )
    return HttpResponseRedirect(made["url"])


@never_cache
@require_GET
def sign_in(request: HttpRequest) -> HttpResponse:
    """To the ID. `next`: a path to come back to; `silent=1`: never show a form; `fresh=1`: the password again."""
    target = safe_next(request.GET.get("next", "/"))
    fresh = request.GET.get("fresh") == "1"
    if sessions.is_open(request) and not fresh:
        return HttpResponseRedirect(target)
    if request.GET.get("silent") == "1":
        return _begin(request, prompt="none")
    return _begin(request, max_age=0) if fresh else _begin(request)


@never_cache
@require_GET
def sign_up(request: HttpRequest) -> HttpResponse:
    """To the ID's registration."""
    if sessions.is_open(request):
        return HttpResponseRedirect(safe_next(request.GET.get("next", "/")))
    return _begin(request, prompt="create")


def _state(request: HttpRequest) -> dict[str, Any]:
    framework = DjangoIntegration("regional_id")
    known = framework.get_state_data(request.session, request.GET.get("state", ""))
    return known if isinstance(known, dict) else {}


@never_cache
@require_GET
def callback(request: HttpRequest) -> HttpResponse:
    """Back from the ID: verifies everything, opens the session under a new key, returns to `next`."""
    known = _state(request)
    target = safe_next(known.get("next", "/"))
    try:
        if request.GET.get("iss", settings.OIDC_ISSUER) != settings.OIDC_ISSUER:
            raise SignInFailed  # RFC 9207: the answer is another server's
        if known and request.GET.get("error") in {"login_required", "interaction_required"}:
            return HttpResponseRedirect(_home(_locale(target)))  # silent, and nobody was signed in
        done = _complete(request, known)
        resident = sessions.open_session(request, done)
    except ProviderProblem as error:
        return _problem(request, error, target)
    except InvalidToken:
        return _problem(request, SignInFailed(), target)
    if resident.erase_at is not None:  # nothing else works until it is decided: undo, or go on waiting
        with translation.override(_locale(target)):
            return HttpResponseRedirect(reverse("mydata:undecided"))
    return HttpResponseRedirect(target)


def _complete(request: HttpRequest, known: dict[str, Any]) -> Login:
    if not known:
        raise SignInFailed
    try:
        token = _client().authorize_access_token(
            request,
            claims_options={
                "iss": {"essential": True, "values": [settings.OIDC_ISSUER]},
                "aud": {"essential": True, "values": [settings.OIDC_CLIENT_ID]},
                "sub": {"essential": True},
                "exp": {"essential": True},
                "nonce": {"essential": True},
            },
            leeway=10,
        )
    except requests.RequestException as error:
        raise ProviderUnavailable from error
    except (AuthlibBaseError, JoseError, ValueError, KeyError) as error:
        log.info("sign-in refused: %s", type(error).__name__)
        raise SignInFailed from error
    claims = token.get("userinfo")
    if not claims or not claims.get("sub"):
        raise SignInFailed
    at = claims.get("auth_time")
    locale = str(claims.get("locale") or "")
    return Login(
        iss=str(claims["iss"]),
        sub=str(claims["sub"]),
        sid=str(claims.get("sid") or ""),
        id_token=str(token["id_token"]),
        locale=locale if locale in LOCALES else _locale(known.get("next", "/")),
        auth_time=datetime.fromtimestamp(at, UTC) if isinstance(at, int | float) else None,
    )


# --- out -----------------------------------------------------------------------------------------------------


@never_cache
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """Ends the portal's session first, then the one at the ID, which tells every gadget."""
    hint = sessions.hint(request.session.session_key)
    locale = _locale(request.headers.get("Referer", "").removeprefix(settings.PORTAL_URL))
    sessions.close_session(request)
    try:
        endpoint = tokens.document().get("end_session_endpoint")
    except ProviderUnavailable:
        endpoint = None
    if not endpoint or not hint:
        return HttpResponseRedirect(_home(locale))
    query = {
        "id_token_hint": hint,
        "client_id": settings.OIDC_CLIENT_ID,
        "post_logout_redirect_uri": f"{settings.PORTAL_URL}/sign-out/done",
        "state": locale,
        "ui_locales": locale,
    }
    return HttpResponseRedirect(f"{endpoint}?{urlencode(query)}")


@never_cache
@require_GET
def signed_out(request: HttpRequest) -> HttpResponse:
    """Back from the ID: the guest home in the language that was left."""
    state = request.GET.get("state", "")
    return HttpResponseRedirect(_home(state if state in LOCALES else "ja"))


@csrf_exempt
@never_cache
@require_POST
def backchannel_logout(request: HttpRequest) -> JsonResponse:
    """The ID says that a session is over (OpenID Connect Back-Channel Logout 1.0)."""
    raw = request.POST.get("logout_token", "")
    now = timezone.now()
    try:
        event = tokens.verify_logout_token(raw, audience=settings.OIDC_CLIENT_ID, now=now)
        sessions.end_by_event(event, now=now)
    except InvalidToken as error:
        return JsonResponse({"error": "invalid_request", "error_description": error.message}, status=400)
    except ProviderUnavailable:
        return JsonResponse({"error": "temporarily_unavailable"}, status=503)
    return JsonResponse({})


# --- the admin's door ----------------------------------------------------------------------------------------


@never_cache
def admin_login(request: HttpRequest) -> HttpResponse:
    """Editors and operators sign in with the same regional ID; who may not enter is told so, not sent around."""
    target = safe_next(request.GET.get("next", "/admin/"))
    if sessions.KEY in request.session:
        known = Resident.objects.filter(pk=request.session[sessions.KEY]).exists()
        if known:
            with translation.override("ja"):
                return render(request, "identity/no_entry.html", status=403)
    return HttpResponseRedirect(f"{reverse('identity:signin')}?{urlencode({'next': target})}")
