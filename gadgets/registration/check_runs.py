"""The queue of check runs: fair among providers, each run taken up a few times at most, and always with a result.

A provider has one run at a time; of those that wait, the one goes first whose provider was served longest ago. So a
provider that answers slowly, or registers many gadgets, keeps nobody else waiting. A run that its process never ended
(a restart, a crash) is taken up again; after `MOST_TRIES` it ends with a line that says so.
"""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from core import sweeps
from gadgets import conformance
from gadgets.models import CheckLine, CheckRun, GadgetVersion, Provider
from gadgets.protocol.conformance_lines import Line, fix
from gadgets.registration import check_environment, nightly

log = logging.getLogger(__name__)

State = CheckRun.State
LOST_AFTER = timedelta(seconds=120)
"""A run that wrote nothing for so long has no worker any more: longer than a whole run may take."""
JOB = "gadgets.run_checks"
MOST_TRIES = 3
AT_ONCE = 10
"""Runs in one sweep; the next sweep goes on."""


def run_waiting() -> int:
    """Runs what waits or was lost, until nothing is left for this worker; returns how many it ran."""
    ran = 0
    while ran < AT_ONCE:
        run_id = following(timezone.now())
        if run_id is None:
            break
        swept = sweeps.each(JOB, [run_id], run)
        if swept.done and not swept.results[0]:
            break
        ran += 1
    return ran


def following(now: datetime) -> int | None:
    """The run that comes next: of a provider that has none running, the one served longest ago."""
    providers = CheckRun.objects.filter(version__gadget__provider=OuterRef("version__gadget__provider"))
    served = providers.filter(started_at__isnull=False).order_by("-started_at").values("started_at")[:1]
    waiting = CheckRun.objects.filter(_due(now)).exclude(
        version__gadget__provider__in=_running(now).values("version__gadget__provider")
    )
    found = waiting.annotate(served=Subquery(served)).order_by(
        F("served").asc(nulls_first=True), "created_at", "pk"
    )
    return found.values_list("pk", flat=True).first()


def _due(now: datetime) -> Q:
    return Q(state=State.WAITING) | Q(state=State.RUNNING, started_at__lt=now - LOST_AFTER)


def _running(now: datetime) -> QuerySet[CheckRun]:
    return CheckRun.objects.filter(state=State.RUNNING, started_at__gte=now - LOST_AFTER)


def run(run_id: int) -> bool:
    """Claims one run and writes each line as it is found; False when another worker has it, or its provider's."""
    mine = _claimed(run_id, timezone.now())
    if mine is None:
        return False
    run = CheckRun.objects.select_related("version__gadget__published").get(pk=run_id)
    ok = True
    for position, line in enumerate(_lines(run, mine)):
        ok = ok and line.ok is not False
        if not _written(run_id, mine, position, line):
            log.warning("checks %d: another worker has them now", run_id)
            return True
    _finish(run_id, mine, ok=ok)
    return True


@transaction.atomic
def _claimed(run_id: int, now: datetime) -> int | None:
    """The number of this try, which tells our writes from those of a worker that lost the run."""
    provider = Provider.objects.filter(gadgets__versions__runs=run_id).values_list("pk", flat=True).first()
    if provider is None:
        return None
    # One claim at a time for a provider: two workers must not take two runs of the same.
    Provider.objects.select_for_update(no_key=True).get(pk=provider)
    if _running(now).filter(version__gadget__provider=provider).exists():
        return None
    claimed = CheckRun.objects.filter(_due(now), pk=run_id).update(
        state=State.RUNNING, started_at=now, tries=F("tries") + 1
    )
    if not claimed:
        return None
    CheckLine.objects.filter(run_id=run_id).delete()
    return CheckRun.objects.values_list("tries", flat=True).get(pk=run_id)


def _lines(run: CheckRun, tries: int) -> Iterator[Line]:
    if tries > MOST_TRIES:
        yield _never_ended(run)
        return
    yield from conformance.check(
        _subject(run.version), check_environment.environment(run.version.gadget.gadget_id)
    )


def _never_ended(run: CheckRun) -> Line:
    log.error("checks of %s given up after %d tries", run.version.gadget.gadget_id, MOST_TRIES)
    return fix(
        1,
        {"ja": "検査が終わらない", "en": "The checks do not end"},
        {
            "ja": f"検査のプログラムが {MOST_TRIES} 回とも途中で止まり、結果がありません。",
            "en": f"The program of the checks stopped {MOST_TRIES} times before its end: there is no result.",
        },
        {
            "ja": "極端な値や大きな応答がないか確かめて、もう一度検査を申し込んでください。続くときは窓口の運営に知らせてください。",
            "en": "See whether an answer is extreme or very large, then ask for the checks again. If it goes on, "
            "report it to the portal.",
        },
    )


@transaction.atomic
def _written(run_id: int, tries: int, position: int, line: Line) -> bool:
    """Writes a line and moves the time of the run on; False when the run is another worker's by now."""
    ours = CheckRun.objects.filter(pk=run_id, state=State.RUNNING, tries=tries)
    if not ours.update(started_at=timezone.now()):
        return False
    CheckLine.objects.create(
        run_id=run_id,
        position=position,
        number=line.number,
        ok=line.ok,
        title=dict(line.title),
        message=dict(line.message),
        remedy=dict(line.remedy),
    )
    return True


def _finish(run_id: int, tries: int, *, ok: bool) -> None:
    from gadgets import actions  # the list of actions imports this package

    if not CheckRun.objects.filter(pk=run_id, state=State.RUNNING, tries=tries).exists():
        return
    actions.finish_checks(run_id=run_id, ok=ok)
    nightly.tell(run_id)


def _subject(version: GadgetVersion) -> conformance.Subject:
    published = version.gadget.published
    return conformance.Subject(
        raw=bytes(version.manifest),
        url=version.url,
        gadget_id=version.gadget.gadget_id,
        previous=published.version if published and published.pk != version.pk else None,
    )
