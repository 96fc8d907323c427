"""Endpoints of the embedded provider: authorization, discovery, key set, logout; the rest is the toolkit's."""
# ruff: noqa: ARG002  (signatures are the libraries')

import base64
import re
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from allauth.account import views as account_views
from allauth.mfa.base import views as mfa_views
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_safe
from django.views.generic.edit import FormView
from oauth2_provider.exceptions import InvalidIDTokenError, InvalidOIDCRedirectURIError, OAuthToolkitError
from oauth2_provider.http import OAuth2ResponseRedirect
from oauth2_provider.settings import oauth2_settings
from oauth2_provider.views import RPInitiatedLogoutView
from oauth2_provider.views.mixins import OAuthLibMixin

from identity import idp
from identity.embedded import driver, second_factor, server
from identity.embedded.accounts import AccountAdapter
from identity.embedded.hosts import redirect_origin
from identity.embedded.requests import for_browsers
from identity.models import Resident
from identity.oidc.relying_party import safe_next, with_status
from identity.sessions.portal_sessions import FRESH_SECONDS

_MAX_AGE = re.compile(r"[0-9]{1,9}")
LOCALES = ("ja", "en", "ja-simple")
SCOPE = "openid"


def _locale(request: HttpRequest) -> str:
    for wanted in request.GET.get("ui_locales", "").split():
        if wanted in LOCALES:
            return wanted
    return "ja"


def _problem(request: HttpRequest, *, status: int, locale: str = "ja") -> HttpResponse:
    with translation.override(locale):
        return render(request, "identity/id_problem.html", status=status)


def _malformed(request: HttpRequest) -> HttpResponse:
    return _problem(request, status=400, locale=_locale(request))


class _Protocol(OAuthLibMixin):
    """The toolkit's calls, without its views."""


@never_cache
@require_GET
@for_browsers(_malformed)
def authorize(request: HttpRequest) -> HttpResponseBase:
    """Validates first, then asks the person, then answers the client; nothing is shown to a wrong client.

    GET only: there is no consent form to post, because the portal owns consent.
    """
    try:
        _scopes, credentials = _Protocol().validate_authorization_request(request)
    except OAuthToolkitError as error:
        return _error(request, error)
    if request.GET.get("response_mode", "query") != "query" or not _MAX_AGE.fullmatch(
        request.GET.get("max_age", "0")
    ):
        return _refuse(credentials, "invalid_request")
    asked = _asked(request, credentials)
    if asked is not None:
        return asked
    credentials["tells_auth_time"] = "max_age" in request.GET
    credentials["provider_session"] = driver.client_session(request, credentials["client_id"])
    if isinstance(credentials.get("ui_locales"), list):
        credentials["ui_locales"] = " ".join(credentials["ui_locales"])
    try:
        uri, *_ = _Protocol().create_authorization_response(
            request=request, scopes=SCOPE, credentials=credentials, allow=True
        )
    except OAuthToolkitError as error:
        return _error(request, error)
    return _to_client(uri)


def _to_client(uri: str) -> HttpResponseBase:
    """A redirect to an address that has been proven to be the client's."""
    answer: HttpResponseBase = OAuth2ResponseRedirect(uri, oauth2_settings.ALLOWED_REDIRECT_URI_SCHEMES)
    return answer


def _asked(request: HttpRequest, credentials: dict[str, Any]) -> HttpResponseBase | None:
    """What stands between this browser and an answer: sign-up, login, the password again; None for nothing."""
    prompt = set(request.GET.get("prompt", "").split())
    at = driver.auth_time(request)
    if at is not None and _other_person(request):
        return _refuse(credentials, "login_required")
    if "none" in prompt:
        return _refuse(credentials, "login_required") if at is None or _too_old(request, at) else None
    key = _key(request) if "login" in prompt or "max_age" in request.GET else ""
    if at is None:
        driver.ask_for_proof(request, key)
        return _send(request, "account_signup" if "create" in prompt else "account_login")
    if ("login" in prompt or _too_old(request, at)) and not driver.proved(request, key):
        driver.ask_for_proof(request, key)
        return _send(request, "account_reauthenticate")
    if _wants_code(request, credentials):
        code_at = driver.code_time(request)
        old = code_at is None or _too_old(request, code_at) or _too_old_for_staff(code_at)
        if old and not driver.proved(request, key, by_code=True):
            driver.ask_for_proof(request, key)
            return _send(request, "mfa_reauthenticate")
    driver.use_proof(request, key)
    return None


def _wants_code(request: HttpRequest, credentials: dict[str, Any]) -> bool:
    """Only the portal may ask for the second factor: a service's site cannot make anybody set one up."""
    asked = request.GET.get("acr_values", "").split()
    return idp.Acr.SECOND_FACTOR in asked and credentials["client_id"] == settings.OIDC_CLIENT_ID


def _too_old_for_staff(at: datetime) -> bool:
    """A code is a part of the sign-in for as long as any session lasts, and not for the weeks of a remembered one."""
    return (timezone.now() - at).total_seconds() > settings.SESSION_SECONDS


def _key(request: HttpRequest) -> str:
    """Names this very authorization request, so that a proof given for it serves no other."""
    return sha256(request.META.get("QUERY_STRING", "").encode()).hexdigest()


def _too_old(request: HttpRequest, at: datetime) -> bool:
    """Whether more than `max_age` seconds have passed; a proof given for this very request is looked at before."""
    if "max_age" not in request.GET:
        return False
    age: timedelta = timezone.now() - at
    return age.total_seconds() > int(request.GET["max_age"])


def _other_person(request: HttpRequest) -> bool:
    """True when `id_token_hint` names somebody else than the one who is signed in."""
    hint = request.GET.get("id_token_hint", "")
    if not hint:
        return False
    claims = server.id_token_claims(hint)
    if claims is None or not isinstance(request.user, Resident):
        return True
    return bool(claims.get("sub") != server.subject(str(claims.get("aud")), request.user))


def _send(request: HttpRequest, name: str) -> HttpResponseRedirect:
    """To a page of the ID, which leads back here with the request as it came."""
    back = f"{request.path}?{request.META.get('QUERY_STRING', '')}"
    with translation.override(_locale(request)):
        return HttpResponseRedirect(f"{reverse(name)}?{urlencode({'next': back})}")


def _refuse(credentials: dict[str, Any], error: str) -> HttpResponseBase:
    query = {"error": error}
    if credentials.get("state"):
        query["state"] = credentials["state"]
    uri = credentials["redirect_uri"]
    uri = server.with_issuer(f"{uri}{'&' if '?' in uri else '?'}{urlencode(query)}")
    return _to_client(uri)


def _error(request: HttpRequest, error: OAuthToolkitError) -> HttpResponseBase:
    """To the client when its redirect URI is proven, else a page that says so and leads nowhere."""
    redirect, answer = _Protocol().error_response(error)
    if not redirect:
        return _problem(request, status=400, locale=_locale(request))
    uri = server.with_issuer(answer["url"])
    return _to_client(uri)


@method_decorator(never_cache, name="dispatch")
@method_decorator(for_browsers(_malformed), name="dispatch")
class LogoutView(RPInitiatedLogoutView):
    """RP-initiated logout of this browser; asks for confirmation unless an ID token of its own sign-in is shown.

    An ID token is no secret of the person: whoever holds one ends nothing with it from another browser.
    """

    template_name = "oauth2_provider/logout_confirm.html"

    def error_response(self, error: Any) -> HttpResponse:
        """A page without details: the request came through the browser."""
        return _problem(self.request, status=400, locale=_locale(self.request))

    def get_request_application(self, id_token: Any, client_id: str | None) -> Any:
        """An unknown client is an error of the request, not of the server."""
        from oauth2_provider.exceptions import InvalidOIDCClientError
        from oauth2_provider.models import get_application_model

        try:
            return super().get_request_application(id_token, client_id)
        except get_application_model().DoesNotExist as error:
            raise InvalidOIDCClientError from error

    def validate_logout_request_user(self, id_token_hint: str | None, client_id: str | None) -> Any:
        """A hint that is no token at all is an error of the request, not of the server."""
        try:
            return super().validate_logout_request_user(id_token_hint, client_id)
        except (ValueError, TypeError, KeyError) as error:
            raise InvalidIDTokenError from error

    def validate_post_logout_redirect_uri(
        self, application: Any, post_logout_redirect_uri: str | None
    ) -> None:
        """One of the registered addresses, letter by letter."""
        super().validate_post_logout_redirect_uri(application, post_logout_redirect_uri)
        if (
            post_logout_redirect_uri
            and post_logout_redirect_uri not in application.post_logout_redirect_uris.split()
        ):
            raise InvalidOIDCRedirectURIError("not registered")

    def must_prompt(self, token_user: Any) -> bool:
        """Only a hint from this browser's own sign-in says that the person came from a service of theirs."""
        hint = self.request.GET.get("id_token_hint") or self.request.POST.get("id_token_hint")
        claims = server.id_token_claims(hint) if hint else None
        if not self.request.user.is_authenticated:
            return False
        return claims is None or not driver.is_own(self.request, sid=str(claims.get("sid")))

    def do_logout(
        self,
        application: Any = None,
        post_logout_redirect_uri: Any = None,
        state: Any = None,
        token_user: Any = None,
    ) -> HttpResponse:
        """Ends this browser's sign-in."""
        driver.end_request(self.request)
        if not post_logout_redirect_uri:
            self.request.session.flush()
            return HttpResponseRedirect(f"{settings.PORTAL_URL}/")
        return super().do_logout(  # type: ignore[no-any-return]
            application, post_logout_redirect_uri, state, token_user
        )


class ReauthenticateView(account_views.ReauthenticateView):
    """The password again; notes the time, which `max_age` and `auth_time` speak of."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Without a session it is a login like any other."""
        if not request.user.is_authenticated:
            return HttpResponseRedirect(f"{reverse('account_login')}?{request.META.get('QUERY_STRING', '')}")
        return super().dispatch(request, *args, **kwargs)  # type: ignore[no-any-return]

    def form_valid(self, form: Any) -> HttpResponse:
        driver.begin(self.request, now=timezone.now())
        return super().form_valid(form)  # type: ignore[no-any-return]


class LoginCodeView(mfa_views.AuthenticateView):
    """The one-time code in the middle of a sign-in, for everybody who has set it up."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        answer: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        stage = getattr(request, "_login_stage", None)
        return _leads_to(answer, stage.login.redirect_url if stage else "")

    def form_valid(self, form: Any) -> HttpResponse:
        driver.code_proven(self.request, now=timezone.now())
        return super().form_valid(form)  # type: ignore[no-any-return]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        user = self.stage.login.user
        return {**super().get_context_data(**kwargs), "sample_code": second_factor.sample_code(user)}


def _leads_to(answer: HttpResponseBase, target: str) -> HttpResponseBase:
    """Lets the form of this page end at the client that `target` (an address of the ID) will lead to."""
    origin = redirect_origin(target)
    if origin:
        answer._csp_update = {"form-action": [origin]}  # type: ignore[attr-defined]
    return answer


class _SignedInFormView(FormView[Any]):
    """A form of somebody who is signed in here; afterwards to `next`, a path of the ID."""

    def to_instead(self, request: HttpRequest, at: datetime) -> str:
        """The name of the page that comes before this one; "" for none."""
        raise NotImplementedError

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        at = driver.auth_time(request)
        instead = "account_login" if at is None else self.to_instead(request, at)
        if instead:
            # Back to where this page was leading: the protocol asks again for whatever is missing then.
            return HttpResponseRedirect(
                f"{reverse(instead)}?{urlencode({'next': self._next() or request.path})}"
            )
        return super().dispatch(request, *args, **kwargs)

    def _next(self) -> str:
        wanted = self.request.POST.get("next") or self.request.GET.get("next") or ""
        return wanted if AccountAdapter().is_safe_url(wanted) else ""

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "user": self.request.user}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {
            **super().get_context_data(**kwargs),
            "redirect_field_name": "next",
            "redirect_field_value": self._next(),
        }

    def get_success_url(self) -> str:
        return self._next() or f"{settings.PORTAL_URL}/"


@method_decorator(never_cache, name="dispatch")
class CodeView(_SignedInFormView):
    """The one-time code of somebody who is signed in: before what a password alone does not open."""

    template_name = "mfa/reauthenticate.html"
    form_class = second_factor.CodeForm

    def to_instead(self, request: HttpRequest, at: datetime) -> str:
        return "" if second_factor.has_codes(person(request)) else "mfa_activate_totp"

    def form_valid(self, form: Any) -> HttpResponse:
        form.save()
        driver.code_proven(self.request, now=timezone.now())
        return super().form_valid(form)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        sample = second_factor.sample_code(person(self.request))
        return {**super().get_context_data(**kwargs), "sample_code": sample}


@method_decorator(never_cache, name="dispatch")
class SetUpCodeView(_SignedInFormView):
    """Puts the key of one-time codes into an app; whoever has one already types its code instead."""

    template_name = "mfa/totp/activate_form.html"
    form_class = second_factor.SetUpForm

    def to_instead(self, request: HttpRequest, at: datetime) -> str:
        if second_factor.has_codes(person(request)):
            return "mfa_reauthenticate"
        # The first key decides who can sign in from now on: not from a browser that was left open.
        stale = (timezone.now() - at).total_seconds() > FRESH_SECONDS
        return "account_reauthenticate" if stale else ""

    def form_valid(self, form: Any) -> HttpResponse:
        form.save(self.request)
        driver.code_proven(self.request, now=timezone.now())
        return super().form_valid(form)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        adapter = second_factor.Adapter()
        secret = context["form"].secret
        image = adapter.build_totp_svg(adapter.build_totp_url(self.request.user, secret))
        picture = base64.b64encode(image.encode()).decode()
        return {
            **context,
            "picture": f"data:image/svg+xml;base64,{picture}",
            "secret": " ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        }


def person(request: HttpRequest) -> Resident:
    """Who is signed in at the ID; these pages are for nobody else."""
    if not isinstance(request.user, Resident):
        raise PermissionDenied
    return request.user


class ChangePasswordView(account_views.PasswordChangeView):
    """A password of one's own choice; every other sign-in ends. `back` is a path of the portal."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Signed in first; the form leads to the portal, so its page may post there."""
        if not request.user.is_authenticated or driver.auth_time(request) is None:
            query = urlencode({"next": request.get_full_path()})
            return HttpResponseRedirect(f"{reverse('account_login')}?{query}")
        answer: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        answer._csp_update = {"form-action": [settings.PORTAL_URL]}  # type: ignore[attr-defined]
        return answer

    def form_valid(self, form: Any) -> HttpResponse:
        answer: HttpResponse = super().form_valid(form)
        driver.password_changed(self.request, form.user, now=timezone.now())
        return answer

    def get_success_url(self) -> str:
        return settings.PORTAL_URL + with_status(self._back(), "success")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        back = self._back()
        return {**super().get_context_data(**kwargs), "back": back, "away": f"{settings.PORTAL_URL}{back}"}

    def _back(self) -> str:
        return safe_next(self.request.GET.get("back", "/"))


@require_safe
def discovery(_request: HttpRequest) -> JsonResponse:
    """OpenID Provider Metadata: only what is really offered."""
    issuer, base = settings.OIDC_ISSUER, settings.OIDC_ISSUER.rstrip("/")
    answer = JsonResponse(
        {
            "issuer": issuer,
            "authorization_endpoint": f"{base}/authorize/",
            "token_endpoint": f"{base}/token/",
            "userinfo_endpoint": f"{base}/userinfo/",
            "jwks_uri": f"{base}/.well-known/jwks.json",
            "revocation_endpoint": f"{base}/revoke_token/",
            "end_session_endpoint": f"{base}/logout/",
            "scopes_supported": [SCOPE],
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code"],
            "subject_types_supported": ["public", "pairwise"],
            "id_token_signing_alg_values_supported": [server.ALGORITHM],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "code_challenge_methods_supported": ["S256"],
            "claims_supported": [
                "iss",
                "sub",
                "aud",
                "exp",
                "iat",
                "auth_time",
                "acr",
                "nonce",
                "at_hash",
                "sid",
            ],
            "acr_values_supported": [idp.Acr.PASSWORD, idp.Acr.SECOND_FACTOR],
            "prompt_values_supported": ["none", "login", "create"],
            "ui_locales_supported": list(LOCALES),
            "authorization_response_iss_parameter_supported": True,
            "backchannel_logout_supported": True,
            "backchannel_logout_session_supported": True,
            "claims_parameter_supported": False,
            "request_parameter_supported": False,
            "request_uri_parameter_supported": False,
        }
    )
    answer["Access-Control-Allow-Origin"] = "*"
    answer["Cache-Control"] = "public, max-age=300"
    return answer


@require_safe
def jwks(_request: HttpRequest) -> JsonResponse:
    """The public key that signs ID tokens and logout tokens."""
    answer = JsonResponse({"keys": [server.signing_key().as_dict(private=False)]})
    answer["Access-Control-Allow-Origin"] = "*"
    answer["Cache-Control"] = "public, max-age=300"
    return answer


def start(_request: HttpRequest) -> HttpResponseRedirect:
    """The ID has no page of its own to look at: it leads to the portal."""
    return HttpResponseRedirect(f"{settings.PORTAL_URL}/")
