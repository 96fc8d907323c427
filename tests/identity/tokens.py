"""An access token of the embedded ID as its token endpoint leaves it: a sign-in, a code, the token's rows."""

import secrets
from datetime import timedelta
from hashlib import sha256
from importlib import import_module

from django.conf import settings
from django.utils import timezone
from oauth2_provider.models import get_access_token_model, get_application_model

from identity import idp
from identity.embedded import driver
from identity.models import ProviderCode, ProviderSession, Resident
from identity.sessions import engines


def register(gadget_id: str, claims: tuple[str, ...]) -> str:
    """A client at the level `pairwise`; returns its id."""
    client_id = f"{gadget_id}.client"
    spec = idp.ClientSpec(
        gadget_id=gadget_id,
        client_id=client_id,
        name=gadget_id,
        sector_host="site.localhost",
        identity_level="pairwise",
        claims=claims,
        redirect_uris=("http://site.localhost/callback",),
    )
    idp.provider().upsert_client(spec)
    return client_id


def token_of(resident: Resident, client_id: str, *, seconds: int = 120) -> str:
    """Of a sign-in of its own."""
    raw, name = secrets.token_urlsafe(24), secrets.token_urlsafe(12)
    now = timezone.now()
    token = get_access_token_model().objects.create(
        user=resident,
        token=raw,
        application=get_application_model().objects.get(client_id=client_id),
        expires=now + timedelta(seconds=seconds),
        scope="openid",
    )
    browser = import_module(settings.SESSION_ENGINE).SessionStore()
    browser[driver.SIGN_IN] = name
    engines.begin(browser, now=now, remembered=False)
    browser.save()
    session = ProviderSession.objects.create(
        resident=resident,
        client_id=client_id,
        sid=name,
        sign_in=name,
        session_key=browser.session_key,
        auth_time=now,
    )
    ProviderCode.objects.create(
        code_sha256=sha256(raw.encode()).hexdigest(), session=session, access_token_id=token.pk
    )
    return raw
