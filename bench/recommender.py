"""`bin/bench recommender`: a resident's list beside LightFM, implicit and SQL, against the memory's own speed; the fit.

Runs in an environment of its own that holds the rivals (bench/requirements.txt); what could not be installed is named and left
out. One thread each, rounds in turn, medians. The items are those of tests/data/recommender/city_dev, copied to the size that is
asked for. Figures of one run belong together.
"""

import argparse
import importlib.util
import json
import os
import platform
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np

from recommender.domain import fitting
from recommender.domain.features import Design
from recommender.domain.item_matrix import Catalogue
from recommender.domain.ranking import AttributeRanker
from recommender.domain.types import Profile
from recommender.domain.weights import Prior, Weights
from recommender.evaluation import files
from recommender.evaluation.clock import copies
from recommender.evaluation.files import City

ROOT = Path(__file__).resolve().parents[1]
CITY = ROOT / "tests" / "data" / "recommender" / "city_dev"
POOL, TOP, BATCH = 60, 20, 256
FACTORS = 32
GOAL = 10.0
Call = Callable[[Profile, int], object]


def main(arguments: list[str]) -> int:
    """Fit, measure in turn, print."""
    parser = argparse.ArgumentParser(prog="bin/bench recommender", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--items", default="1000,10000,100000")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there too")
    parser.add_argument("--fit", metavar="NAME", help="only fit this one and print what it took")
    chosen = parser.parse_args(arguments)
    if chosen.fit:
        print(json.dumps(_fit(chosen.fit)))
        return 0
    missing = [name for name in ("lightfm", "implicit") if importlib.util.find_spec(name) is None]
    if missing:
        _say(f"not installed here, and left out: {', '.join(missing)}")
    city = files.read(CITY)
    prior = Prior()
    weights = fitting.fit(Design.of(city.shown, prior), prior).weights(prior)
    sizes = [int(size) for size in chosen.items.split(",")]
    report = {
        "machine": {"python": platform.python_version(), "system": platform.platform()},
        "fit": {name: _fitted(name) for name in ("ours", "lightfm", "implicit") if name not in missing},
        "rank": {size: _rank(city, weights, size, chosen.rounds, missing) for size in sizes},
    }
    _print(report)
    if chosen.json:
        chosen.json.write_text(json.dumps(report, indent=2) + "\n")
    return 0


def _say(line: str) -> None:
    sys.stderr.write(f"bench: {line}\n")


# --- a list ------------------------------------------------------------------------------------------------------


def _rank(city: City, weights: Weights, size: int, rounds: int, missing: Sequence[str]) -> dict[str, Any]:
    """Median ms of each way, by round in turn."""
    at = next(iter(city.days.values()))
    catalogue = Catalogue.compile(copies(city.live(at), at, size), weights)
    profiles = [city.residents[name].profile for name in islice(cycle(city.tested), 4096)]
    ways = {
        **_ours(catalogue, at, profiles),
        **({} if "lightfm" in missing else _lightfm(catalogue)),
        **({} if "implicit" in missing else _implicit(size)),
        **_sqlite(catalogue),
        **_postgresql(catalogue),
        **_memory(catalogue),
    }
    found: dict[str, list[float]] = {name: [] for name in ways}
    for call, _ in ways.values():
        call(profiles[0], 0)
    for number in range(rounds):
        for name, (call, many) in ways.items():
            found[name].append(_once(call, profiles[number * 97 :], many, size))
    _say(f"{size} items: {rounds} rounds are done")
    return {
        "columns": len(catalogue.columns),
        "bytes": catalogue.z.nbytes,
        "ms": {name: statistics.median(values) for name, values in found.items()},
        "rounds": found,
    }


def _once(call: Call, profiles: Sequence[Profile], many: int, size: int) -> float:
    """Milliseconds a resident; `many` residents are served by one call."""
    calls = max(1, min(200, 200_000 // size)) if many == 1 else 2
    start = time.perf_counter()
    for number in range(calls):
        call(profiles[number], number)
    return (time.perf_counter() - start) / calls / many * 1000


def _ours(catalogue: Catalogue, at: datetime, profiles: Sequence[Profile]) -> dict[str, tuple[Call, int]]:
    ranker = AttributeRanker(catalogue)
    queries = np.column_stack(
        [catalogue.vector(catalogue.parts(profile)) for profile in profiles[:BATCH]]
    ).astype(np.float32)

    def one(profile: Profile, _: int) -> object:
        scores = catalogue.z @ catalogue.vector(catalogue.parts(profile)) + catalogue.recency(at)
        return np.argpartition(scores, -POOL)[-POOL:]

    def batch(_profile: Profile, _: int) -> object:
        scores = (catalogue.z @ queries).T + catalogue.recency(at)
        return np.argpartition(scores, -POOL, axis=1)[:, -POOL:]

    return {
        "ours: Z q, top 60": (one, 1),
        "ours: whole rank() with re-ranking and terms": (lambda who, _: ranker.rank(who, now=at), 1),
        f"ours: batch of {BATCH}, top 60": (batch, BATCH),
    }


def _lightfm(catalogue: Catalogue) -> dict[str, tuple[Call, int]]:
    """Hybrid model: an item has itself and its columns of Z as features (the library's own default), a reader eight.

    The speed does not depend on what was learnt.
    """
    from lightfm import LightFM
    from scipy.sparse import csr_matrix, hstack, identity, random

    size, readers = len(catalogue.items), 1000
    columns = csr_matrix((catalogue.z != 0).astype(np.float32))
    items = hstack([identity(size, dtype=np.float32), columns], format="csr")
    draws = np.random.default_rng(0)
    people = csr_matrix(
        (
            np.ones(readers * 8, np.float32),
            draws.integers(0, 60, readers * 8),
            np.arange(0, readers * 8 + 1, 8),
        ),
        shape=(readers, 60),
    )
    clicks = random(readers, size, density=min(1.0, 5000 / (readers * size)), random_state=0, format="coo")
    model = LightFM(no_components=FACTORS, loss="warp", random_state=0)
    model.fit(clicks, user_features=people, item_features=items, epochs=1, num_threads=1)
    every = np.arange(size)

    def predict(_: Profile, number: int) -> object:
        scores = model.predict(
            number % readers, every, item_features=items, user_features=people, num_threads=1
        )
        return np.argpartition(scores, -POOL)[-POOL:]

    return {"LightFM.predict, top 60": (predict, 1)}


def _implicit(size: int) -> dict[str, tuple[Call, int]]:
    from implicit.cpu.als import AlternatingLeastSquares
    from scipy.sparse import random

    readers = 1000
    clicks = random(readers, size, density=min(1.0, 5000 / (readers * size)), random_state=0, format="csr")
    model = AlternatingLeastSquares(factors=FACTORS, iterations=1, num_threads=1, random_state=0)
    model.fit(clicks, show_progress=False)
    group = np.arange(BATCH)

    def one(_: Profile, number: int) -> object:
        return model.recommend(number % readers, clicks[number % readers], N=POOL)

    return {
        "implicit ALS.recommend, one": (one, 1),
        f"implicit ALS.recommend, batch of {BATCH}": (
            lambda _who, _n: model.recommend(group, clicks[group], N=POOL),
            BATCH,
        ),
    }


_TABLES = (
    "CREATE TEMP TABLE item (id integer PRIMARY KEY, base real)",
    "CREATE TEMP TABLE feature (item integer, col integer, x real)",
)
_BY_ROWS = """
    SELECT item.id FROM item LEFT JOIN (
        SELECT feature.item, sum(feature.x * q.w) AS s FROM feature JOIN q ON q.col = feature.col GROUP BY feature.item
    ) AS found ON found.item = item.id
    ORDER BY item.base + coalesce(found.s, 0) DESC LIMIT 20
"""


def _rows(catalogue: Catalogue) -> tuple[list[tuple[int, float]], list[tuple[int, int, float]]]:
    one = catalogue.columns["one", ""]
    items = [(row, float(value)) for row, value in enumerate(catalogue.z[:, one])]
    rows, columns = np.nonzero(catalogue.z)
    features = [
        (int(row), int(column), float(catalogue.z[row, column]))
        for row, column in zip(rows, columns, strict=True)
        if column != one
    ]
    return items, features


def _q(catalogue: Catalogue, profile: Profile) -> list[tuple[int, float]]:
    q = catalogue.vector(catalogue.parts(profile))
    return [(int(column), float(q[column])) for column in np.flatnonzero(q)]


def _sqlite(catalogue: Catalogue) -> dict[str, tuple[Call, int]]:
    """The same sum in SQL, without recency."""
    base = sqlite3.connect(":memory:")
    for statement in (*_TABLES, "CREATE TEMP TABLE q (col integer PRIMARY KEY, w real)"):
        base.execute(statement)
    items, features = _rows(catalogue)
    base.executemany("INSERT INTO item VALUES (?, ?)", items)
    base.executemany("INSERT INTO feature VALUES (?, ?, ?)", features)
    base.execute("CREATE INDEX feature_item ON feature (item, col, x)")

    def order(profile: Profile, _: int) -> object:
        base.execute("DELETE FROM q")
        base.executemany("INSERT INTO q VALUES (?, ?)", _q(catalogue, profile))
        return base.execute(_BY_ROWS).fetchall()

    return {"SQLite ORDER BY, the same sum": (order, 1)}


def _postgresql(catalogue: Catalogue) -> dict[str, tuple[Call, int]]:
    """The same sum over rows; and a simpler rule, topics in common then the newest, over an array."""
    address = os.environ.get("DATABASE_URL", "")
    if not address or importlib.util.find_spec("psycopg") is None:
        _say("no PostgreSQL here: its rows are left out")
        return {}
    import psycopg

    base = psycopg.connect(address.replace("postgres://", "postgresql://"), autocommit=True)
    for statement in _TABLES:
        base.execute(statement)
    base.execute("CREATE TEMP TABLE listed (id integer, topics text[], published double precision)")
    items, features = _rows(catalogue)
    listed = [
        (row, list(item.topics), float(catalogue.published[row])) for row, item in enumerate(catalogue.items)
    ]
    with base.cursor() as cursor:
        for table, values in (("item", items), ("feature", features), ("listed", listed)):
            with cursor.copy(f"COPY {table} FROM STDIN") as copy:
                for value in values:
                    copy.write_row(value)
    for table in ("item", "feature", "listed"):
        base.execute(f"ANALYZE {table}")
    by_rows = _BY_ROWS.replace("JOIN q", "JOIN unnest(%s::int[], %s::real[]) AS q (col, w)")

    def rows(profile: Profile, _: int) -> object:
        columns, weights = zip(*_q(catalogue, profile), strict=True)
        return base.execute(by_rows, (list(columns), list(weights))).fetchall()

    def array(profile: Profile, _: int) -> object:
        return base.execute(
            "SELECT id FROM listed ORDER BY (SELECT count(*) FROM unnest(topics) AS t WHERE t = ANY(%s)) DESC,"
            " published DESC LIMIT 20",
            (list(profile.declared),),
        ).fetchall()

    return {
        "PostgreSQL ORDER BY, the same sum": (rows, 1),
        "PostgreSQL ORDER BY, topics in common": (array, 1),
    }


def _memory(catalogue: Catalogue) -> dict[str, tuple[Call, int]]:
    """One thread reads as many bytes as Z has, once and in order."""
    flat = np.ascontiguousarray(catalogue.z).reshape(-1)
    return {"reading Z once": (lambda _who, _n: np.dot(flat, flat), 1)}


# --- the fit -----------------------------------------------------------------------------------------------------


def _fitted(name: str) -> dict[str, float]:
    """In a process of its own, so that its memory is its own."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.recommender", "--fit", name],
        cwd=ROOT, check=True, capture_output=True, text=True, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _fit(name: str) -> dict[str, float]:
    """Seconds and peak MB of fitting the log, beyond what reading it took."""
    city = files.read(CITY)
    before = _megabytes("VmRSS")
    # Forgets the peak of the reading.
    Path("/proc/self/clear_refs").write_text("5")
    start = time.perf_counter()
    if name == "ours":
        prior = Prior()
        fitting.fit(Design.of(city.shown, prior), prior)
    else:
        _fit_rival(name, city)
    return {
        "rows": len(city.shown),
        "seconds": time.perf_counter() - start,
        "more_mb": _megabytes("VmHWM") - before,
    }


def _megabytes(name: str) -> float:
    """What the kernel says of this process: VmRSS now, VmHWM at most."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(float(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:"))


def _fit_rival(name: str, city: City) -> None:
    from scipy.sparse import coo_matrix

    people = {subject: number for number, subject in enumerate(dict.fromkeys(s.subject for s in city.shown))}
    things = {item: number for number, item in enumerate(city.items)}
    opened = [(people[s.subject], things[s.item.id]) for s in city.shown if s.clicks]
    rows, columns = (np.array(side) for side in zip(*opened, strict=True))
    clicks = coo_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=(len(people), len(things)))
    if name == "implicit":
        from implicit.cpu.als import AlternatingLeastSquares

        model = AlternatingLeastSquares(factors=FACTORS, iterations=15, num_threads=1, random_state=0)
        model.fit(clicks.tocsr(), show_progress=False)
        return
    from lightfm import LightFM
    from lightfm.data import Dataset

    profiles = {s.subject: s.profile for s in city.shown}
    features = {name: _words(one) for name, one in profiles.items()}
    traits = {item.id: [f"t:{t}" for t in item.topics] + [f"k:{item.kind}"] for item in city.items.values()}
    data = Dataset()
    data.fit(list(people), list(things), set().union(*features.values()), set().union(*traits.values()))
    model = LightFM(no_components=FACTORS, loss="warp", random_state=0)
    model.fit(
        clicks,
        user_features=data.build_user_features(features.items()),
        item_features=data.build_item_features(traits.items()),
        epochs=30,
        num_threads=1,
    )


def _words(profile: Profile) -> list[str]:
    told = [f"{key}={value}" for key, value in profile.attributes.items()]
    return [*told, *(f"d={topic}" for topic in profile.declared)]


# --- the tables --------------------------------------------------------------------------------------------------


def _print(report: dict[str, Any]) -> None:
    sizes = list(report["rank"])
    print("ms a resident, one thread, median; × = as many times ours (Z q, top 60)\n")
    print(f"{'':<48}" + "".join(f"{size:>12,} items" for size in sizes))
    first = "ours: Z q, top 60"
    for name in _names(report):
        cells = []
        for size in sizes:
            ms = report["rank"][size]["ms"]
            cells.append(f"{ms[name]:>10.3f} {ms[name] / ms[first]:>5.1f}×" if name in ms else f"{'–':>18}")
        print(f"{name:<48}" + "".join(cells))
    print(f"\n{'growth of Z q, × the first':<48}", end="")
    start = report["rank"][sizes[0]]["ms"][first]
    print("".join(f"{report['rank'][size]['ms'][first] / start:>17.1f}×" for size in sizes))
    for size in sizes:
        found = report["rank"][size]
        ms = found["ms"]
        rate = found["bytes"] / ms["reading Z once"] / 1e6
        print(
            f"{size:>7,} items × {found['columns']} columns = {found['bytes'] / 1e6:.1f} MB; memory gives {rate:.1f} GB/s; "
            f"a list takes {ms[first] / ms['reading Z once']:.1f} × the reading"
        )
    print("\nfit of the whole log, one thread, a process each:")
    for name, one in report["fit"].items():
        print(f"  {name:<10}{one['rows']:>9,.0f} rows{one['seconds']:>8.2f} s{one['more_mb']:>8.0f} MB more")
    _judge(report)


def _names(report: dict[str, Any]) -> Iterator[str]:
    yield from dict.fromkeys(name for found in report["rank"].values() for name in found["ms"])


def _judge(report: dict[str, Any]) -> None:
    ms = report["rank"].get(10_000, {}).get("ms", {})
    rival = ms.get("LightFM.predict, top 60")
    if rival is None:
        print("goal: beside LightFM at 10,000 items: not measured here")
        return
    times = rival / ms["ours: Z q, top 60"]
    print(
        f"goal: at 10,000 items at least {GOAL:g} × faster than LightFM.predict: {times:.1f} × "
        f"{'reached' if times >= GOAL else 'MISSED'}"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
