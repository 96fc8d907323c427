"""Tables of identity: residents, their attributes, the consent ledger, sessions and pseudonyms.

Models never cross the border of this package: others read through `identity.queries` and write
through `identity.actions`.
"""

from identity.models.clients import GadgetClient, LogoutDelivery, Subject
from identity.models.forms import KeptForm, Sending
from identity.models.ledger import (
    AccessLog,
    AuditEntry,
    ConsentEvent,
    ConsentReceipt,
    ConsentState,
    NoticeVersion,
    SealedAccess,
)
from identity.models.people import (
    Erasure,
    Guardianship,
    HouseholdCode,
    ProtectionLift,
    Resident,
    ResidentManager,
    opaque_username,
)
from identity.models.sessions import (
    KnownDevice,
    OidcSession,
    ProviderCode,
    ProviderSession,
    SeenToken,
    SignInLetter,
)

__all__ = [
    "AccessLog",
    "AuditEntry",
    "ConsentEvent",
    "ConsentReceipt",
    "ConsentState",
    "Erasure",
    "GadgetClient",
    "Guardianship",
    "HouseholdCode",
    "KeptForm",
    "KnownDevice",
    "LogoutDelivery",
    "NoticeVersion",
    "OidcSession",
    "ProtectionLift",
    "ProviderCode",
    "ProviderSession",
    "Resident",
    "ResidentManager",
    "SealedAccess",
    "SeenToken",
    "Sending",
    "SignInLetter",
    "Subject",
    "opaque_username",
]
