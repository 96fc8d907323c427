"""What content needs done by the clock: scheduled pages, and alerts that end."""

from collections.abc import Callable

from django.core.management import call_command

from portal.content import actions


def publish_scheduled() -> None:
    """Publishes what is due and takes down what has expired; Wagtail's own command does the work."""
    call_command("publish_scheduled", verbosity=0)


DUE_JOBS: list[tuple[str, float, Callable[[], object]]] = [
    ("content.publish_scheduled", 60.0, publish_scheduled),
    ("content.write_alerts", 60.0, actions.write_alerts),
]
