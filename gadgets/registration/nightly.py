"""The checks again, every night, over what is published: a fault is told to its provider, and nothing is suspended."""

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from core import sweeps
from core.region_time import region_local
from gadgets.models import CheckRun, Gadget, Maintenance
from gadgets.review.transitions import REASON_LENGTH, Decision, Side, locked, note

JOB = "gadgets.nightly_checks"
NIGHT = range(1, 5)
"""The hours, in the region's time, at which runs begin: when few residents wait for the same provider."""
EVERY = timedelta(hours=20)
AT_ONCE = 5
"""So many runs may wait at a time: a provider who has just registered should not stand behind a whole night."""
KEPT = timedelta(days=30)
SHOWN = 5


def sweep(now: datetime | None = None) -> int:
    """Puts the next published gadgets in the queue of the checks; returns how many."""
    now = now or timezone.now()
    if region_local(now).hour not in NIGHT:
        return 0
    places = AT_ONCE - CheckRun.objects.filter(state=CheckRun.State.WAITING).count()
    if places <= 0:
        return 0
    due = _due(now)[:places]
    return sum(sweeps.each(JOB, due, lambda version_id: _queue(version_id, now)).results)


def _due(now: datetime) -> list[int]:
    """Published versions, not paused by plan, and not checked since last night."""
    of_version = CheckRun.objects.filter(version=OuterRef("published"))
    lately = of_version.filter(Q(created_at__gt=now - EVERY) | ~Q(state=CheckRun.State.DONE))
    paused = Maintenance.objects.filter(gadget=OuterRef("pk"), starts_at__lte=now, ends_at__gt=now)
    found = Gadget.objects.filter(~Exists(lately), ~Exists(paused), state=Gadget.State.PUBLISHED)
    versions = found.order_by("pk").values_list("published_id", flat=True)[:AT_ONCE]
    return [version_id for version_id in versions if version_id is not None]


def _queue(version_id: int, now: datetime) -> bool:
    try:
        with transaction.atomic():
            CheckRun.objects.create(version_id=version_id, created_at=now)
    except IntegrityError:  # another sweep was here first: one open run for a version
        return False
    return True


@transaction.atomic
def tell(run_id: int) -> bool:
    """Writes to the provider what a published version fails, once for the same faults; True when it did."""
    run = CheckRun.objects.select_related("version__gadget").get(pk=run_id)
    gadget = locked(run.version.gadget.gadget_id)
    if run.ok is not False or gadget.published_id != run.version_id:
        return False
    if gadget.state != Gadget.State.PUBLISHED or _same_as_before(run):
        return False
    note(gadget, run.version, None, Decision.WARNED, _sentence(run), side=Side.MACHINE)
    return True


def _faults(run: CheckRun) -> list[tuple[int, str]]:
    lines = run.lines.filter(ok=False).order_by("position")
    return [(line.number, line.title["ja"]) for line in lines]


def _same_as_before(run: CheckRun) -> bool:
    before = (
        CheckRun.objects.filter(version_id=run.version_id, state=CheckRun.State.DONE, pk__lt=run.pk)
        .order_by("-pk")
        .first()
    )
    return before is not None and _faults(before) == _faults(run)


def _sentence(run: CheckRun) -> str:
    lines = list(run.lines.filter(ok=False).order_by("position"))
    said = ["夜の自動検査で、直すところが見つかりました。公開は、そのまま続いています。"]
    said += [f"・{line.number}. {line.title['ja']}: {line.remedy.get('ja', '')}" for line in lines[:SHOWN]]
    if len(lines) > SHOWN:
        said.append(f"ほかに {len(lines) - SHOWN} 件あります。検査の結果を開いてください。")
    return "\n".join(said)[:REASON_LENGTH]


def forget_old(now: datetime | None = None) -> int:
    """Drops reports of more than a month ago where a newer one is there; returns how many."""
    before = (now or timezone.now()) - KEPT
    newer = CheckRun.objects.filter(
        version=OuterRef("version"), state=CheckRun.State.DONE, pk__gt=OuterRef("pk")
    )
    old = CheckRun.objects.filter(Exists(newer), state=CheckRun.State.DONE, finished_at__lt=before)
    found = list(old.values_list("pk", flat=True)[:1000])
    CheckRun.objects.filter(pk__in=found).delete()
    return len(found)
