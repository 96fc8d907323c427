"""What content needs done by the clock: scheduled pages, and alerts that end.

Wagtail's own `publish_scheduled` goes through all pages in one go and ends at the first that raises.
"""

from datetime import datetime

from django.db import transaction
from django.utils import timezone
from wagtail.models import Page, Revision

from core import sweeps
from core.jobs import Job
from portal.content import actions

JOB = "content.publish_scheduled"


def publish_scheduled(now: datetime | None = None) -> int:
    """Publishes what is due and takes down what has expired; returns how many of both.

    A page that cannot be published keeps its schedule: its editor and the operators are told, and it is tried again.
    """
    at = now or timezone.now()
    ended = Page.objects.filter(live=True, expire_at__lt=at).order_by("expire_at")
    due = Revision.objects.filter(approved_go_live_at__lt=at).order_by("approved_go_live_at")
    down = sweeps.each(JOB, ended, _take_down, key=lambda page: f"end:{page.pk}")
    out = sweeps.each(JOB, due, _publish, key=lambda revision: f"page:{revision.object_id}")
    return len(down.done) + len(out.done)


@transaction.atomic
def _take_down(page: Page) -> None:
    page.unpublish(set_expired=True, log_action="wagtail.unpublish.scheduled")


@transaction.atomic
def _publish(revision: Revision) -> None:
    revision.publish(log_action="wagtail.publish.scheduled")


def write_alerts() -> int:
    """The files as of now, and the audit entries that waited for the database."""
    return len(sweeps.steps(actions.WRITE_ALERTS, actions.write_alerts, actions.record_waiting))


def faults_of(page_id: int) -> tuple[sweeps.Fault, ...]:
    """What went wrong the last time the page was to be published or taken down by the clock."""
    return tuple(fault for fault in sweeps.faults(JOB) if fault.item in {f"page:{page_id}", f"end:{page_id}"})


JOBS = (
    Job(JOB, 60, publish_scheduled),
    Job(actions.WRITE_ALERTS, 60, write_alerts),
)
