"""Registers the identity package with Django."""

from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.db.models.signals import post_migrate


class IdentityConfig(AppConfig):
    name = "identity"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """The embedded ID knows the portal as soon as its tables are there."""
        if settings.ID_PROVIDER == "embedded":
            post_migrate.connect(_introduce_portal, sender=self, dispatch_uid="identity.introduce_portal")


def _introduce_portal(**_: Any) -> None:
    from identity.embedded.driver import ensure_portal_client  # models, which are there only now

    ensure_portal_client()
