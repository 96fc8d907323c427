"""Keeps a gadget's OIDC client at the regional ID, and its pseudonyms, in step with the gadget's life.

A gadget at level pairwise has pseudonyms also without a site of its own; then the ID registers nothing.
The row says what is due (`Gadget.client_due`); it is tried right after the commit and again by the sweep, so
an ID that is down for a while loses nothing.
"""

import logging

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_noop

from core import sweeps
from gadgets.errors import NoSuchGadgetError, WrongStateError
from gadgets.frames import launch
from gadgets.models import Gadget, GadgetVersion, bump_registry
from gadgets.protocol import manifest as manifests
from gadgets.types import LEVELS
from identity import actions as identity_actions
from identity import queries as identity_queries
from identity.domain.roles import SYSTEM, Actor
from identity.errors import IdentityError
from identity.idp import ClientCredentials, ClientSpec, provider

log = logging.getLogger(__name__)

JOB = "gadgets.sync_clients"


def client_due(gadget: Gadget) -> None:
    """Marks, inside the caller's transaction, that the client must follow; tries it after the commit."""
    Gadget.objects.filter(pk=gadget.pk).update(client_due=True)
    transaction.on_commit(lambda: _try(Gadget.objects.filter(pk=gadget.pk, client_due=True)))


def sync_due_clients() -> int:
    """The sweep: returns how many clients were set right."""
    return _try(Gadget.objects.filter(client_due=True))


def _try(rows: QuerySet[Gadget]) -> int:
    due = rows.select_related("published", "earlier")
    return sum(sweeps.each(JOB, due, _in_step, key=lambda row: row.gadget_id).results)


def _in_step(row: Gadget) -> bool:
    try:
        _sync(row)
    except IdentityError as error:
        log.warning("client of %s not yet in step: %s", row.gadget_id, type(error).__name__)
        return False
    return True


def _sync(row: Gadget, secret: str = "", by: Actor = SYSTEM) -> ClientCredentials | None:
    """Talks to the ID outside of any transaction, then writes what came of it, unless the gadget moved on."""
    spec = client_spec(row) if row.state == Gadget.State.PUBLISHED else None
    made = None
    if spec is not None and spec.redirect_uris:
        made = provider().upsert_client(spec, secret=secret, by=by)
        provider().enable_client(spec.client_id, by=by)
    else:
        # Disabled before the row forgets its addresses: while the ID is away, the next try still knows of it.
        if row.client_id and identity_queries.is_registered(row.client_id):
            provider().disable_client(row.client_id)
        if spec is not None:
            identity_actions.keep_pseudonyms(spec, by=by)
    client_id = spec.client_id if spec is not None else row.client_id
    with transaction.atomic():
        same = Gadget.objects.filter(
            pk=row.pk, state=row.state, published_id=row.published_id, earlier_id=row.earlier_id
        )
        if not same.update(client_due=False, client_id=client_id):
            # It was suspended, say, while we talked: what we told the ID may have come after that.
            Gadget.objects.filter(pk=row.pk).update(client_due=True)
        elif client_id != row.client_id:
            bump_registry()
    return made


def client_spec(row: Gadget) -> ClientSpec | None:
    """What the gadget's site registers; without redirect URIs, a sector and a salt for pseudonyms alone.

    None when it declares no `login` and knows nobody by a pseudonym. While some residents still have the version
    before, its site is let in as well, and its claims are known.
    """
    found = [_parsed(version) for version in (row.published, row.earlier) if version is not None]
    sites = [parsed for parsed in found if parsed.endpoints.login is not None]
    if row.published is None or not (sites or any(one.identity == "pairwise" for one in found)):
        return None
    parsed = found[0]
    logins = [one.endpoints.login for one in sites if one.endpoints.login is not None]
    claims = (claim.name for one in found for claim in one.claims)
    return ClientSpec(
        gadget_id=parsed.id,
        client_id=row.client_id or parsed.id,
        name=parsed.title["ja"],
        sector_host=parsed.host,
        identity_level=max((one.identity for one in found), key=LEVELS.index),
        claims=tuple(dict.fromkeys(claims)),
        redirect_uris=tuple(dict.fromkeys(map(launch.redirect_uri, logins))),
        post_logout_redirect_uris=tuple(dict.fromkeys(f"{one.origin}/" for one in sites)),
        logout_uri=launch.logout_uri(logins[0]) if logins else "",
    )


def _parsed(version: GadgetVersion) -> manifests.Manifest:
    return manifests.parse(bytes(version.manifest), url=version.url)


def set_secret(gadget_id: str, secret: str = "", *, by: Actor = SYSTEM) -> ClientCredentials:
    """A new secret for the gadget's client, chosen by the ID or given; it is shown once and not kept."""
    row = Gadget.objects.select_related("published", "earlier").filter(gadget_id=gadget_id).first()
    if row is None:
        raise NoSuchGadgetError
    spec = client_spec(row)
    if row.state != Gadget.State.PUBLISHED or spec is None or not spec.redirect_uris:
        raise WrongStateError(
            gettext_noop("公開中で login を宣言しているサービスだけが、クライアントの秘密を持てます。")
        )
    made = _sync(row, secret, by)
    return made or provider().rotate_client(row.client_id, by=by)
