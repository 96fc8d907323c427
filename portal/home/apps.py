"""Tells the packages below what they may not import: the city's slots on every home, and how behaviour is forgotten."""

from django.apps import AppConfig


class HomeConfig(AppConfig):
    name = "portal.home"

    def ready(self) -> None:
        """The default slots come from the published home page; what was learnt from somebody ends with their yes."""
        import gadgets.layout.layout
        from identity.consent import learning
        from portal.home import visits
        from portal.home.catalogue import default_slots

        gadgets.layout.layout.default_slots = default_slots
        learning.on_end(visits.forget)
