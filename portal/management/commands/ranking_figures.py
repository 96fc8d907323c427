"""Makes the published figures of the order now, instead of waiting for the job."""

from typing import Any

from django.core.management.base import BaseCommand

from portal.figures import tasks


class Command(BaseCommand):
    """ranking_figures"""

    help = "Makes the published figures of this month, and of the last one in its first days."

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        self.stdout.write(f"{tasks.make_figures()} months")
