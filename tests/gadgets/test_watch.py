"""Who fails a little is warned, who fails for hours or attacks is taken off the pages, and both read why."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend

from gadgets import actions, errors, queries, tasks
from gadgets.metrics import call_metrics
from gadgets.models import Gadget, GadgetHour, GadgetVersion, Provider, ReviewNote, StateNotice
from gadgets.operation import health_watch
from identity.domain.roles import SYSTEM
from tests import cast
from tests.gadgets import samples

NOW = datetime(2026, 4, 1, 9, 30, tzinfo=UTC)
GADGET = "example.waste.calendar"

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clean")]


@pytest.fixture(autouse=True)
def gadget() -> Gadget:
    """A published gadget, its rows as they are after its approval a month ago."""
    at = NOW - timedelta(days=30)
    provider = Provider.objects.create(
        name="WasteCo", kind="company", host="waste.example", contact="a@waste.example", contact_proved_at=at
    )
    made = Gadget.objects.create(gadget_id=GADGET, provider=provider, url=samples.URL, created_at=at)
    version = GadgetVersion.objects.create(
        gadget=made, version="2.1.0", manifest=samples.raw(), sha256="0" * 43, url=samples.URL,
        state=GadgetVersion.State.APPROVED, approved_at=at,
    )  # fmt: skip
    made.state, made.published, made.published_at = Gadget.State.PUBLISHED, version, at
    made.save()
    ReviewNote.objects.create(gadget=made, version=version, decision="approved", at=at)
    return made


def hour(back: int, *, good: int = 0, now: datetime = NOW, **faults: int) -> None:
    """What the hour `back` hours before this one held."""
    at = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=back)
    GadgetHour.objects.create(
        gadget_id=GADGET, hour=at, calls=good + sum(faults.values()), successes=good, faults=faults,
        times=[0] * (len(call_metrics.BOUNDS) + 1),
    )  # fmt: skip


def state() -> str:
    return Gadget.objects.get(gadget_id=GADGET).state


def told() -> list[str]:
    """What is on its way to the provider."""
    return list(StateNotice.objects.values_list("decision", flat=True))


def last_note() -> ReviewNote:
    note = ReviewNote.objects.order_by("-pk").first()
    assert note is not None
    return note


class TestWarning:
    def test_below_95_percent_of_a_day_the_provider_is_warned_and_told_what_helps(self) -> None:
        hour(20, good=50)
        hour(3, good=42, deadline_passed=5, card=3)
        assert health_watch.sweep(NOW) == 1
        note = last_note()
        assert (note.decision, note.side, note.who_id) == ("warned", "machine", None)
        assert "100回のうち成功 92回" in note.reason
        assert note.reason.index("時間内に応答が終わらない（5回）") < note.reason.index(
            "決まりに合わない（3回）"
        )
        assert "1秒以内に" in note.reason
        assert state() == "published"
        assert told() == ["warned"]

    def test_once_a_day(self) -> None:
        hour(3, good=20, card=5)
        assert health_watch.sweep(NOW) == 1
        assert health_watch.sweep(NOW + timedelta(hours=1)) == 0
        later = NOW + timedelta(hours=25)
        hour(3, good=20, now=later, card=5)
        assert health_watch.sweep(later) == 1

    @pytest.mark.parametrize(
        ("good", "bad"),
        [(95, 5), (18, 1), (0, 0)],
        ids=["just well enough", "too few to say", "nobody asked"],
    )
    def test_nobody_is_warned_without_need(self, good: int, bad: int) -> None:
        hour(3, good=good, card=bad)
        assert health_watch.sweep(NOW) == 0
        assert last_note().decision == "approved"

    def test_what_is_older_than_a_day_is_forgiven(self) -> None:
        hour(26, good=10, card=40)
        assert health_watch.sweep(NOW) == 0


class TestFailing:
    def test_below_half_for_two_hours_it_is_suspended_and_reads_why(self) -> None:
        cast.operator()
        for back in (2, 1):
            hour(back, good=2, deadline_passed=4, bad_status=1)
        assert health_watch.sweep(NOW) == 1
        assert state() == "suspended"
        assert GADGET not in queries.registry().gadgets
        note = last_note()
        assert (note.decision, note.side, note.who_id) == ("suspended", "machine", None)
        assert "14回のうち成功 4回" in note.reason
        assert "時間内に応答が終わらない（8回）。1秒以内に応答できるようにしてください。" in note.reason
        assert told() == ["suspended"]
        (letter,) = mail.outbox
        assert letter.to == ["operator@region.localhost"]
        assert letter.subject == "サービスを停止しました", "nothing of a stranger's stands in a subject"
        assert note.reason in letter.body
        assert f"/services/{GADGET}/" in letter.body
        assert health_watch.sweep(NOW) == 0

    @pytest.mark.parametrize(
        "rows",
        [
            {2: (2, 9), 1: (8, 2)},
            {1: (0, 30)},
            {3: (0, 30), 2: (0, 30)},
            {2: (0, 4), 1: (0, 5)},
            {2: (0, 9), 1: (0, 9), 0: (3, 1)},
        ],
        ids=["better in the last hour", "one hour only", "not in the last hour", "too few", "better now"],
    )
    def test_nobody_is_suspended_without_need(self, rows: Mapping[int, tuple[int, int]]) -> None:
        for back, (good, bad) in rows.items():
            hour(back, good=good, card=bad)
        health_watch.sweep(NOW)
        assert state() == "published"

    def test_what_was_before_it_was_resumed_does_not_count(self) -> None:
        for back in (2, 1):
            hour(back, card=20)
        health_watch.sweep(NOW)
        actions.resume(gadget_id=GADGET, by=SYSTEM)
        ReviewNote.objects.filter(decision="resumed").update(at=NOW)
        assert health_watch.sweep(NOW + timedelta(minutes=5)) == 0
        later = NOW + timedelta(hours=4)
        for back in (2, 1):
            hour(back, now=later, card=20)
        assert health_watch.sweep(later) == 1

    def test_somebody_who_suspends_at_the_same_moment_is_first(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for back in (2, 1):
            hour(back, card=20)
        attack = health_watch._attack

        def meanwhile(*args: Any) -> Any:
            actions.suspend(gadget_id=GADGET, reason="別の理由", by=SYSTEM)
            return attack(*args)

        monkeypatch.setattr(health_watch, "_attack", meanwhile)
        assert health_watch.sweep(NOW) == 0
        assert ReviewNote.objects.get(decision="suspended").reason == "別の理由"
        assert mail.outbox == []

    def test_a_mail_that_does_not_go_out_changes_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        cast.operator()

        def refused(_self: object, _messages: object) -> int:
            raise OSError("no mail server")

        monkeypatch.setattr(EmailBackend, "send_messages", refused)
        hour(0, redirect_refused=5)
        assert health_watch.sweep(NOW) == 1
        assert state() == "suspended"


class TestAttack:
    @pytest.mark.parametrize("code", sorted(health_watch.ATTACK_CODES))
    def test_five_within_an_hour_are_enough_however_well_the_rest_goes(self, code: str) -> None:
        hour(1, good=500, **{code: 2})
        hour(0, good=500, **{code: 2})
        assert health_watch.sweep(NOW) == 0
        GadgetHour.objects.all().delete()
        hour(1, good=500, **{code: 2})
        hour(0, good=500, **{code: 3})
        assert health_watch.sweep(NOW) == 1
        assert state() == "suspended"
        assert "攻撃と見られる" in last_note().reason
        assert health_watch.REMEDIES[code][0] in last_note().reason

    def test_mistakes_that_happen_to_everybody_are_no_attack(self) -> None:
        hour(0, good=20, card=9, deadline_passed=9, wrong_content_type=9)
        health_watch.sweep(NOW)
        assert state() == "published"

    def test_what_was_two_hours_ago_is_no_attack_any_more(self) -> None:
        hour(2, good=500, redirect_refused=9)
        health_watch.sweep(NOW)
        assert state() == "published"


def test_each_fault_of_a_fetch_has_a_remedy() -> None:
    """Whatever the door or the card's rules refuse is told in words."""

    def codes(error: type[errors.GadgetError]) -> set[str]:
        return {error.code}.union(*(codes(one) for one in error.__subclasses__()))

    told = codes(errors.DoorError) - {"door", "url_refused", "image_refused", "name_lookup_failed"}
    told |= {"card", "card_not_drawn"}
    assert set(health_watch.REMEDIES) == told
    assert told > health_watch.ATTACK_CODES


def test_the_sweep_reads_what_this_process_counted() -> None:
    known = {job.name: (job.seconds, job.run) for job in tasks.JOBS}
    assert known[tasks.WATCH] == (60, tasks.watch_gadgets)
    assert tasks.watch_gadgets() == 0
