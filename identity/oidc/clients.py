"""The OIDC clients of gadgets as the portal knows them: sector, salt, pseudonym, suspended or not.

Both drivers change their rows here only, so that each change stands in the audit chain in the same transaction.
"""

import secrets
from collections.abc import Iterable

from django.db.models import Exists, OuterRef
from django.utils import timezone

from identity import crypto
from identity.audit import chain
from identity.domain import consent, subjects
from identity.domain.roles import SYSTEM, Actor
from identity.idp import ClientSpec
from identity.models import ConsentState, GadgetClient, Resident, Subject


def salt(client: GadgetClient) -> bytes:
    """The salt of the pairwise mapper."""
    return crypto.unseal(bytes(client.salt_sealed), place=crypto.client_place(client.client_id))


def pairwise_subject(client: GadgetClient, resident: Resident) -> str:
    """What this client's tokens carry as `sub` for this resident, at either provider."""
    return subjects.pairwise(client.sector_host, resident.subject, salt(client))


def is_suspended(client_id: str) -> bool:
    """False for the portal's own client."""
    return GadgetClient.objects.filter(client_id=client_id, suspended=True).exists()


def is_registered(client_id: str) -> bool:
    """Whether the ID knows this client: one without a site has pseudonyms only, and nobody signs in there."""
    return GadgetClient.objects.filter(client_id=client_id).exclude(redirect_uris=[]).exists()


def remember(client: GadgetClient, residents: Iterable[Resident]) -> None:
    """Writes the way back from this client's pseudonym for each of them."""
    secret = salt(client)
    rows = (
        Subject(client=client, sub=subjects.pairwise(client.sector_host, one.subject, secret), resident=one)
        for one in residents
    )
    Subject.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)


def _remember_grants(client: GadgetClient) -> None:
    """A grant may be older than the client: then nothing led back from the pseudonym yet."""
    given = ConsentState.objects.filter(
        resident=OuterRef("pk"), recipient=client.gadget_id, level="pairwise", status=consent.GRANTED
    ).exclude(expires_at__lte=timezone.now())
    known = Subject.objects.filter(client=client, resident=OuterRef("pk"))
    remember(client, Resident.objects.filter(Exists(given)).exclude(Exists(known)).only("subject"))


@chain.together()
def save(spec: ClientSpec, *, by: Actor = SYSTEM) -> GadgetClient:
    """Creates or updates the row; the sector never changes, and the salt is made once.

    Drivers call it as they register the client. Alone (`actions.keep_pseudonyms`) it registers nothing at the ID.
    """
    wanted = {
        "gadget_id": spec.gadget_id,
        "redirect_uris": list(spec.redirect_uris),
        "logout_uri": spec.logout_uri,
        "identity_level": spec.identity_level,
        "claims": list(spec.claims),
    }
    known = GadgetClient.objects.filter(client_id=spec.client_id).first()
    if known is None:
        made = secrets.token_urlsafe(32).encode()
        sealed = crypto.seal(made, place=crypto.client_place(spec.client_id))
        known = GadgetClient.objects.create(
            client_id=spec.client_id, sector_host=spec.sector_host, salt_sealed=sealed, **wanted
        )
        changed = sorted(wanted)
    else:
        changed = sorted(name for name, value in wanted.items() if getattr(known, name) != value)
        GadgetClient.objects.filter(pk=known.pk).update(**{name: wanted[name] for name in changed})
        known.refresh_from_db()
    if known.identity_level == "pairwise":
        _remember_grants(known)
    if changed:
        chain.record("client_saved", by=by, client=spec.client_id, changed=changed)
    return known


@chain.together()
def set_suspended(client_id: str, *, suspended: bool, by: Actor = SYSTEM) -> bool:
    """Suspends or resumes; returns whether that was a change."""
    rows = GadgetClient.objects.filter(client_id=client_id, suspended=not suspended)
    changed = bool(rows.update(suspended=suspended))
    if changed:
        chain.record("client_suspended" if suspended else "client_resumed", by=by, client=client_id)
    return changed


@chain.together()
def rotated(client_id: str, *, by: Actor = SYSTEM) -> None:
    """Notes that the client has another secret now."""
    chain.record("client_rotated", by=by, client=client_id)


@chain.together()
def remove(client_id: str, *, by: Actor = SYSTEM) -> bool:
    """Deletes the row with its pseudonyms and waiting logouts; returns whether it was there."""
    removed, _ = GadgetClient.objects.filter(client_id=client_id).delete()
    if removed:
        chain.record("client_removed", by=by, client=client_id)
    return bool(removed)
