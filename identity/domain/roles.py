"""Who may act: the roles of the portal, and the person or program on whose behalf an action runs.

Pure. A resident acts for themself only; editors, operators and provider members are residents with a role.
"""

from dataclasses import dataclass
from types import MappingProxyType
from uuid import UUID

RESIDENT = "resident"
EDITOR = "editor"
OPERATOR = "operator"
PROVIDER = "provider"
SECTION_HEAD = "section_head"
ALERT_OFFICER = "alert_officer"
CASE_OFFICER = "case_officer"
COUNTER_CLERK = "counter_clerk"
AUDITOR = "auditor"
STAFF_ROLES = frozenset({EDITOR, OPERATOR, SECTION_HEAD, ALERT_OFFICER, CASE_OFFICER, COUNTER_CLERK, AUDITOR})
"""Roles of people who work for the city: none of their rights counts before a second factor."""
ROLES = frozenset({RESIDENT, PROVIDER}) | STAFF_ROLES
GROUPS = MappingProxyType(
    {
        EDITOR: "編集者",
        OPERATOR: "運用者",
        PROVIDER: "事業者",
        SECTION_HEAD: "課長",
        ALERT_OFFICER: "防災担当者",
        CASE_OFFICER: "窓口業務担当者",
        COUNTER_CLERK: "窓口係",
        AUDITOR: "監査担当者",
    }
)
"""The group that mirrors a role in the admin."""
ADMIN_ROLES = frozenset({EDITOR, OPERATOR})
"""Roles whose members may enter the admin; a provider's console is outside of it."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks for a change: `id` is a resident's, or None for a program of the portal itself."""

    id: UUID | None
    roles: frozenset[str] = frozenset()

    def is_self(self, resident_id: UUID) -> bool:
        return self.id == resident_id

    def has(self, role: str) -> bool:
        return role in self.roles


SYSTEM = Actor(id=None, roles=frozenset({OPERATOR}))
"""The portal's own commands, such as the seed of the demo."""
PORTAL = Actor(id=None)
"""The portal itself, when it does what it was told to: without any right of its own."""
