"""What can stand on a home, immutable and in process memory; rebuilt only when a version number changes."""

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
from django.conf import settings
from django.utils import timezone
from numpy.typing import NDArray

from core.region_time import for_everybody
from gadgets.layout.layout import Slot
from gadgets.queries import Registry, registry
from identity.domain.attributes import Value
from identity.domain.audience import Audience, matches
from portal.content import queries as content
from portal.content.queries import HomeLayout
from portal.home.index import series
from portal.home.index.ruling import Rules
from portal.home.index.sources import Entry, Gadgets, ItemSource, Pages
from portal.home.page.page_template import Shell
from recommender import editing
from recommender import queries as ranking
from recommender.abtest.comparison import NOW, Running
from recommender.domain.item_matrix import Catalogue as Compiled
from recommender.domain.ranking import AttributeRanker, NewestRanker, Ranker
from recommender.domain.reranking import Plan
from recommender.domain.rules import Rule
from recommender.domain.weights import Weights

Mask = NDArray[np.bool_]

RANKED_KINDS = frozenset({"news", "event", "service", "notice", "gadget"})


@dataclass(frozen=True, eq=False)
class Catalogue:
    """Everything that is published, as of one set of version numbers: of content, registry and order.

    `entries` follow the rows of `compiled.items` (newest first). `drawn` is filled with pieces of HTML as they
    are first drawn; nothing else in here ever changes. Of the days of one event, each waits for the one before it.
    """

    version: tuple[int, int, int]
    registry: Registry
    layout: HomeLayout
    entries: tuple[Entry, ...]
    compiled: Compiled
    personal: Ranker
    chronological: Ranker
    audiences: tuple[Audience, ...]
    audience_of: NDArray[np.intp]
    ranked_kinds: Mask
    alerts: NDArray[np.intp]
    events: NDArray[np.intp]
    event_starts: NDArray[np.float64]
    news: NDArray[np.intp]
    waits: NDArray[np.float64]
    days: series.Days
    rules: Rules
    experiment: Running | None = None
    compared: Mapping[str, tuple[Ranker, Compiled]] = field(default_factory=dict)
    """Orders of the running experiment by arm, as far as they are not the present one."""
    drawn: dict[tuple[object, ...], Shell] = field(default_factory=dict)

    @classmethod
    def build(
        cls,
        version: tuple[int, int, int],
        sources: Sequence[ItemSource],
        *,
        registry: Registry,
        layout: HomeLayout,
        weights: Weights | None = None,
        plan: Plan | None = None,
        rules: Sequence[Rule] = (),
        experiment: Running | None = None,
    ) -> "Catalogue":
        """Compile the entries of all sources."""
        found = [entry for source in sources for entry in source.entries()]
        by_item = {id(entry.item): entry for entry in found}
        compiled = Compiled.compile((entry.item for entry in found), weights)
        entries = tuple(by_item[id(item)] for item in compiled.items)
        events = _events(entries)
        days = series.days(entries)
        audiences = tuple(dict.fromkeys(entry.audience for entry in entries))
        number_of = {audience: number for number, audience in enumerate(audiences)}
        return cls(
            version=version,
            registry=registry,
            layout=layout,
            entries=entries,
            compiled=compiled,
            personal=AttributeRanker(compiled, plan),
            chronological=NewestRanker(compiled),
            audiences=audiences,
            audience_of=np.array([number_of[entry.audience] for entry in entries], dtype=np.intp),
            ranked_kinds=np.array([entry.item.kind in RANKED_KINDS for entry in entries], dtype=bool),
            alerts=np.array(_alerts(entries), dtype=np.intp),
            events=np.array(events, dtype=np.intp),
            event_starts=np.array([series.start(entries[row]).timestamp() for row in events]),
            news=np.array(_of_kind(entries, "news"), dtype=np.intp),
            waits=series.waits(entries, days),
            days=days,
            rules=Rules.compile(rules, compiled.items, days),
            experiment=experiment,
            compared=_compared(experiment, compiled, plan or Plan()),
        )

    def order(self, arm: str) -> tuple[Ranker, Compiled]:
        """What orders the list in this arm, and the weights that give its reasons; the rows are the same."""
        return self.compared.get(arm) or (self.personal, self.compiled)

    def live(self, now: datetime) -> Mask:
        """Mask of what holds at `now`; of the days of one event the next one only."""
        live: Mask = self.compiled.live(now) & (self.waits <= now.timestamp())
        return live

    def same_event(self, item_id: str) -> tuple[str, ...]:
        """The item and, of an event of several days, all its days in the order of time."""
        row = self.compiled.index.get(item_id)
        if row is None or row not in self.days:
            return (item_id,)
        return tuple(self.entries[day].item.id for day in self.days[row])

    def put_away(self, items: Iterable[str]) -> list[int]:
        """Rows of what a resident put away; who put away one day of an event wants none of them."""
        index = self.compiled.index
        rows = [index[item] for item in items if item in index]
        return [day for row in rows for day in self.days.get(row, (row,))]

    def meant_for(self, attributes: Mapping[str, Value]) -> Mask:
        """Mask of the entries whose audience somebody with these attributes belongs to."""
        met = np.array([matches(audience, attributes) for audience in self.audiences], dtype=bool)
        return met[self.audience_of] if self.entries else np.zeros(0, dtype=bool)

    def ordered_by(self, weights: Weights, plan: Plan, rules: Sequence[Rule]) -> "Catalogue":
        """The same entries in another order: what a change would do, before it is made."""
        compiled = Compiled.compile(self.compiled.items, weights)
        return replace(
            self,
            compiled=compiled,
            personal=AttributeRanker(compiled, plan),
            rules=Rules.compile(rules, compiled.items, self.days),
            experiment=None,
            compared={},
            drawn={},
        )


def _compared(
    experiment: Running | None, compiled: Compiled, plan: Plan
) -> dict[str, tuple[Ranker, Compiled]]:
    """Compiled a second time only where the weights differ."""
    found: dict[str, tuple[Ranker, Compiled]] = {}
    if experiment is None:
        return found
    for arm, order in (("a", experiment.a), ("b", experiment.b)):
        if order == NOW:
            continue
        weights = order.weights(compiled.weights)
        other = compiled if weights is compiled.weights else Compiled.compile(compiled.items, weights)
        found[arm] = (AttributeRanker(other, order.plan(plan)), other)
    return found


def _alerts(entries: Sequence[Entry]) -> list[int]:
    """Urgent before all others, then the higher level, then the newer: a lesser one never displaces."""
    rows = [row for row, entry in enumerate(entries) if entry.item.kind == "alert" or entry.item.urgent]
    return sorted(rows, key=lambda row: (not entries[row].item.urgent, -entries[row].level, row))


def _of_kind(entries: Sequence[Entry], kind: str) -> list[int]:
    return [row for row, entry in enumerate(entries) if entry.item.kind == kind]


def _events(entries: Sequence[Entry]) -> list[int]:
    return sorted(
        _of_kind(entries, "event"), key=lambda row: (series.start(entries[row]), entries[row].item.id)
    )


_held: Catalogue | None = None
_lock = threading.Lock()


def held() -> Catalogue | None:
    """The catalogue of this process as it is, whatever its age."""
    return _held


def versions() -> tuple[int, int, int]:
    """The present version numbers of content, registry and order."""
    return (content.version(), registry().version, ranking.version())


def current(
    content_version: int | None = None,
    registry_version: int | None = None,
    ranking_version: int | None = None,
) -> Catalogue:
    """The catalogue of the present version numbers.

    The numbers are those of the caller's own multi-get; one that was not in the cache is read behind it.
    """
    global _held
    published = registry(registry_version)
    version = (
        content.version() if content_version is None else content_version,
        published.version,
        ranking.version() if ranking_version is None else ranking_version,
    )
    found = _held
    if found is not None and found.version == version:
        return found
    with _lock:
        if _held is None or _held.version != version:
            # Whoever comes first builds it for all others: not in their own zone and language.
            with for_everybody(settings.LANGUAGE_CODE):
                _held = Catalogue.build(
                    version,
                    (Pages(content.items()), Gadgets(published)),
                    registry=published,
                    layout=content.home_layout(),
                    weights=ranking.weights(),
                    plan=ranking.plan(),
                    rules=editing.rules(timezone.now()),
                    experiment=ranking.running_experiment(),
                )
        return _held


def default_slots() -> tuple[Slot, ...]:
    """The city's slots as the published home page names them."""
    return tuple(Slot(slot.gadget_id, slot.size, slot.locked) for slot in current().layout.slots)
