"""Registers the portal with Django."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "portal"

    def ready(self) -> None:
        from portal.wiring import wire  # models, which are there only now

        wire()
