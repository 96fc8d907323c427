"""Registers the gadgets package with Django, and says to identity what it cannot know of gadgets."""

from django.apps import AppConfig


class GadgetsConfig(AppConfig):
    name = "gadgets"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """identity may not import upwards."""
        from gadgets import registry
        from gadgets.webhooks import events, logout
        from identity import releases
        from identity.oidc import logout_relay

        logout_relay.lost = events.session_ended
        logout_relay.post = logout.post
        releases.may = registry.may_be_told
