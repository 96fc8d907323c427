"""Registers the portal and hands the executor to the packages below, which may not import upwards."""

from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "portal"

    def ready(self) -> None:
        """`kick` of identity and gadgets reaches the one executor."""
        import gadgets.tasks
        import identity.tasks
        from portal.executor import executor

        def kick(name: str) -> None:
            executor().kick(name)

        identity.tasks.kick = kick
        gadgets.tasks.kick = kick
