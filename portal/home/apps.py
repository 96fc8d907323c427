"""Tells the gadgets package which slots the city puts on every home; it may not import upwards."""

from django.apps import AppConfig


class HomeConfig(AppConfig):
    name = "portal.home"

    def ready(self) -> None:
        """The default slots come from the published home page."""
        import gadgets.choosing.layout
        from portal.home.catalogue import default_slots

        gadgets.choosing.layout.default_slots = default_slots
