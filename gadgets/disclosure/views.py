"""The claims endpoint: what a resident granted to the gadget whose access token asks, signed with the portal's key."""

from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET

from gadgets.cards import signing
from gadgets.registry import registry
from gadgets.release import disclosable_to_site
from gadgets.types import Value
from identity import actions, queries, rate
from identity.errors import InvalidToken, ProviderUnavailable
from identity.idp import Bearer, provider

TOKEN_TYPE = "rclaims+jwt"  # noqa: S105  no secret
SECONDS = 60
MOST, PERIOD = 60, 60
"""Answers to one client about one subject, and in how many seconds."""


@csrf_exempt
@never_cache
@require_GET
def claims(request: HttpRequest) -> HttpResponse:
    """What the resident of this access token grants to this gadget at this moment.

    A JWT of type `rclaims+jwt` for 60 seconds. Nothing granted, or a pseudonym that nobody has: 200 with empty claims.
    An invalid token: 401 after RFC 6750. Too often for one subject: 429 with Retry-After.
    """
    scheme, _, raw = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not raw.strip():
        answer = JsonResponse({"error": "unauthorized"}, status=401)
        answer["WWW-Authenticate"] = f'Bearer realm="{settings.PORTAL_URL}"'
        return answer
    raw = raw.strip()
    try:
        bearer = provider().resolve_access_token(raw)
        wait = rate.seconds_to_wait("claims", bearer.client_id, bearer.sub, most=MOST, period=PERIOD)
        if wait:  # before the ID is asked: no gadget may keep it busy
            answer = JsonResponse({"error": "too_many_requests"}, status=HTTPStatus.TOO_MANY_REQUESTS)
            answer["Retry-After"] = str(wait)
            return answer
        provider().require_live(raw)
    except InvalidToken:
        return _invalid_token()
    except ProviderUnavailable:
        return JsonResponse({"error": "temporarily_unavailable"}, status=503, headers={"Retry-After": "5"})
    return HttpResponse(_signed(bearer, _released(bearer)), content_type="application/jwt")


def _invalid_token() -> HttpResponse:
    description = "the access token is unknown, ended, revoked or not for this endpoint"
    answer = JsonResponse({"error": "invalid_token", "error_description": description}, status=401)
    answer["WWW-Authenticate"] = (
        f'Bearer realm="{settings.PORTAL_URL}", error="invalid_token", error_description="{description}"'
    )
    return answer


def _released(bearer: Bearer) -> Mapping[str, Value]:
    """Only under a pseudonym, and only what is known: without a value a claim says nothing here."""
    owner = queries.owner_of_subject(bearer.client_id, bearer.sub)
    if owner is None:
        return {}
    resident_id, gadget_id = owner

    def decide(bundle: queries.Bundle | None) -> list[str]:
        choice = registry().choose(gadget_id, bundle, timezone.now())
        return list(disclosable_to_site(choice.shown if choice else None, bundle).claims)

    return actions.release(resident_id=resident_id, recipient=gadget_id, via="claims", decide=decide)


def _signed(bearer: Bearer, released: Mapping[str, Value]) -> str:
    now = timezone.now()
    body = {
        "iss": settings.PORTAL_URL,
        "aud": bearer.client_id,
        "sub": bearer.sub,
        "iat": int(now.timestamp()),
        "exp": int((now + timedelta(seconds=SECONDS)).timestamp()),
        "granted": sorted(released),
        "claims": dict(released),
    }
    return signing.sign(body, token_type=TOKEN_TYPE)
