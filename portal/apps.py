"""Registers the portal, and hands the executor to the packages below, which may not import upwards."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "portal"

    def ready(self) -> None:
        """`kick` of all packages reaches the one executor."""
        from core import jobs
        from portal.executor import executor

        jobs.register(lambda name: executor().kick(name))
