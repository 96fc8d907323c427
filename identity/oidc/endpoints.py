"""Endpoints for machines on the portal's host: logout relay, claims endpoint, where everything is."""

import logging
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST, require_safe
from joserfc import jwt
from joserfc.jwk import ECKey

from core.region.current import current_region
from identity import actions, hooks, queries, rate
from identity.domain import consent
from identity.errors import InvalidToken, ProviderUnavailable
from identity.idp import Bearer, provider
from identity.models import GadgetClient, Subject
from identity.oidc import logout_relay

log = logging.getLogger(__name__)

CLAIMS_TYPE = "rclaims+jwt"
CLAIMS_SECONDS = 60
CLAIMS_MOST, CLAIMS_PERIOD = 60, 60
"""Answers to one client about one subject, and in how many seconds."""


# --- the logout relay ----------------------------------------------------------------------------------------


@csrf_exempt
@never_cache
@require_POST
def relay_logout(request: HttpRequest, client_id: str) -> JsonResponse:
    """The ID's logout token for one gadget: verified, stored, answered; a thread or worker forwards it."""
    client = GadgetClient.objects.filter(client_id=client_id).first()
    if client is None:
        return JsonResponse({"error": "invalid_request", "error_description": "unknown client"}, status=404)
    try:
        logout_relay.accept(client, request.POST.get("logout_token", ""), now=timezone.now())
    except InvalidToken as error:
        return JsonResponse({"error": "invalid_request", "error_description": str(error)}, status=400)
    except ProviderUnavailable:
        return JsonResponse({"error": "temporarily_unavailable"}, status=503)
    return JsonResponse({})


# --- the claims endpoint -------------------------------------------------------------------------------------


def _refuse(error: str, description: str, *, status: int = 401) -> HttpResponse:
    answer = JsonResponse({"error": error, "error_description": description}, status=status)
    answer["WWW-Authenticate"] = (
        f'Bearer realm="{settings.PORTAL_URL}", error="{error}", error_description="{description}"'
    )
    return answer


@csrf_exempt
@never_cache
@require_GET
def claims(request: HttpRequest) -> HttpResponse:
    """What the resident of this access token has granted to this gadget, at this moment, signed.

    A JWT of type `rclaims+jwt` for 60 seconds. Nothing granted, or nobody known by that pseudonym: 200 with
    empty claims. An invalid token: 401 after RFC 6750. Too often for one subject: 429 with Retry-After.
    """
    scheme, _, raw = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not raw.strip():
        answer = JsonResponse({"error": "unauthorized"}, status=401)
        answer["WWW-Authenticate"] = f'Bearer realm="{settings.PORTAL_URL}"'
        return answer
    raw = raw.strip()
    try:
        bearer = provider().resolve_access_token(raw)
        wait = rate.seconds_to_wait(
            "claims", bearer.client_id, bearer.sub, most=CLAIMS_MOST, period=CLAIMS_PERIOD
        )
        if wait:  # before the ID is asked: it is not for a gadget to keep it busy
            answer = JsonResponse({"error": "too_many_requests"}, status=HTTPStatus.TOO_MANY_REQUESTS)
            answer["Retry-After"] = str(wait)
            return answer
        provider().require_live(raw)
    except InvalidToken:
        return _refuse(
            "invalid_token", "the access token is unknown, ended, revoked or not for this endpoint"
        )
    except ProviderUnavailable:
        return JsonResponse({"error": "temporarily_unavailable"}, status=503, headers={"Retry-After": "5"})
    return HttpResponse(_signed(bearer, _granted(bearer)), content_type="application/jwt")


def _granted(bearer: Bearer) -> dict[str, Any]:
    row = (
        Subject.objects.select_related("client")
        .filter(client__client_id=bearer.client_id, sub=bearer.sub, client__suspended=False)
        .first()
    )
    if row is None or row.client.identity_level != "pairwise":
        return {}
    gadget, declared = row.client.gadget_id, row.client.claims

    def decide(bundle: queries.Bundle | None) -> list[str]:
        """Declared, granted as it is asked for now, at this level, and known."""
        if bundle is None:
            return []
        granted, levels = bundle.grants.get(gadget, frozenset()), bundle.levels.get(gadget, {})
        return [
            item
            for item in hooks.registered().may_release(row.resident_id, gadget, declared)
            if item in granted and item in bundle.attributes and consent.covers(levels[item], "pairwise")
        ]

    released = actions.release(resident_id=row.resident_id, recipient=gadget, via="claims", decide=decide)
    return dict(released)


def _signed(bearer: Bearer, granted: dict[str, Any]) -> str:
    key = ECKey.import_key(settings.GADGET_SIGNING_KEY)
    now = timezone.now()
    body = {
        "iss": settings.PORTAL_URL,
        "aud": bearer.client_id,
        "sub": bearer.sub,
        "iat": int(now.timestamp()),
        "exp": int((now + timedelta(seconds=CLAIMS_SECONDS)).timestamp()),
        "granted": sorted(granted),
        "claims": granted,
    }
    return jwt.encode({"alg": "ES256", "typ": CLAIMS_TYPE, "kid": key.thumbprint()}, body, key, ["ES256"])


# --- where everything is -------------------------------------------------------------------------------------


@require_safe
def region_portal(_request: HttpRequest) -> JsonResponse:
    """`/.well-known/region-portal.json`: what a provider's program needs to know of this portal."""
    base = settings.PORTAL_URL
    answer = JsonResponse(
        {
            "region": current_region().code,
            "name": dict(current_region().portal_name),
            "portal": base,
            "issuer": settings.OIDC_ISSUER,
            "discovery": settings.OIDC_ISSUER.rstrip("/") + "/.well-known/openid-configuration",
            "claims_endpoint": f"{base}/api/claims",
            "jwks_uri": f"{base}/.well-known/jwks.json",
            "schemas": {
                "manifest": f"{base}/schemas/manifest-1.0.json",
                "card": f"{base}/schemas/card-1.0.json",
            },
        }
    )
    answer["Cache-Control"] = "public, max-age=300"
    answer["Access-Control-Allow-Origin"] = "*"
    return answer
