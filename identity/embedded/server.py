"""The protocol of the embedded provider: django-oauth-toolkit, narrowed to what a regional ID needs.

Only the code flow with PKCE S256; no refresh tokens (a client comes back silently instead). Added to the
toolkit: pairwise subjects, a `sid` for each client, replayed codes revoke their token, suspended clients,
RFC 9207 on every answer.
"""
# ruff: noqa: ARG002  (signatures are the libraries')

import hashlib
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from joserfc import jwt
from joserfc.jwk import RSAKey
from oauth2_provider.exceptions import FatalClientError, OAuthToolkitError
from oauth2_provider.models import get_access_token_model, get_id_token_model
from oauth2_provider.oauth2_backends import OAuthLibCore
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauth2_provider.settings import oauth2_settings
from oauth2_provider.utils import jwk_from_pem
from oauthlib import oauth2
from oauthlib.common import Request
from oauthlib.oauth2.rfc6749 import errors
from oauthlib.oauth2.rfc6749.endpoints import (
    AuthorizationEndpoint,
    ResourceEndpoint,
    RevocationEndpoint,
    TokenEndpoint,
)
from oauthlib.oauth2.rfc6749.grant_types.authorization_code import code_challenge_method_s256
from oauthlib.oauth2.rfc6749.tokens import BearerToken
from oauthlib.openid.connect.core.endpoints.userinfo import UserInfoEndpoint
from oauthlib.openid.connect.core.grant_types import AuthorizationCodeGrant

from identity.embedded import gadget_clients, sign_ins
from identity.models import GadgetClient, ProviderCode, Resident
from identity.oidc import clients

ALGORITHM = "RS256"
COARSE = 300


def code_digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()


def signing_key() -> RSAKey:
    """The ID's private key; its `kid` is the RFC 7638 thumbprint."""
    key = RSAKey.import_key(settings.OIDC_SIGNING_KEY, {"use": "sig", "alg": ALGORITHM})
    key.ensure_kid()
    return key


def sign(claims: dict[str, Any], *, typ: str) -> str:
    """A token of the embedded provider."""
    key = signing_key()
    return jwt.encode({"alg": ALGORITHM, "kid": key.kid, "typ": typ}, claims, key, [ALGORITHM])


def subject(client_id: str, resident: Resident) -> str:
    """What a client knows the resident as: public for the portal itself, pairwise for every gadget."""
    if client_id == settings.OIDC_CLIENT_ID:
        return resident.subject
    return clients.pairwise_subject(GadgetClient.objects.get(client_id=client_id), resident)


class CodeOnlyServer(
    AuthorizationEndpoint, TokenEndpoint, ResourceEndpoint, RevocationEndpoint, UserInfoEndpoint
):
    """No implicit, hybrid, password, device, client-credentials or refresh grant: they are not merely off."""

    def __init__(
        self,
        request_validator: Any,
        token_expires_in: Any = None,
        token_generator: Any = None,
        refresh_token_generator: Any = None,
        **_: Any,
    ) -> None:
        grant = AuthorizationCodeGrant(request_validator, refresh_token=False)
        grant.proxy_target._code_challenge_methods = {"S256": code_challenge_method_s256}
        bearer = BearerToken(request_validator, token_generator, token_expires_in, refresh_token_generator)
        AuthorizationEndpoint.__init__(
            self, default_response_type="code", response_types={"code": grant}, default_token_type=bearer
        )
        TokenEndpoint.__init__(
            self,
            default_grant_type="authorization_code",
            grant_types={"authorization_code": grant},
            default_token_type=bearer,
        )
        ResourceEndpoint.__init__(self, "Bearer", {"Bearer": bearer})
        RevocationEndpoint.__init__(self, request_validator)
        UserInfoEndpoint.__init__(self, request_validator)


def roughly(at: datetime, *, now: datetime) -> int:
    """The end of the five minutes that `at` is in, but not the future: it passes every `max_age` that `at` passes."""
    return min(-(-int(at.timestamp()) // COARSE) * COARSE, int(now.timestamp()))


def with_issuer(uri: str) -> str:
    """Adds RFC 9207's `iss` to an authorization response."""
    parts = urlsplit(uri)
    query = [(key, value) for key, value in parse_qsl(parts.query, keep_blank_values=True) if key != "iss"]
    return urlunsplit(parts._replace(query=urlencode([*query, ("iss", settings.OIDC_ISSUER)])))


class Core(OAuthLibCore):
    """Takes the issuer from our settings instead of the toolkit's."""

    def create_authorization_response(
        self, request: HttpRequest, scopes: list[str], credentials: dict[str, Any], allow: bool
    ) -> tuple[str, Any, Any, int]:
        """The redirect with code, state and `iss`."""
        credentials["user"] = request.user
        uri, method, _, headers = self._extract_params(request)
        try:
            if not allow:
                raise oauth2.AccessDeniedError(state=credentials.get("state"))
            answer, body, status = self.server.create_authorization_response(
                uri=uri, http_method=method, headers=headers, scopes=scopes, credentials=credentials
            )
        except oauth2.FatalClientError as error:
            raise FatalClientError(error=error, redirect_uri=credentials["redirect_uri"]) from error
        except oauth2.OAuth2Error as error:
            raise OAuthToolkitError(error=error, redirect_uri=credentials["redirect_uri"]) from error
        answer["Location"] = with_issuer(answer["Location"])
        return answer["Location"], answer, body, status


class Validator(OAuth2Validator):
    """The toolkit's rules with ours."""

    oidc_claim_scope = None

    # --- clients ---------------------------------------------------------------------------------------------
    def _load_application(self, client_id: str, request: Request) -> Any:
        if client_id == settings.OIDC_CLIENT_ID and request.client is None:
            gadget_clients.ensure_portal_client()
        client = super()._load_application(client_id, request)
        if client is not None and clients.is_suspended(client.client_id):
            request.client = None
            return None
        return client

    def _check_secret(self, provided_secret: str, stored_secret: str) -> bool:
        return constant_time_compare(gadget_clients.secret_digest(provided_secret), stored_secret)

    # --- the authorization request ---------------------------------------------------------------------------
    def validate_redirect_uri(
        self, client_id: str, redirect_uri: str, request: Request, *args: Any, **kwargs: Any
    ) -> bool:
        """One of the registered addresses, letter by letter: no other port, query or spelling (RFC 9700, 2.1)."""
        return redirect_uri in request.client.redirect_uris.split()

    def get_default_redirect_uri(self, client_id: str, request: Request, *args: Any, **kwargs: Any) -> None:
        """OpenID Connect demands the parameter."""

    def validate_scopes(self, client_id: str, scopes: list[str], *args: Any, **kwargs: Any) -> bool:
        """`openid` and nothing else: the portal alone gives attributes away."""
        return set(scopes) == {"openid"}

    def validate_silent_login(self, request: Request) -> bool:
        """The view has looked at the browser's session before."""
        return True

    def validate_silent_authorization(self, request: Request) -> bool:
        """A client gets a pseudonym only; what else it may have is asked by the portal."""
        return True

    def _create_authorization_code(self, request: Request, code: dict[str, str], expires: Any = None) -> Any:
        with transaction.atomic():
            grant = super()._create_authorization_code(request, code, expires)
            ProviderCode.objects.create(
                code_sha256=code_digest(code["code"]),
                session=request.provider_session,
                tells_auth_time=request.tells_auth_time,
            )
        return grant

    # --- the token request -----------------------------------------------------------------------------------
    def validate_code(
        self, client_id: str, code: str, client: Any, request: Request, *args: Any, **kwargs: Any
    ) -> bool:
        """A code is good once; its second use revokes what the first one brought."""
        known = (
            ProviderCode.objects.select_related("session__resident")
            .filter(code_sha256=code_digest(code))
            .first()
        )
        if known is None or known.session.client_id != client_id:
            return False
        now = timezone.now()
        if not ProviderCode.objects.filter(pk=known.pk, used_at=None).update(used_at=now):
            ProviderCode.objects.filter(pk=known.pk).update(replayed_at=now)
            known.refresh_from_db()
            get_access_token_model().objects.filter(pk=known.access_token_id).delete()
            return False
        if known.session.ended_at is not None or not known.session.resident.is_active:
            return False
        request.provider_code = known
        return bool(super().validate_code(client_id, code, client, request, *args, **kwargs))

    def _create_access_token(
        self, expires: Any, request: Request, token: Any, source_refresh_token: Any = None
    ) -> Any:
        made = super()._create_access_token(expires, request, token, source_refresh_token)
        fresh = ProviderCode.objects.filter(pk=request.provider_code.pk, replayed_at=None)
        if not fresh.update(access_token_id=made.pk):
            raise errors.InvalidGrantError(request=request)
        return made

    # --- what the tokens say ---------------------------------------------------------------------------------
    def get_oidc_issuer_endpoint(self, request: Any) -> str:
        return str(settings.OIDC_ISSUER)

    def finalize_id_token(
        self, id_token: dict[str, Any], token: Any, token_handler: Any, request: Request
    ) -> str:
        """`sub` and the client's own `sid`; to the portal the time of the real sign-in, `acr`, and a remembered device.

        A gadget's site reads the time only when it asked for a `max_age`, and only roughly: sites that compare
        their ID tokens must not find the same person by the same second.
        """
        session = request.provider_code.session
        expires = timezone.now() + timedelta(seconds=oauth2_settings.ID_TOKEN_EXPIRE_SECONDS)
        id_token.update(
            iss=settings.OIDC_ISSUER,
            sub=subject(request.client.client_id, session.resident),
            sid=session.sid,
            exp=int(expires.timestamp()),
            jti=str(uuid.uuid4()),
        )
        id_token.pop("auth_time", None)  # the toolkit's own: the last login of the account, anywhere
        if request.client.client_id == settings.OIDC_CLIENT_ID:
            id_token["auth_time"] = int(session.auth_time.timestamp())
            id_token["acr"] = sign_ins.assurance(session, now=timezone.now())
            if sign_ins.is_remembered(session):
                id_token["remember_me"] = True
        elif request.provider_code.tells_auth_time:
            id_token["auth_time"] = roughly(session.auth_time, now=timezone.now())
        request.id_token = self._save_id_token(id_token["jti"], request, expires)
        return sign(id_token, typ="JWT")

    def get_userinfo_claims(self, request: Request) -> dict[str, str]:
        """Nothing but the subject."""
        return {"sub": subject(request.client.client_id, request.user)}

    def _get_key_for_token(self, token: str) -> Any:
        return jwk_from_pem(settings.OIDC_SIGNING_KEY)

    # --- resources -------------------------------------------------------------------------------------------
    def validate_bearer_token(self, token: str, scopes: list[str], request: Request) -> bool:
        """As the toolkit, but a suspended client's tokens are dead too."""
        if not super().validate_bearer_token(token, scopes, request):
            return False
        return request.client is not None and not clients.is_suspended(request.client.client_id)


def logout_token(*, client_id: str, sub: str, sid: str, now: datetime) -> tuple[str, str, datetime]:
    """A back-channel logout token: (token, jti, when it expires)."""
    jti, expires = str(uuid.uuid4()), (now + timedelta(seconds=120)).replace(microsecond=0)
    claims = {
        "iss": settings.OIDC_ISSUER,
        "aud": client_id,
        "iat": int(now.timestamp()),
        "exp": int(expires.timestamp()),
        "jti": jti,
        "sub": sub,
        "sid": sid,
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    }
    return sign(claims, typ="logout+jwt"), jti, expires.astimezone(UTC)


def id_token_claims(raw: str) -> dict[str, Any] | None:
    """The claims of one of our own ID tokens, expired or not; None when it is not ours."""
    from oauth2_provider.views.oidc import _load_id_token

    try:
        row, claims = _load_id_token(raw)
    except (ValueError, TypeError, KeyError):
        return None
    if row is None or claims is None or claims.get("iss") != settings.OIDC_ISSUER:
        return None
    return dict(claims)


def forget_tokens(token_ids: list[int]) -> None:
    """Deletes access tokens and the ID tokens that came with them."""
    rows = get_access_token_model().objects.filter(pk__in=token_ids)
    id_tokens = [pk for pk in rows.values_list("id_token_id", flat=True) if pk]
    rows.delete()
    get_id_token_model().objects.filter(pk__in=id_tokens).delete()
