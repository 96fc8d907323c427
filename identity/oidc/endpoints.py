"""Endpoints for machines on the portal's host: the logout relay, and the description of this portal."""

import logging

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from core.region.current import current_region
from identity.errors import InvalidToken, ProviderUnavailable
from identity.models import GadgetClient
from identity.oidc import logout_relay

log = logging.getLogger(__name__)

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
