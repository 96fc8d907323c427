"""Writes of identity, the door for other packages: attributes here, the rest from the module that does it.

Every write is keyword-only, checks who asks, and is one transaction. Each change of consent or attributes raises the
resident's `consent_version` in it, so that whatever was cached under the old version is never found again, leaves a
`ConsentEvent` for the packages above, and an entry in the audit chain.
"""

from collections.abc import Mapping
from uuid import UUID

from identity.audit import chain
from identity.audit.chain import together
from identity.consent.access_log import release
from identity.consent.ledger import (
    end_grants,
    grant,
    opt_in_learning,
    opt_in_personalisation,
    opt_out,
    refuse,
    refuse_learning,
    take_back,
    withdraw,
)
from identity.domain import attributes, consent
from identity.domain.roles import Actor
from identity.embedded.second_factor import set_up_sample_codes
from identity.oidc.clients import save as keep_pseudonyms
from identity.residents.accounts import create_resident, create_synthetic, group_of, set_roles
from identity.residents.guards import changed, locked, own_only
from identity.residents.protection import ask_to_lift, lift, set_confidential
from identity.residents.reach import ask_reach

__all__ = [
    "ask_reach",
    "ask_to_lift",
    "create_resident",
    "create_synthetic",
    "end_grants",
    "grant",
    "group_of",
    "keep_pseudonyms",
    "lift",
    "opt_in_learning",
    "opt_in_personalisation",
    "opt_out",
    "refuse",
    "refuse_learning",
    "release",
    "set_attributes",
    "set_confidential",
    "set_roles",
    "set_up_sample_codes",
    "together",
    "withdraw",
]


@chain.together()
def set_attributes(*, resident_id: UUID, values: Mapping[str, object], by: Actor) -> None:
    """Sets the named attributes and leaves the others; None, "" or an empty list clears one.

    Only what is another value than before is written and named in the audit.

    Raises `UnknownAttribute`, `UnknownValue`, `DerivedAttribute` (each names the attribute), `NotAllowed`.
    """
    own_only(by, resident_id)
    resident = locked(resident_id)
    stored = attributes.from_json(resident.attributes)
    before, shown = dict(stored), attributes.derive(stored)
    for key, raw in values.items():
        if raw is None or raw in ("", [], ()):
            attributes.require_settable(key)
            stored.pop(key, None)
        else:
            value = attributes.validate_settable(key, raw)
            if key in stored or value != shown.get(key):  # what follows from another is not told twice
                stored[key] = value
    keys = sorted(key for key in values if stored.get(key) != before.get(key))
    if not keys:
        return
    language = stored.get("language")
    resident.attributes = attributes.to_json(stored)
    resident.locale = language if isinstance(language, str) else resident.locale
    resident.save(update_fields=["attributes", "locale"])
    changed(resident, "", "attributes")
    if not consent.learns_from(stored):
        # What was kept of somebody who turns out to be a child is not waited with.
        chain.record_receipts(take_back(resident, recipient=consent.LEARNING), by=by)
    chain.record("attributes_changed", who=resident_id, by=by, keys=keys)
