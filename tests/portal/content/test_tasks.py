"""Pages appear and end by the clock, and the alert files follow."""

import json
from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from portal.content import tasks
from portal.content.models import AlertPage, HomePage
from portal.jobs import jobs

pytestmark = pytest.mark.django_db


def an_alert(**more) -> AlertPage:
    page = AlertPage(
        title="【見本】強風に注意",
        level=2,
        alert_kind=AlertPage.Kind.WIND,
        whole_city=True,
        what_to_do="外に出ないでください。",
        valid_until=timezone.now() + timedelta(hours=1),
        **more,
    )
    HomePage.objects.get().add_child(instance=page)
    return page


def test_a_scheduled_page_is_published_and_an_expired_one_taken_down() -> None:
    now = timezone.now()
    later = an_alert(live=False, go_live_at=now - timedelta(minutes=1))
    later.save_revision(approved_go_live_at=now - timedelta(minutes=1))
    ended = an_alert(live=True)
    AlertPage.objects.filter(pk=ended.pk).update(expire_at=now - timedelta(minutes=1))
    tasks.publish_scheduled()
    later.refresh_from_db()
    ended.refresh_from_db()
    assert (later.live, ended.live) == (True, False)


def test_an_alert_that_ended_leaves_the_files_at_the_next_sweep() -> None:
    page = an_alert(live=True)
    jobs()["content.write_alerts"].run()
    path = settings.ALERTS_DIR / "alerts.json"
    assert page.title in path.read_text()
    AlertPage.objects.filter(pk=page.pk).update(live=False)
    jobs()["content.write_alerts"].run()
    assert page.title not in path.read_text()
    assert isinstance(json.loads(path.read_text()), dict | list)
