"""The relying party of the regional ID: sign-in, registration, sign-out, back-channel logout.

Authlib does the protocol (state, nonce, PKCE S256, ID token). Ours: RFC 9207's `iss`, identity as (iss, sub),
sessions that either side can end, and a page that says within a second that the ID is away.
"""

import logging
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit, urlunsplit

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

from core.forms import form_pages
from core.forms.form_pages import posts
from identity import idp, loopback
from identity.domain import lifetimes
from identity.errors import (
    AnotherPerson,
    InvalidToken,
    ProviderProblem,
    ProviderUnavailable,
    SecondFactorMissing,
    SignInFailed,
)
from identity.idp import Login
from identity.models import Resident
from identity.oidc import pending, tokens
from identity.residents import onboarding
from identity.sessions import devices, person, portal_sessions, staff

log = logging.getLogger(__name__)

LOCALES = ("ja", "en", "ja-simple")
ACTIONS = {
    idp.PASSWORD: "UPDATE_PASSWORD",
    idp.TOTP: "CONFIGURE_TOTP",
    idp.PASSKEYS: "webauthn-register-passwordless",
}
"""What a resident may ask of Keycloak by `action=`, by the names of the capabilities."""
KINDS = {"password": idp.PASSWORD, "totp": idp.TOTP, "passkey": idp.PASSKEYS}
DONE = ("success", "cancelled", "error")
"""What Keycloak says of an action (`kc_action_status`), and the page hears that it leads back to."""


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
    """Authlib's client with discovery and keys from `identity.oidc.tokens`."""

    client_cls = _Session

    def load_server_metadata(self) -> dict[str, Any]:
        document = tokens.document()
        offered = document.get("id_token_signing_alg_values_supported", [])
        return {
            **document,
            "id_token_signing_alg_values_supported": [a for a in offered if a in tokens.ALGORITHMS],
        }

    _id_token = ""

    def parse_id_token(self, token: Any, *args: Any, **kwargs: Any) -> Any:
        """Keeps the token, whose header says which keys may have signed it."""
        self._id_token = str(token.get("id_token", ""))
        return super().parse_id_token(token, *args, **kwargs)

    def fetch_jwk_set(self, force: bool = False) -> Any:
        return tokens.fitting(self._id_token, tokens.key_set(renew=force))


class _Attempt(DjangoIntegration):
    """Authlib's place for what the answer must hold, filled from this attempt's cookie."""

    def __init__(self, known: dict[str, Any] | None = None) -> None:
        super().__init__("regional_id")
        self.known = known

    def get_state_data(self, session: Any, state: str) -> dict[str, Any] | None:  # noqa: ARG002
        return self.known

    def clear_state_data(self, session: Any, state: str) -> None:
        """The cookie goes with the answer of `callback`."""


def _client(known: dict[str, Any] | None = None) -> _Client:
    return _Client(
        _Attempt(known),
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


def _words(error: ProviderProblem) -> tuple[str, str]:
    if isinstance(error, ProviderUnavailable):
        return _("いまサインインできません"), _(
            "地域IDから返事がありません。お知らせや防災の情報は、サインインせずに見られます。しばらくしてから、もう一度お試しください。"
        )
    if isinstance(error, AnotherPerson):
        return _("別の地域IDでした"), _(
            "はじめとは別の地域IDで確かめられました。安全のため、サインアウトしました。ご自分の地域IDで、もう一度サインインしてください。"
        )
    if isinstance(error, SecondFactorMissing):
        return _("もう一つの確認が必要です"), _(
            "市の仕事に使う画面は、パスワードのほかに、確認コードでも守ります。もう一度サインインして、確認コードまで入れてください。"
        )
    return _("サインインできませんでした"), _(
        "サインインの途中で時間がたったか、別の画面から戻ったようです。もう一度、はじめからお試しください。"
    )


def _status(error: ProviderProblem) -> int:
    if isinstance(error, ProviderUnavailable):
        return 503
    return 403 if isinstance(error, AnotherPerson | SecondFactorMissing) else 400


def _problem(request: HttpRequest, error: ProviderProblem, target: str) -> HttpResponse:
    locale = _locale(target)
    away = isinstance(error, ProviderUnavailable)
    with translation.override(locale):
        title, message = _words(error)
        context = {
            "title": title,
            "message": message,
            "again_url": f"{reverse('identity:signin')}?{urlencode({'next': target})}",
            "home_url": _home(locale),
        }
        answer = render(request, "identity/signin_problem.html", context, status=_status(error))
    if away:
        answer["Retry-After"] = "30"
    return answer


# --- in ------------------------------------------------------------------------------------------------------


def _begin(
    request: HttpRequest,
    *,
    max_age: int | None = None,
    target: str = "",
    retried: bool = False,
    second: bool = False,
    **extra: Any,
) -> HttpResponse:
    """To the ID; what the answer must hold goes into a cookie of this attempt. `second`: with a second factor."""
    target = target or safe_next(request.GET.get("next", "/"))
    now = timezone.now()
    locale = _locale(target)
    locales = "ja-simple ja" if locale == "ja-simple" else locale
    plain = max_age is None and not extra
    if max_age is not None:
        extra["max_age"] = max_age
    if second:
        extra["acr_values"] = idp.Acr.SECOND_FACTOR
    redirect_uri = f"{settings.PORTAL_URL}/sign-in/callback"
    state = pending.new_state(target)
    try:
        tokens.document(renew=True)  # an old answer must not send somebody to an ID that is away
        made = _client().create_authorization_url(redirect_uri, state=state, ui_locales=locales, **extra)
    except ProviderUnavailable as error:
        return _problem(request, error, target)
    answer = HttpResponseRedirect(made.pop("url"))
    data = {
        **made,
        "redirect_uri": redirect_uri,
        "next": target,
        "asked_at": int(now.timestamp()),
        "max_age": max_age,
        "expect": request.session.get(person.KEY),
        "plain": plain,
        "retried": retried,
        "second": second,
    }
    pending.keep(request, answer, state=state, data=data, now=now)
    return answer


@never_cache
@require_GET
def sign_in(request: HttpRequest) -> HttpResponse:
    """To the ID. `next`: a path to come back to; `silent=1`: never show a form; `fresh=1`: prove it again.

    `action=password|totp|passkey`: there the resident changes or adds this at the ID, and comes back.
    """
    target = safe_next(request.GET.get("next", "/"))
    fresh = request.GET.get("fresh") == "1"
    # Who has given a second factor gives it again with every new proof, or the session would lose it.
    second = request.GET.get("second") == "1" or person.has_second_factor(request)
    kind = KINDS.get(request.GET.get("action", ""))
    if kind is not None:
        return _act(request, kind, target)
    enough = not second or person.has_second_factor(request)
    if portal_sessions.is_open(request) and enough and not fresh:
        return HttpResponseRedirect(target)
    ended = request.session.get(lifetimes.ENDED)
    if request.GET.get("silent") == "1":
        return HttpResponseRedirect(target) if ended else _begin(request, prompt="none")
    if ended and request.GET.get("again") != "1":
        return _ended(request, ended, target)
    # An end by time would mean nothing if the ID's own session let the person in again without a question.
    return _begin(request, second=second, max_age=0 if fresh or ended else None)


def _ended(request: HttpRequest, why: str, target: str) -> HttpResponse:
    """Why somebody has to sign in again, and the way back to where they were."""
    with translation.override(_locale(target)):
        context = {
            "title": _("もう一度サインインしてください"),
            "message": _(
                "しばらく操作がなかったため、安全のためにサインアウトしました。サインインすると、元の画面に戻ります。"
            )
            if why == "idle"
            else _(
                "サインインしてから長い時間がたったため、安全のためにサインアウトしました。サインインすると、元の画面に戻ります。"
            ),
            "unsent": form_pages.KEPT in parse_qs(urlsplit(target).query),
            "again_url": f"{reverse('identity:signin')}?{urlencode({'again': '1', 'next': target})}",
            "home_url": _home(_locale(target)),
        }
        return render(request, "identity/signin_problem.html", context)


def _act(request: HttpRequest, kind: str, target: str) -> HttpResponse:
    """The embedded ID has a page for it; Keycloak does it in the middle of a sign-in."""
    if settings.ID_PROVIDER == "embedded":
        return HttpResponseRedirect(idp.provider().action_url(kind, next_path=target) or target)
    return _begin(request, kc_action=ACTIONS[kind], second=person.has_second_factor(request))


@never_cache
@require_GET
def sign_up(request: HttpRequest) -> HttpResponse:
    """To the ID's registration."""
    if portal_sessions.is_open(request):
        return HttpResponseRedirect(safe_next(request.GET.get("next", "/")))
    return _begin(request, prompt="create")


@never_cache
@require_GET
def callback(request: HttpRequest) -> HttpResponse:
    """Back from the ID: verifies everything, opens the session under a new key, returns to `next`.

    Whoever is signed in already, because another tab was faster, goes to where this tab was going.
    """
    state = request.GET.get("state", "")
    known = pending.read(request, state, now=timezone.now())
    answer = _come_back(request, known, known.get("next") or pending.target_of(state))
    pending.forget(request, answer, state)
    return answer


def _come_back(request: HttpRequest, known: dict[str, Any], wanted: str) -> HttpResponse:
    target = safe_next(wanted)
    try:
        _check_issuer(request)
        if known and request.GET.get("error") in {"login_required", "interaction_required"}:
            return HttpResponseRedirect(target)  # silent, and nobody was signed in
        if _must_begin_again(request, known):
            return _begin(request, target=target, retried=True, second=bool(known.get("second")))
        done = _complete(request, known)
        _confirm(request, known, done)
        if known.get("plain") and _is_enough(request, known) and portal_sessions.is_held(request, done):
            return HttpResponseRedirect(target)
        device = devices.secret_of(request)
        resident = portal_sessions.open_session(request, done, device=device)
    except ProviderProblem as error:
        return _failed(request, error, known, wanted)
    except InvalidToken:
        return _failed(request, SignInFailed(), known, wanted)
    if resident.erase_at is not None:  # nothing else works until it is decided: undo, or go on waiting
        with translation.override(_locale(target)):
            return HttpResponseRedirect(reverse("mydata:undecided"))
    status = request.GET.get("kc_action_status", "")
    if status in DONE:
        target = with_status(target, status)
    elif not known.get("expect"):  # who proves once more that it is them has not just arrived
        target = onboarding.target_of(request, resident, target)
    answer = HttpResponseRedirect(target)
    devices.keep(answer, device)
    return answer


def _confirm(request: HttpRequest, known: dict[str, Any], done: Login) -> None:
    """Whether this is the person who was asked, and gave as much proof as was asked for."""
    expect = known.get("expect")
    if expect and not portal_sessions.is_person(expect, done):
        portal_sessions.end_this(request, why="another_person")
        raise AnotherPerson
    if known.get("second") and not done.second_factor:
        raise SecondFactorMissing


def _is_enough(request: HttpRequest, known: dict[str, Any]) -> bool:
    """Whether this browser's session has the second factor that was asked for."""
    return not known.get("second") or person.has_second_factor(request)


def _must_begin_again(request: HttpRequest, known: dict[str, Any]) -> bool:
    """Keycloak answers so in a tab whose login page is over because another tab signed in; asked once more, it knows."""
    over = request.GET.get("error") == "temporarily_unavailable"
    return over and bool(known.get("plain")) and not known.get("retried")


def _failed(request: HttpRequest, error: ProviderProblem, known: dict[str, Any], wanted: str) -> HttpResponse:
    """A page that says so; who is signed in and was asked for no new proof needs none, and simply goes on."""
    asked_more = known and not known.get("plain")
    asked_more = asked_more or not _is_enough(request, known)
    if not asked_more and not isinstance(error, AnotherPerson) and portal_sessions.is_open(request):
        return HttpResponseRedirect(safe_next(wanted) if wanted else _home(portal_sessions.locale(request)))
    return _problem(request, error, safe_next(wanted))


def with_status(target: str, status: str) -> str:
    """`target` with what became of an action at the ID."""
    parts = urlsplit(target)
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), ("kc_action_status", status)])
    return urlunsplit(parts._replace(query=query))


def _check_issuer(request: HttpRequest) -> None:
    """RFC 9207: an ID that promises to name itself in its answers must do so, and no other may."""
    named = request.GET.get("iss")
    if named is None:
        if tokens.document().get("authorization_response_iss_parameter_supported") is True:
            raise SignInFailed
    elif named != settings.OIDC_ISSUER:
        raise SignInFailed


def _is_stale(known: dict[str, Any], auth_time: datetime | None) -> bool:
    """Whether an ID that was told `max_age` did not ask the person: it may ignore the parameter, we may not."""
    allowed = known.get("max_age")
    if allowed is None:
        return False
    return auth_time is None or auth_time.timestamp() < known["asked_at"] - allowed - tokens.SKEW


def _complete(request: HttpRequest, known: dict[str, Any]) -> Login:
    if not known:
        raise SignInFailed
    try:
        token = _client(known).authorize_access_token(
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
    auth_time = datetime.fromtimestamp(at, UTC) if isinstance(at, int | float) else None
    if _is_stale(known, auth_time):
        raise SignInFailed
    locale = str(claims.get("locale") or "")
    return Login(
        iss=str(claims["iss"]),
        sub=str(claims["sub"]),
        sid=str(claims.get("sid") or ""),
        id_token=str(token["id_token"]),
        locale=locale if locale in LOCALES else _locale(known.get("next", "/")),
        auth_time=auth_time,
        home_region=str(claims.get("identity_provider") or ""),
        remember=claims.get("remember_me") is True,
        second_factor=_has_second_factor(claims),
    )


def _has_second_factor(claims: dict[str, Any]) -> bool:
    """By the level that was reached (`acr`), or because a code was a part of a sign-in that asked for no level (`amr`)."""
    methods = claims.get("amr")
    return claims.get("acr") == idp.Acr.SECOND_FACTOR or (
        isinstance(methods, list) and idp.Amr.CODE in methods
    )


# --- out -----------------------------------------------------------------------------------------------------


@never_cache
@posts("home:home")
def sign_out(request: HttpRequest) -> HttpResponse:
    """Ends the portal's session first, then the one at the ID, which tells every gadget."""
    hint = portal_sessions.hint(request.session.session_key)
    locale = _locale(request.headers.get("Referer", "").removeprefix(settings.PORTAL_URL))
    portal_sessions.sign_out(request)
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
        portal_sessions.end_by_event(event, now=now)
    except InvalidToken as error:
        return JsonResponse({"error": "invalid_request", "error_description": str(error)}, status=400)
    except ProviderUnavailable:
        return JsonResponse({"error": "temporarily_unavailable"}, status=503)
    return JsonResponse({})


# --- the admin's door ----------------------------------------------------------------------------------------


@never_cache
def admin_login(request: HttpRequest) -> HttpResponse:
    """Editors and operators sign in with the same regional ID; who may not enter is told so, not sent around."""
    target = safe_next(request.GET.get("next", "/admin/"))
    user = request.user
    if not isinstance(user, Resident):
        return HttpResponseRedirect(f"{reverse('identity:signin')}?{urlencode({'next': target})}")
    if staff.is_staff(user) and not person.has_second_factor(request):
        return staff.step_up(target)
    with translation.override("ja"):
        return render(request, "identity/no_entry.html", status=403)
