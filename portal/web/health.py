"""Answers the machines that ask whether this process lives, and whether it can serve people."""

import logging
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache

from gadgets.queries import registry

log = logging.getLogger(__name__)

# Applied migrations stay applied while this process lives: they are looked at until they are all there.
_migrated = False


def live(_request: HttpRequest) -> JsonResponse:
    """The process answers; nothing else is touched."""
    return JsonResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})


@never_cache
def ready(_request: HttpRequest) -> JsonResponse:
    """200 when database, migrations and registry are there; the ID and its drift are shown and never count."""
    checks: dict[str, str] = {}
    for name, check in (("database", _database), ("migrations", _migrations), ("registry", _registry)):
        # Each check stands on the one before it.
        checks[name] = "not checked" if set(checks.values()) - {"ok"} else _result(name, check)
    good = set(checks.values()) == {"ok"}
    body: dict[str, Any] = {
        "status": "ok" if good else "unavailable",
        "checks": checks,
        "id_provider": settings.ID_PROVIDER,
    }
    if settings.ID_PROVIDER == "keycloak":
        from identity.keycloak import sync  # Keycloak's library is loaded only where it is used

        # What a job found lately: no request waits for Keycloak, and a drift serves nobody worse.
        body["keycloak"] = sync.last_check() or "not checked"
    return JsonResponse(body, status=200 if good else 503)


def _result(name: str, check: Callable[[], str]) -> str:
    try:
        return check()
    except DatabaseError as error:
        log.warning("not ready: %s: %s", name, type(error).__name__)
        return "unavailable"


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return "ok"


def _migrations() -> str:
    global _migrated
    if not _migrated:
        executor = MigrationExecutor(connection)
        _migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return "ok" if _migrated else "not applied"


def _registry() -> str:
    registry()
    return "ok"
