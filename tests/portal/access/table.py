"""Who may be answered with 200 where: the declared table that the walk over all addresses is compared with.

The longest row that fits an address counts: the address itself, or its beginning up to a slash. An address that no row names fails the walk, so that nothing which a
framework brings along stands open by accident. `ANYBODY` includes people whose session has ended.
"""

from collections.abc import Set

GUEST, RESIDENT, PROVIDER, EDITOR, OPERATOR = "guest", "resident", "provider", "editor", "operator"
AUDITOR, ENDED = "auditor", "ended session"
"""A member of the staff without a desk, and somebody whose session was ended."""
PRINCIPALS = (GUEST, RESIDENT, PROVIDER, EDITOR, OPERATOR, AUDITOR, ENDED)

ANYBODY = frozenset(PRINCIPALS)
SIGNED_IN = ANYBODY - {GUEST, ENDED}
DESK = frozenset({EDITOR, OPERATOR})
NOBODY: frozenset[str] = frozenset()

PORTAL: dict[str, Set[str]] = {
    # for machines
    "/health/": ANYBODY,
    "/.well-known/": ANYBODY,
    "/schemas/": ANYBODY,
    "/theme/": ANYBODY,
    "/alerts.json": ANYBODY,
    "/alerts.html": ANYBODY,
    "/connections.csv": ANYBODY,
    "/connections.json": ANYBODY,
    "/fragments/": ANYBODY,
    "/api/": NOBODY,  # a key or a token, never a session
    "/oidc/": NOBODY,
    # signing in: redirects to the ID
    "/sign-in/": NOBODY,
    "/sign-up/": NOBODY,
    "/sign-out/": NOBODY,
    # for everybody
    "/": ANYBODY,
    "/guest/": NOBODY,
    "/all-news/": ANYBODY,
    "/<page>": ANYBODY,  # pages of editors
    "/figures/": ANYBODY,
    "/connections/": ANYBODY,
    "/erased/": ANYBODY,
    "/session/": ANYBODY,
    "/gadgets/": ANYBODY,
    "/for-you/": NOBODY,
    # one's own
    "/my-data/": SIGNED_IN,
    "/my-data/ranking/": ANYBODY,  # a guest reads the main parameters
    "/my-data/ranking/less/": NOBODY,
    "/welcome/": SIGNED_IN,
    "/consent/": SIGNED_IN,
    "/home/": SIGNED_IN,
    "/provider/": ANYBODY,  # says what a console is
    "/provider/contact/": NOBODY,  # with the link of a mail only
    "/provider/join/": SIGNED_IN,
    "/provider/contracts/": SIGNED_IN,
    "/provider/register/": NOBODY,
    "/provider/organisations/": {PROVIDER},
    "/provider/gadgets/": {PROVIDER},
    # the desk
    "/admin/": DESK,
    "/admin/login/": NOBODY,
    "/admin/logout/": NOBODY,
    "/admin/sprite/": ANYBODY,  # icons
    "/admin/jsi18n/": ANYBODY,  # words of scripts
    "/admin/ranking/figures/": {OPERATOR},
    "/admin/services/": {OPERATOR},
    "/admin/protection/": {OPERATOR},
    "/admin/households/": {OPERATOR},
    "/admin/regions/": {OPERATOR},
    # Wagtail's: pages are the editor's
    "/admin/pages/": DESK,  # an operator's are the alerts
    "/admin/pages/create/": {EDITOR},
    "/admin/pages/<page_to_move_id>/move/<destination_id>/confirm/": DESK,
    "/admin/pages/workflow/": DESK,  # "no longer under review"
    "/admin/reports/": DESK,
    "/admin/reports/site-history/": DESK,
    "/admin/images/": {EDITOR},
    "/admin/redirects/": {EDITOR},
    "/admin/content_gone/": {EDITOR},
    "/admin/content_personas/": {EDITOR},
    "/admin/faults/": {OPERATOR},
    "/admin/images/chooser/": DESK,
    "/admin/workflows/": NOBODY,
    "/admin/workflows/task_chooser/": DESK,
    # Wagtail's, and nobody's here: closed in portal/urls.py
    "/admin/password_reset/": NOBODY,
    "/admin/users/": NOBODY,
    "/admin/groups/": NOBODY,
    "/admin/sites/": NOBODY,
    "/admin/collections/": NOBODY,
    "/admin/documents/": NOBODY,
    "/admin/api/main/documents/": NOBODY,
    "/admin/snippets/": NOBODY,
    "/admin/pages/<page>/privacy/": NOBODY,
    "/admin/pages/<page_id>/privacy/": NOBODY,
    "/admin/test404/": NOBODY,
    "/admin/failwhale/": NOBODY,
}
ID: dict[str, Set[str]] = {
    "/": NOBODY,  # leads to the portal
    "/o/.well-known/": ANYBODY,
    "/theme/": ANYBODY,
    "/o/logout/": SIGNED_IN,  # asks whether to sign out
    "/o/": NOBODY,  # nothing without a client's request
    "/login/": {GUEST, ENDED},  # who is signed in is led on
    "/signup/": {GUEST, ENDED},
    "/logout/": SIGNED_IN,
    "/inactive/": ANYBODY,
    "/password/": NOBODY,  # after a fresh proof only
    "/reauthenticate/": NOBODY,  # leads on: nothing waits for a proof
    "/code/": NOBODY,  # in the middle of a sign-in, or after a fresh proof
}
