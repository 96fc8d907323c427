"""Reads of gadgets for other packages and for our own pages: frozen dataclasses, never models."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, Prefetch, TextField, UUIDField
from django.db.models.functions import Cast

from core.disclosure import SMALL_CELL, to_tens
from core.quoting import escaped
from core.region.current import current_region
from core.texts import Texts
from gadgets import words
from gadgets.errors import ManifestError
from gadgets.layout.layout import Placement
from gadgets.models import (
    VERSION_KEY,
    CardReport,
    CheckLine,
    CheckRun,
    Gadget,
    GadgetVersion,
    Membership,
    Provider,
    ReviewNote,
)
from gadgets.models import Placement as PlacementRow
from gadgets.protocol import manifest as manifests
from gadgets.protocol.reserved import Flag, flags
from gadgets.providers.names import shown_name, verified
from gadgets.registry import Registry, registry
from gadgets.review import comparison
from gadgets.review.gadget_status import Standing, standing
from gadgets.webhooks.deliveries import Notice, notices

__all__ = [
    "VERSION_KEY",
    "GadgetView",
    "Notice",
    "Registry",
    "Standing",
    "approved_manifest",
    "ended",
    "gadget_for_member",
    "gadget_for_operator",
    "is_member",
    "layout",
    "notices",
    "organisation",
    "organisations",
    "placement",
    "reach",
    "registry",
    "review_queue",
    "standing",
    "waiting_count",
    "waits",
]


_PROBE = UUID(int=0)


@lru_cache(maxsize=4)
def _layout_sql(using: str) -> tuple[str, tuple[Any, ...]]:
    """The layout's SQL, compiled once for each database: the home runs it on every request."""
    query = (
        PlacementRow.objects.filter(resident_id=_PROBE)
        .order_by("position", "gadget_id")
        .values_list("gadget_id", "position", "hidden", "size", Cast("settings", TextField()))
    )
    sql, params = query.query.get_compiler(using=using).as_sql()
    return sql, tuple(params)


def layout(resident_id: UUID) -> tuple[Placement, ...]:
    """What the resident changed on the home, in order: exactly one query."""
    sql, params = _layout_sql(connection.alias)
    adapt = UUIDField().get_db_prep_value
    probe, wanted = adapt(_PROBE, connection), adapt(resident_id, connection)
    with connection.cursor() as cursor:
        cursor.execute(sql, [wanted if value == probe else value for value in params])
        rows = cursor.fetchall()
    return tuple(
        Placement(gadget_id, position, hidden=bool(hidden), size=size, settings=json.loads(settings))
        for gadget_id, position, hidden, size, settings in rows
    )


def placement(resident_id: UUID, gadget_id: str) -> Placement | None:
    """What the resident changed for one gadget."""
    return next((placed for placed in layout(resident_id) if placed.gadget_id == gadget_id), None)


def reach() -> Mapping[str, int]:
    """On how many homes each gadget was put, to tens; one that stands on fewer than `SMALL_CELL` is not in it."""
    counted = (
        PlacementRow.objects.filter(hidden=False)
        .values_list("gadget_id")
        .annotate(homes=Count("pk"))
        .filter(homes__gte=SMALL_CELL)
    )
    return {gadget_id: to_tens(homes) for gadget_id, homes in counted}


def approved_manifest(gadget_id: str) -> bytes | None:
    """The approved bytes of a published gadget, exactly as they were reviewed."""
    row = (
        Gadget.objects.filter(gadget_id=gadget_id, state=Gadget.State.PUBLISHED)
        .select_related("published")
        .first()
    )
    return bytes(row.published.manifest) if row and row.published else None


@dataclass(frozen=True, slots=True)
class Ended:
    """A gadget that is over: since when, and the sentence that was told to residents."""

    title: Texts
    provider_name: str
    at: datetime
    note: str


def ended(gadget_ids: Iterable[str]) -> Mapping[str, Ended]:
    """Those of the gadgets that were published once and are retired."""
    rows = Gadget.objects.filter(
        gadget_id__in=list(gadget_ids),
        state=Gadget.State.RETIRED,
        published__isnull=False,
        retires_at__isnull=False,
    ).select_related("published", "provider")
    found = {}
    for row in rows:
        version = _version_of(row)
        if version is not None and row.retires_at is not None:
            found[row.gadget_id] = Ended(
                version.title, shown_name(row.provider), row.retires_at, row.retire_note
            )
    return found


def _version_of(row: Gadget) -> manifests.Manifest | None:
    if row.published is None:
        return None
    try:
        return manifests.parse(bytes(row.published.manifest), url=row.published.url)
    except ManifestError:
        return None


# --- the desks of provider and operator ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LineView:
    """One line of a check report; `ok` is None when the check could not be run here."""

    number: int
    ok: bool | None
    title: Texts
    message: Texts
    remedy: Texts


@dataclass(frozen=True, slots=True)
class RunView:
    """One run of the checks; `ok` is None until it is done."""

    state: str
    ok: bool | None
    created_at: datetime
    finished_at: datetime | None
    lines: tuple[LineView, ...]

    @property
    def open(self) -> bool:
        return self.state != CheckRun.State.DONE


@dataclass(frozen=True, slots=True)
class VersionView:
    """One version; `manifest` is None when its bytes do not parse (`problem` then says why)."""

    version: str
    state: str
    url: str
    sha256: str
    fetched_at: datetime
    approved_at: datetime | None
    manifest: manifests.Manifest | None
    problem: str
    pretty: str
    run: RunView | None


@dataclass(frozen=True, slots=True)
class NoteView:
    """One entry of the audit trail."""

    decision: str
    reason: str
    at: datetime
    version: str
    side: str


@dataclass(frozen=True, slots=True)
class GadgetView:
    """A gadget as its provider and the operator see it. `draft`: the version that is on its way."""

    id: str
    state: str
    url: str
    provider: "ProviderView"
    published: VersionView | None
    draft: VersionView | None
    changes: tuple[comparison.Change, ...]
    gate: comparison.Gate | None
    notes: tuple[NoteView, ...]
    client_id: str
    created_at: datetime

    @property
    def current(self) -> VersionView | None:
        return self.draft or self.published

    @property
    def title(self) -> Texts:
        version = self.current
        return version.manifest.title if version and version.manifest else {"ja": self.id}


@dataclass(frozen=True, slots=True)
class ProviderView:
    """An organisation and the gadgets it has registered."""

    id: int
    name: str
    kind: str
    host: str | None
    contact: str
    gadgets: tuple["GadgetView", ...] = ()
    webhook_url: str = ""
    verified: bool = False
    may_alert: bool = False


@dataclass(frozen=True, slots=True)
class ReportView:
    """What a resident reported about a card; nobody's name is in it."""

    reason: str
    words: str
    version: str
    at: datetime


_OPEN_STATES = (
    GadgetVersion.State.DRAFT,
    GadgetVersion.State.CHECKED,
    GadgetVersion.State.IN_REVIEW,
    GadgetVersion.State.REFUSED,
)


def organisations(resident_id: UUID) -> tuple[ProviderView, ...]:
    """The organisations that the resident acts for, with their gadgets."""
    rows = Provider.objects.filter(members__resident_id=resident_id).order_by("name")
    return tuple(_provider(row, tuple(_gadget(gadget) for gadget in _gadgets(provider=row))) for row in rows)


def organisation(provider_id: int) -> ProviderView | None:
    """One organisation without its gadgets; the caller has checked who asks."""
    row = Provider.objects.filter(pk=provider_id).first()
    return _provider(row) if row else None


def gadget_for_member(gadget_id: str, resident_id: UUID) -> GadgetView | None:
    """One gadget for somebody who acts for its provider; None for everybody else."""
    row = _gadgets(gadget_id=gadget_id, provider__members__resident_id=resident_id).first()
    return _gadget(row) if row else None


def gadget_for_operator(gadget_id: str) -> GadgetView | None:
    """One gadget for the operator; the caller has checked the role."""
    row = _gadgets(gadget_id=gadget_id).first()
    return _gadget(row) if row else None


def review_queue() -> tuple[GadgetView, ...]:
    """Every gadget: those that wait for a decision first, the oldest on top."""
    views = [_gadget(row) for row in _gadgets()]
    return tuple(sorted(views, key=lambda view: (not waits(view), view.created_at)))


def waits(view: GadgetView) -> bool:
    """Whether the operator has to decide on a version of this gadget."""
    return view.draft is not None and view.draft.state == GadgetVersion.State.IN_REVIEW


def reports(gadget_id: str) -> tuple[ReportView, ...]:
    """What residents reported about a gadget's card and no operator has looked at yet, the newest first."""
    rows = CardReport.objects.filter(gadget__gadget_id=gadget_id, settled_at=None).order_by("-at")
    return tuple(ReportView(row.reason, row.words, row.version, row.at) for row in rows[:100])


def reported() -> Mapping[str, int]:
    """How many reports wait for an operator, by gadget."""
    rows = CardReport.objects.filter(settled_at=None).values_list("gadget__gadget_id")
    return dict(rows.annotate(number=Count("pk")))


def voices(view: GadgetView) -> tuple[Flag, ...]:
    """Reserved names and words in what residents would read of this gadget; for the review."""
    texts = {"組織の名前": view.provider.name}
    manifest = view.current.manifest if view.current else None
    if manifest is not None:
        texts["provider.name"] = manifest.provider.name
        for name, several in (("title", manifest.title), ("summary", manifest.summary)):
            texts |= {f"{name}.{language}": text for language, text in several.items()}
        for claim in manifest.claims:
            texts |= {f"{claim.name}.{language}": text for language, text in claim.purpose.items()}
    return flags(texts, region=[*current_region().name.values(), *current_region().portal_name.values()])


def waiting_count() -> int:
    """How many versions wait for a decision."""
    return GadgetVersion.objects.filter(state=GadgetVersion.State.IN_REVIEW).count()


def is_member(gadget_id: str, resident_id: UUID) -> bool:
    """Whether the resident acts for the gadget's provider."""
    return Membership.objects.filter(provider__gadgets__gadget_id=gadget_id, resident_id=resident_id).exists()


def _gadgets(**which: object):  # type: ignore[no-untyped-def]  # a QuerySet of Gadget with all that _gadget reads
    runs = CheckRun.objects.order_by("-created_at", "-pk").prefetch_related(
        Prefetch("lines", CheckLine.objects.order_by("position"))
    )
    versions = GadgetVersion.objects.filter(state__in=_OPEN_STATES).prefetch_related(Prefetch("runs", runs))
    return (
        Gadget.objects.filter(**which)
        .select_related("provider", "published")
        .prefetch_related(
            Prefetch("versions", versions, to_attr="open_versions"),
            Prefetch("published__runs", runs),
            Prefetch("notes", ReviewNote.objects.select_related("version").order_by("-at", "-pk")),
        )
        .order_by("created_at", "pk")
    )


def _provider(row: Provider, gadgets: tuple[GadgetView, ...] = ()) -> ProviderView:
    return ProviderView(
        row.pk,
        row.name,
        row.kind,
        row.host,
        row.contact,
        gadgets,
        row.webhook_url,
        verified(row),
        row.may_alert,
    )


def _gadget(row: Gadget) -> GadgetView:
    drafts: list[GadgetVersion] = row.open_versions  # type: ignore[attr-defined]  # set by the Prefetch
    draft = _version(drafts[0]) if drafts else None
    published = _version(row.published) if row.published else None
    found: tuple[comparison.Change, ...] = ()
    gate: comparison.Gate | None = None
    if draft and published and draft.manifest and published.manifest:
        found = comparison.changes(published.manifest, draft.manifest)
        gate = comparison.gate_of(found)
    return GadgetView(
        id=row.gadget_id,
        state=row.state,
        url=row.url,
        provider=_provider(row.provider),
        published=published,
        draft=draft,
        changes=found,
        gate=gate,
        notes=tuple(
            NoteView(
                note.decision,
                note.reason,
                note.at,
                note.version.version if note.version else "",
                note.side,
            )
            for note in row.notes.all()
        ),
        client_id=row.client_id,
        created_at=row.created_at,
    )


def _version(row: GadgetVersion) -> VersionView:
    raw = bytes(row.manifest)
    parsed, problem = None, ""
    try:
        parsed = manifests.parse(raw, url=row.url)
    except ManifestError as error:
        problem = words.detail(error)
    runs = list(row.runs.all())
    state = row.state
    if state == GadgetVersion.State.DRAFT and runs and runs[0].ok:
        # The run was closed between the reading of the version and of its runs: both change at once.
        state = GadgetVersion.State.CHECKED
    return VersionView(
        version=row.version,
        state=state,
        url=row.url,
        sha256=row.sha256,
        fetched_at=row.fetched_at,
        approved_at=row.approved_at,
        manifest=parsed,
        problem=problem,
        pretty=_pretty(raw),
        run=_run(runs[0]) if runs else None,
    )


def _pretty(raw: bytes) -> str:
    try:
        return escaped(json.dumps(json.loads(raw), ensure_ascii=False, indent=2), lines=True)
    except ValueError:
        return escaped(raw.decode("utf-8", "replace"), lines=True)


def _run(row: CheckRun) -> RunView:
    lines = tuple(
        LineView(line.number, line.ok, line.title, line.message, line.remedy) for line in row.lines.all()
    )
    return RunView(row.state, row.ok, row.created_at, row.finished_at, lines)
