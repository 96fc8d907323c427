"""The embedded provider's table of clients: confidential, code flow only, no consent screen of its own."""

import hashlib

from django.conf import settings
from oauth2_provider.models import get_application_model


def secret_digest(secret: str) -> str:
    """How a client's secret is kept: it is random and long, so one SHA-256 is enough and costs nothing."""
    return "sha256:" + hashlib.sha256(secret.encode()).hexdigest()


def save(
    *,
    client_id: str,
    name: str,
    secret: str,
    redirect_uris: tuple[str, ...],
    post_logout_redirect_uris: tuple[str, ...],
) -> None:
    """Creates or updates a client; an empty secret leaves the present one. Writes only what has changed."""
    application = get_application_model()
    values = {
        "name": name,
        "client_type": application.CLIENT_CONFIDENTIAL,
        "authorization_grant_type": application.GRANT_AUTHORIZATION_CODE,
        "algorithm": application.RS256_ALGORITHM,
        "skip_authorization": True,
        "hash_client_secret": False,
        "redirect_uris": " ".join(redirect_uris),
        "post_logout_redirect_uris": " ".join(post_logout_redirect_uris),
    }
    if secret:
        values["client_secret"] = secret_digest(secret)
    if not application.objects.filter(client_id=client_id, **values).exists():
        application.objects.update_or_create(client_id=client_id, defaults=values)


def ensure_portal_client() -> None:
    """The portal's own client, as the settings say; its address changes with the port of a demo."""
    save(
        client_id=settings.OIDC_CLIENT_ID,
        name="portal",
        secret=settings.OIDC_CLIENT_SECRET,
        redirect_uris=(f"{settings.PORTAL_URL}/sign-in/callback",),
        post_logout_redirect_uris=(f"{settings.PORTAL_URL}/sign-out/done",),
    )
