"""A dry run: the homes of the personas as they are, and as a change of the order would make them. Writes nothing."""

from dataclasses import dataclass, replace
from datetime import datetime

from django.utils.translation import gettext as _

from portal.content.queries import NOBODY, PersonaView, personas
from portal.home.index.content_index import Catalogue, current
from portal.home.page.compose import HomeView, Reader, compose
from portal.home.sample import Line, line
from recommender import editing, queries
from recommender.domain.rules import Rule
from recommender.domain.weights import Prior, Weights

GUEST = "guest"


@dataclass(frozen=True, slots=True)
class Moved:
    """An entry of the list as it would be, and where it stands now; `changed` if that is another place."""

    line: Line
    before: int | None
    changed: bool


@dataclass(frozen=True, slots=True)
class Effect:
    """What the change does to one persona's list: the list as it would be, and what would leave it."""

    key: str
    name: str
    after: tuple[Moved, ...]
    gone: tuple[Line, ...]

    @property
    def changed(self) -> bool:
        """Whether anything moves."""
        return bool(self.gone) or any(one.changed for one in self.after)


def people(locale: str) -> tuple[tuple[PersonaView, str], ...]:
    """A guest, and every persona, with their names."""
    known = personas().values()
    return ((replace(NOBODY, key=GUEST), _("ゲスト")), *((one, one.called(locale)) for one in known))


def of_prior(prior: Prior, *, now: datetime, locale: str) -> tuple[Effect, ...]:
    """What another prior would do, under the rules that hold and with the weights that were learnt."""
    learnt = queries.weights().learnt
    catalogue = current()
    other = catalogue.ordered_by(Weights(prior, learnt), queries.plan(), editing.rules(now))
    return _effects(catalogue, other, now, locale)


def of_rule(rule: Rule, *, now: datetime, locale: str) -> tuple[Effect, ...]:
    """What one rule more would do when it begins."""
    catalogue = current()
    other = catalogue.ordered_by(catalogue.compiled.weights, queries.plan(), (*editing.rules(now), rule))
    return _effects(catalogue, other, max(now, rule.starts_at), locale)


def _effects(one: Catalogue, other: Catalogue, at: datetime, locale: str) -> tuple[Effect, ...]:
    return tuple(
        _effect(persona.key, name, _home(one, persona, at, locale), _home(other, persona, at, locale), locale)
        for persona, name in people(locale)
    )


def _home(catalogue: Catalogue, persona: PersonaView, now: datetime, locale: str) -> HomeView:
    """Without cards of their own, and without the place for what is new."""
    reader = Reader(mode="preview", locale=locale, attributes=persona.attributes)
    return compose(catalogue.layout, reader, now, catalogue=catalogue)


def _effect(key: str, name: str, before: HomeView, after: HomeView, locale: str) -> Effect:
    was = {listed.row: place for place, listed in enumerate(before.listed, start=1)}
    stays = {listed.row for listed in after.listed}
    return Effect(
        key=key,
        name=name,
        after=tuple(
            Moved(line(after.catalogue, listed, locale), was.get(listed.row), was.get(listed.row) != place)
            for place, listed in enumerate(after.listed, start=1)
        ),
        gone=_gone(before, stays, locale),
    )


def _gone(before: HomeView, stays: set[int], locale: str) -> tuple[Line, ...]:
    return tuple(line(before.catalogue, one, locale) for one in before.listed if one.row not in stays)
