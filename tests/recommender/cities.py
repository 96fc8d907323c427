"""Makes folders with the log of a city of one's own: other words, other strengths, other habits, with the truth beside.

The simulator of `tests/data` is not known here and its form is not copied: tastes come and go with the hour, quality has
a heavy tail, ageing has three shapes, and a reader looks further down or not so far.
"""

import csv
import gzip
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

START = datetime(2027, 1, 4, tzinfo=UTC)
KINDS = ("news", "event", "service", "notice", "gadget")
LIST = 10


@dataclass(frozen=True)
class Make:
    """What a city is like. Strengths are standard deviations of logarithms; 0 switches an effect off."""

    seed: int = 1
    residents: int = 900
    days: int = 14
    a_day: int = 9
    visits: float = 0.5
    rate: float = 0.05
    tested: int = 120
    test_days: int = 2
    wards: tuple[str, ...] = ("北", "南", "東")
    topics: tuple[str, ...] = tuple(f"分野{n}" for n in range(10))
    ages: tuple[str, ...] = ("jung", "mittel", "alt")
    households: tuple[str, ...] = ("allein", "zu zweit", "viele")
    occupations: tuple[str, ...] = ("a", "b", "c", "d")
    languages: tuple[str, ...] = ("日本語", "tiếng Việt")
    providers: int = 8
    attribute: float = 0.4
    three_way: float = 0.3
    taste: float = 0.4
    place: float = 1.0
    declared: float = 0.8
    language: float = 1.0
    provider: float = 0.3
    quality: float = 0.5
    kind: float = 0.6
    ageing: str = "half-life"
    position: float = 0.15
    placed: float = 0.4
    prefs: float = 0.4
    behaviour: float = 0.6
    ward_topic: float = 0.0


class City:
    """The truth of one city, and its files."""

    def __init__(self, make: Make) -> None:
        self.make = make
        self.rng = np.random.default_rng(make.seed)
        self._people()
        self._things()

    def _pick(self, words: Sequence[str], size: int) -> np.ndarray:
        """Words as numbers, some far more frequent than others; without words −1 (an empty cell)."""
        if not words:
            return np.full(size, -1)
        shares = self.rng.dirichlet(np.full(len(words), 3.0))
        return self.rng.choice(len(words), size, p=shares)

    def _people(self) -> None:
        make, rng, n, t = self.make, self.rng, self.make.residents, len(self.make.topics)
        self.age = self._pick(make.ages, n)
        self.household = self._pick(make.households, n)
        self.occupation = self._pick(make.occupations, n)
        self.reads = self._pick(make.languages, n)
        self.ward = self._pick(make.wards, n)
        taste = rng.normal(0, make.taste, (n, t))
        for column, words in (
            (self.age, make.ages),
            (self.household, make.households),
            (self.occupation, make.occupations),
        ):
            table = rng.normal(0, make.attribute, (len(words) + 1, t))
            table[-1] = 0
            taste += table[column]
        both = rng.normal(0, make.three_way, (len(make.ages) + 1, len(make.households) + 1, t))
        taste += both[self.age, self.household]
        taste += rng.normal(0, make.ward_topic, (len(make.wards) + 1, t))[self.ward]
        self.prefs = rng.random(n) < make.prefs
        self.learns = rng.random(n) < make.behaviour
        self.wanted = np.zeros((n, t), dtype=bool)
        for one in np.flatnonzero(self.prefs):
            chance = np.exp(taste[one]) / np.exp(taste[one]).sum()
            self.wanted[one, rng.choice(t, min(t, rng.integers(0, 4)), replace=False, p=chance)] = True
        self.taste = taste + make.declared * self.wanted
        self.follows = (rng.random((n, len(make.wards))) < 0.1) & self.prefs[:, None]

    def _things(self) -> None:
        make, rng = self.make, self.rng
        m = make.days * make.a_day + make.test_days * make.a_day + 40
        long_lived = np.arange(m) < 40
        self.kind = np.where(long_lived, rng.choice([2, 4], m), rng.choice([0, 0, 1, 3], m))
        start = np.where(long_lived, -rng.uniform(1, 400, m), rng.uniform(0, make.days + make.test_days, m))
        order = np.argsort(start)
        self.kind, self.start, long_lived = self.kind[order], start[order], long_lived[order]
        self.end = np.where(long_lived, np.inf, self.start + rng.choice([3, 7, 20], m))
        self.topics = np.zeros((m, len(make.topics)), dtype=bool)
        popular = rng.dirichlet(np.full(len(make.topics), 2.0))
        for one in range(m):
            many = min(len(make.topics), int(rng.choice([0, 1, 1, 1, 2, 3])))
            self.topics[one, rng.choice(len(make.topics), many, replace=False, p=popular)] = True
        self.places = np.zeros((m, len(make.wards)), dtype=bool)
        if make.wards:
            placed = rng.random(m) < make.placed
            self.places[placed, self._pick(make.wards, m)[placed]] = True
        self.provider = self._pick([str(n) for n in range(make.providers)], m)
        self.written = (
            np.where(rng.random(m) < 0.8, 0, self._pick(make.languages, m))
            if make.languages
            else np.full(m, -1)
        )
        self.urgent = (rng.random(m) < 0.02) & ~long_lived
        self.urgent[m // 2] = True
        self.base = (
            rng.standard_t(4, m) * make.quality
            + rng.normal(0, make.kind, len(KINDS))[self.kind]
            + np.append(rng.normal(0, make.provider, make.providers), 0.0)[self.provider]
        )
        self.life = rng.uniform(2, 20, len(KINDS))[self.kind]

    def fresh(self, at: float) -> np.ndarray:
        """What items have lost by their age."""
        age = np.maximum(at - self.start, 0) / self.life
        if self.make.ageing == "power":
            return -np.log1p(age)
        if self.make.ageing == "step":
            return np.where(age < 0.5, 0.0, -1.2)
        return -np.log(2) * np.minimum(age, 6) if self.make.ageing == "half-life" else np.zeros_like(age)

    def chances(self, who: np.ndarray, at: float) -> np.ndarray:
        """Readers × items: true chance of a click at the top."""
        make = self.make
        x = self.topics / np.maximum(self.topics.sum(1, keepdims=True), 1) ** 0.5
        found = self.taste[who] @ x.T + self.base + self.fresh(at)
        if make.wards:
            here = self.places[:, self.ward[who]].T
            near = (self.follows[who].astype(int) @ self.places.T.astype(int)) > 0
            placed = self.places.any(1)
            found += make.place * np.where(here, 1.0, np.where(near, 0.6, np.where(placed, -0.8, 0.0)))
        if make.languages:
            found -= make.language * (self.reads[who][:, None] != self.written)
        return np.minimum(make.rate * np.exp(found), 0.95)

    def live(self, at: float) -> np.ndarray:
        return np.flatnonzero((self.start <= at) & (at < self.end))

    def log(self) -> list[tuple[str, int, int, int, float, int]]:
        """What a portal that mixes newest and chance has shown."""
        make, rng = self.make, self.rng
        rows = []
        cold = set(self.tested()[: make.tested // 2].tolist())
        people = [one for one in np.flatnonzero(self.learns) if one not in cold]
        for day in range(make.days):
            for one in people:
                if rng.random() >= make.visits:
                    continue
                at = day + rng.random()
                live = self.live(at)
                if not live.size:
                    continue
                keys = rng.gumbel(size=live.size) - 0.15 * (at - self.start[live])
                shown = live[np.argsort(-keys)[:LIST]]
                p = self.chances(np.array([one]), at)[0, shown] / (1 + make.position * np.arange(shown.size))
                clicks = rng.random(shown.size) < p
                when = moment(at)
                rows += [
                    (when, one, int(i), n, 0.5, int(c))
                    for n, (i, c) in enumerate(zip(shown, clicks, strict=True))
                ]
        return rows

    def tested(self) -> np.ndarray:
        """Half of them never in the log, half in it."""
        learns = np.flatnonzero(self.learns)
        half = self.make.tested // 2
        return np.concatenate([learns[:half], learns[half : 2 * half]])

    def write(self, folder: Path) -> Path:
        """All files of the schema."""
        make, n, m = self.make, self.make.residents, len(self.kind)
        folder.mkdir(parents=True, exist_ok=True)
        table(
            folder / "residents.csv.gz",
            "resident_id,age_band,ward,household,occupation,language,prefs_opt_in,behaviour_opt_in,declared_topics,followed_places",
            (
                (
                    f"r{one}", word(make.ages, self.age[one]), word(make.wards, self.ward[one]),
                    word(make.households, self.household[one]), word(make.occupations, self.occupation[one]),
                    word(make.languages, self.reads[one]), int(self.prefs[one]), int(self.learns[one]),
                    words(make.topics, self.wanted[one]), words(make.wards, self.follows[one]),
                )
                for one in range(n)
            ),
        )  # fmt: skip
        table(
            folder / "items.csv.gz",
            "item_id,kind,topics,places,provider,language,published_at,expires_at,urgent",
            (
                (
                    f"i{one}", KINDS[self.kind[one]], words(make.topics, self.topics[one]), words(make.wards, self.places[one]),
                    f"p{self.provider[one]}" if self.provider[one] >= 0 else "", word(make.languages, self.written[one]),
                    moment(self.start[one]), moment(self.end[one]) if np.isfinite(self.end[one]) else "", int(self.urgent[one]),
                )
                for one in range(m)
            ),
        )  # fmt: skip
        table(
            folder / "impressions.csv.gz",
            "ts,resident_id,item_id,position,propensity,click",
            ((when, f"r{one}", f"i{i}", at, share, c) for when, one, i, at, share, c in self.log()),
        )
        tested = self.tested()
        half = make.tested // 2
        table(
            folder / "test_users.csv.gz",
            "resident_id,group",
            ((f"r{one}", "cold" if place < half else "warm") for place, one in enumerate(tested)),
        )
        days = range(make.days, make.days + make.test_days)
        table(folder / "test_days.csv.gz", "day,rank_at", ((day, moment(day + 0.5)) for day in days))
        truth = {"users": np.array([f"r{one}" for one in tested]), "days": np.array(list(days))}
        for day in days:
            live = self.live(day + 0.5)
            truth[f"items_{day}"] = np.array([f"i{one}" for one in live])
            chances = self.chances(tested, day + 0.5)[:, live]
            truth[f"q_{day}"] = np.clip(np.round(-24 * np.log(chances)), 0, 255).astype(np.uint8)
        np.savez_compressed(folder / "truth.npz", **truth)
        return folder


def moment(day: float) -> str:
    return (START + timedelta(days=float(day))).strftime("%Y-%m-%dT%H:%M:%SZ")


def word(known: Sequence[str], number: int) -> str:
    return known[number] if number >= 0 else ""


def words(known: Sequence[str], mask: np.ndarray) -> str:
    return "|".join(known[n] for n in np.flatnonzero(mask))


def table(path: Path, heading: str, rows: Iterable[Sequence[object]]) -> None:
    with gzip.open(path, "wt", encoding="utf-8", newline="", compresslevel=1) as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(heading.split(","))
        writer.writerows(rows)


NONE: tuple[str, ...] = ()
CITIES = {
    "small": Make(seed=1),
    "large": Make(
        seed=2, residents=2500, days=21, a_day=40, wards=tuple(f"kwartier {n}" for n in range(25)),
        topics=tuple(f"tema {n}" for n in range(35)), households=tuple(f"h{n}" for n in range(9)), rate=0.03, providers=60,
    ),
    "no providers, power ageing": Make(seed=3, residents=1500, provider=0.0, providers=0, ageing="power", topics=tuple("abcdefgh")),
    "nobody differs": Make(seed=4, residents=1500, attribute=0.0, three_way=0.0, taste=0.0, language=0.0, ageing="none"),
    "empty columns": Make(seed=5, residents=1500, wards=NONE, occupations=NONE, languages=NONE, households=("één",), ageing="step"),
    "few clicks": Make(seed=6, residents=700, rate=0.004, attribute=0.6),
    "no clicks": Make(seed=7, residents=400, rate=1e-9),
    "strong": Make(seed=8, residents=1500, attribute=1.0, three_way=0.8, place=2.0, language=2.5, declared=1.5, quality=1.2, kind=1.5),
    "ward taste": Make(seed=9, residents=2500, days=21, ward_topic=0.5, three_way=0.6, attribute=0.2, wards=tuple("ABCDEFGH")),
    "every click": Make(seed=10, residents=600, rate=0.6, attribute=0.3),
}  # fmt: skip
