"""Registers the gadgets package with Django, and says to identity how a gadget is told of a lost logout."""

from django.apps import AppConfig


class GadgetsConfig(AppConfig):
    name = "gadgets"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """identity may not import upwards."""
        from gadgets import events
        from identity import relay

        relay.lost = events.session_ended
