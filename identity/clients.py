"""The OIDC clients of gadgets as the portal knows them: sector, salt, pseudonym, suspended or not."""

import secrets

from identity import crypto, subjects
from identity.idp import ClientSpec
from identity.models import GadgetClient, Resident


def salt(client: GadgetClient) -> bytes:
    """The salt of the pairwise mapper."""
    return crypto.unseal(bytes(client.salt_sealed), place=crypto.client_place(client.client_id))


def pairwise_subject(client: GadgetClient, resident: Resident) -> str:
    """What this client's tokens carry as `sub` for this resident, at either provider."""
    return subjects.pairwise(client.sector_host, resident.subject, salt(client))


def is_suspended(client_id: str) -> bool:
    """False for the portal's own client."""
    return GadgetClient.objects.filter(client_id=client_id, suspended=True).exists()


def save(spec: ClientSpec) -> GadgetClient:
    """Creates or updates the row; the sector never changes, and the salt is made once."""
    known = GadgetClient.objects.filter(client_id=spec.client_id).first()
    if known is None:
        made = secrets.token_urlsafe(32).encode()
        sealed = crypto.seal(made, place=crypto.client_place(spec.client_id))
        known = GadgetClient(client_id=spec.client_id, sector_host=spec.sector_host, salt_sealed=sealed)
    known.gadget_id = spec.gadget_id
    known.redirect_uris = list(spec.redirect_uris)
    known.logout_uri = spec.logout_uri
    known.identity_level = spec.identity_level
    known.save()
    return known
