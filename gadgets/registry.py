"""The registry: every published gadget as the portal uses it, held in the process and replaced when it changes."""

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from itertools import pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING

from django.db.models import Prefetch
from django.utils import timezone

from core import versions
from core.disclosure import SMALL_CELL
from gadgets.errors import ManifestError
from gadgets.models import (
    VERSION_KEY,
    CellCount,
    Gadget,
    GadgetVersion,
    Maintenance,
)
from gadgets.operation import rollout
from gadgets.operation.rollout import Choice, Earlier
from gadgets.protocol import manifest as manifests
from gadgets.providers.names import shown_name
from gadgets.review import comparison
from gadgets.types import GadgetInfo, News, Pause
from identity.domain.audience import Audience

if TYPE_CHECKING:
    from identity.queries import Bundle

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Registry:
    """All published gadgets as of one version number, and the cells of claims that are large enough to be told.

    `cells`: the canonical form of a combination of claims (`release.claims_key`) to how many residents share it.
    `earlier`: the version before of those gadgets that some residents still have in it; see `choose`.
    """

    version: int
    gadgets: Mapping[str, GadgetInfo] = field(default_factory=lambda: MappingProxyType({}))
    cells: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    earlier: Mapping[str, Earlier] = field(default_factory=lambda: MappingProxyType({}))

    def choose(self, gadget_id: str, bundle: "Bundle | None", now: datetime) -> Choice | None:
        """Which version of a gadget this reader gets (a guest has no `bundle`); None when it is not published."""
        gadget = self.gadgets.get(gadget_id)
        if gadget is None:
            return None
        return rollout.choose(gadget, self.earlier.get(gadget_id), bundle=bundle, now=now)


_held: Registry | None = None
_lock = threading.Lock()


def registry(version: int | None = None) -> Registry:
    """The published gadgets. `version`: what the caller's own multi-get found under `VERSION_KEY`, if anything.

    Costs nothing while the number stands; one query for the number when the cache does not know it, two when
    the registry has changed.
    """
    global _held  # one registry for each process, replaced whole
    number = version if version is not None else versions.current(VERSION_KEY)
    held = _held
    if held is not None and held.version == number:
        return held
    with _lock:
        if _held is None or _held.version != number:
            _held = _load()
            if _held.version != number:
                # The cache's number is not the table's: put right, or every call would load again.
                versions.correct(VERSION_KEY, _held.version)
        return _held


def _load() -> Registry:
    # The number is read before the rows: a change between the two is then seen again at the next call.
    number = versions.read(VERSION_KEY)
    now = timezone.now()
    rows = list(
        Gadget.objects.filter(state=Gadget.State.PUBLISHED)
        .select_related("provider", "published__gadget", "earlier__gadget")
        .prefetch_related(
            Prefetch("maintenances", Maintenance.objects.filter(ends_at__gt=now).order_by("starts_at"))
        )
        .order_by("gadget_id")
    )
    history = _history(rows)
    gadgets: dict[str, GadgetInfo] = {}
    earlier: dict[str, Earlier] = {}
    for row in rows:
        info = _info(row, row.published, history.get(row.pk, ()))
        if info is None:
            continue
        gadgets[info.id] = info
        before = _info(row, row.earlier, ()) if _is_given_out(row, now) else None
        if before is not None:
            earlier[info.id] = Earlier(before, row.share, row.earlier_until)
    cells = CellCount.objects.filter(count__gte=SMALL_CELL).values_list("key", "count")
    return Registry(
        number, MappingProxyType(gadgets), MappingProxyType(dict(cells)), MappingProxyType(earlier)
    )


def _is_given_out(row: Gadget, now: datetime) -> bool:
    """Whether anybody still gets the version before."""
    return row.share < rollout.WHOLE or (row.earlier_until is not None and row.earlier_until > now)


def _history(rows: list[Gadget]) -> Mapping[int, tuple[News, ...]]:
    """What each published gadget asks again about, version by version; for those that ever did."""
    asking = [row for row in rows if row.published is not None and row.published.terms]
    if not asking:
        return {}
    approved: dict[int, list[GadgetVersion]] = {}
    for version in (
        GadgetVersion.objects.filter(gadget__in=asking, state=GadgetVersion.State.APPROVED)
        .select_related("gadget")
        .order_by("approved_at")
    ):
        approved.setdefault(version.gadget_id, []).append(version)
    return {row.pk: _news(approved.get(row.pk, []), row.published_id) for row in asking}


def _news(approved: list[GadgetVersion], published: int | None) -> tuple[News, ...]:
    found = []
    for old, new in pairwise(approved):
        before, after = _parsed(old), _parsed(new)
        if before is None or after is None:
            continue
        asked = comparison.asked_again(comparison.changes(before, after))
        if asked:
            found.append(News(new.version, tuple((change.claim, change.text) for change in asked)))
        if new.pk == published:
            break
    return tuple(found)


@lru_cache(maxsize=4096)
def read(raw: bytes, url: str) -> manifests.Manifest:
    """Approved bytes do not change: after a change of one gadget the thousand others are not read again."""
    return manifests.parse(raw, url=url)


def _parsed(version: GadgetVersion) -> manifests.Manifest | None:
    try:
        return read(bytes(version.manifest), version.url)
    except ManifestError:
        log.exception("gadget %s left out: its approved manifest no longer parses", version.gadget.gadget_id)
        return None


def _info(row: Gadget, version: GadgetVersion | None, news: tuple[News, ...]) -> GadgetInfo | None:
    if version is None or row.published_at is None:
        return None
    parsed = _parsed(version)
    if parsed is None:
        return None
    terms = version.terms
    return GadgetInfo(
        id=parsed.id,
        version=parsed.version,
        kind=parsed.kind,
        identity=parsed.identity,
        title=parsed.title,
        summary=parsed.summary,
        provider_name=shown_name(row.provider),
        may_alert=row.provider.may_alert,
        provider_privacy=parsed.provider.privacy,
        category=parsed.category,
        claims=tuple(replace(claim, terms=terms.get(claim.name, "")) for claim in parsed.claims),
        sizes=parsed.sizes,
        card_url=parsed.endpoints.card,
        login_url=parsed.endpoints.login,
        max_age=parsed.max_age,
        stale=parsed.stale,
        link_origins=parsed.link_origins,
        client_id=row.client_id or None,
        audience=Audience.parse(row.audience),
        topics=tuple(row.topics) or parsed.topics,
        published_at=row.published_at,
        regions=parsed.regions,
        settings=parsed.settings,
        action_url=parsed.endpoints.action,
        frame=parsed.frame,
        data=parsed.data,
        provides=parsed.provides,
        template=parsed.template,
        pauses=tuple(Pause(at.starts_at, at.ends_at, at.note) for at in row.maintenances.all()),
        news=news,
        retires_at=row.retires_at,
        retire_note=row.retire_note,
    )
