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
ROLES = frozenset({RESIDENT, EDITOR, OPERATOR, PROVIDER})
GROUPS = MappingProxyType({EDITOR: "編集者", OPERATOR: "運用者", PROVIDER: "事業者"})
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
