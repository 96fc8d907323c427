"""The acceptance of an order on a folder: value, hard checks, reasons, times, repeatability, consent.

Each check is a function that gives a Line; `checks` is all of them. Times and the second run come from a process of
its own with one thread (`clock`).
"""

import csv
import gzip
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import recommender
from recommender.domain import fitting
from recommender.domain.features import Design, age_days, bucket, faded, impersonal, personal
from recommender.domain.item_matrix import terms
from recommender.domain.types import Item, Profile
from recommender.domain.weights import RECENCY, Prior, Weights, key_of
from recommender.errors import FolderError
from recommender.evaluation import clock, files, orders, scoring
from recommender.evaluation.files import City

MOST_ERROR = 1e-5
MOST_FIT_S = 30.0
MOST_RANK_MS = 1.0
TOP = 12
CLOCK_TAKES_AT_MOST = 300
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True, slots=True)
class Line:
    """One check: whether it holds, and the figure."""

    good: bool
    name: str
    told: str


def fitted(city: City, prior: Prior | None = None) -> Weights:
    """What the log of a folder teaches."""
    prior = prior or Prior()
    return fitting.fit(Design.of(city.shown, prior), prior).weights(prior)


def checks(folder: Path, city: City, weights: Weights, digest: str) -> Iterator[Line]:
    """All checks but those of the score; `digest` is of the lists that were scored."""
    yield sums(city, weights)
    timed = measured(folder)
    yield Line(
        timed["fit_s"] <= MOST_FIT_S, "fit, one thread", f"{timed['fit_s']:.2f} s of {timed['rows']} rows"
    )
    yield Line(
        timed["rank_ms"] <= MOST_RANK_MS,
        f"ranking with reasons, {timed['items']} items, one thread",
        f"{timed['rank_ms']:.3f} ms a resident; with the caps and floors of the home {timed['home_ms']:.3f} ms",
    )
    yield Line(timed["digest"] == digest, "the same ranking in another process", digest[:12])
    yield consent(folder, city)


def sums(city: City, weights: Weights) -> Line:
    """The terms of an item add up to its score, and the score is what the learning side expects of it."""
    worst, count = 0.0, 0
    for at in city.days.values():
        day = orders.Day(city.live(at), at, weights)
        # A list is made as of the beginning of its minute.
        minute = at.replace(second=0, microsecond=0)
        for name in list(city.tested)[:200]:
            profile = city.residents[name].profile
            rows = day.rows(city.residents[name])[:TOP]
            parts = day.catalogue.parts(profile)
            scores = day.catalogue.z[rows] @ day.catalogue.vector(parts) + day.recency[rows]
            for row, score, told in zip(
                rows, scores.tolist(), terms(day.catalogue, rows, parts), strict=True
            ):
                summed = sum(term.weight for term in told) + float(day.recency[row])
                item = day.catalogue.items[row]
                learnt = expected(weights, profile, item, age_days(item, minute))
                worst = max(worst, abs(summed - score), abs(learnt - score))
                count += 1
    good = math.isfinite(worst) and worst <= MOST_ERROR
    return Line(good, "reasons sum to the score", f"largest error {worst:.1e} of {count} items")


def expected(weights: Weights, profile: Profile, item: Item, age: float) -> float:
    """The score of an item as learning sees it: cell by cell, without any matrix."""
    cells = [*impersonal(item), *personal(profile, item), (RECENCY, key_of(item.kind, str(bucket(age))), 1.0)]
    return faded(weights.prior, item.kind, age) + sum(x * weights.of(family, key) for family, key, x in cells)


def measured(folder: Path) -> dict[str, Any]:
    """Times and digest of a process of its own with one thread and another order of hashes."""
    root = Path(recommender.__file__).parents[1]
    env = {**os.environ, **dict.fromkeys(THREADS, "1"), "PYTHONHASHSEED": "4711"}
    done = subprocess.run(  # noqa: S603 - this interpreter, a module of ours and a folder
        [sys.executable, "-m", clock.__name__, str(folder.resolve())],
        cwd=root,
        env=env,
        capture_output=True,
        text=True,
        timeout=CLOCK_TAKES_AT_MOST,
        check=False,
    )
    if done.returncode:
        raise FolderError(f"the clock stopped with {done.returncode}: {done.stderr.strip()[-500:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def consent(folder: Path, city: City) -> Line:
    """Nobody who did not say yes is learnt from: neither in this log, nor when rows of theirs are put into it."""
    asked = "a resident who is not opted in leaves no row"
    wrong = {one.subject for one in city.shown if not city.residents[one.subject].learns}
    silent = next((name for name, one in city.residents.items() if not one.learns), None)
    if silent is None or wrong:
        return Line(not wrong, asked, f"{len(wrong)} are in the log")
    with tempfile.TemporaryDirectory() as there:
        spoilt = _with_rows_of(silent, folder, city, Path(there))
        read = files.read(spoilt)
    more = read.turned_away - city.turned_away
    good = (
        len(read.shown) == len(city.shown)
        and silent not in {one.subject for one in read.shown}
        and more == TOP
    )
    return Line(good, asked, f"{len(city.shown)} rows learnt from, {more} of {TOP} put in were turned away")


def _with_rows_of(name: str, folder: Path, city: City, there: Path) -> Path:
    """The folder, with clicks of this resident added to the log."""
    for table in ("residents", "items", "test_users", "test_days"):
        path = files.path_of(folder, table)
        (there / path.name).symlink_to(path.resolve())
    log = files.path_of(folder, "impressions")
    with (
        files.opened(log) as source,
        gzip.open(there / "impressions.csv.gz", "wt", newline="", compresslevel=1) as out,
    ):
        reader, writer = csv.reader(source), csv.writer(out, lineterminator="\n")
        heading = next(reader)
        writer.writerow(heading)
        writer.writerows(reader)
        item = next(iter(city.items))
        row = {
            "ts": "2026-01-01T00:00:00Z",
            "resident_id": name,
            "item_id": item,
            "propensity": "0.5",
            "click": "1",
        }
        writer.writerows(
            [{**row, "position": str(n)}.get(column, "") for column in heading] for n in range(TOP)
        )
    return there


def score(folder: Path, city: City, weights: Weights, *, reranked: bool = False) -> tuple[scoring.Score, str]:
    """The score of whole lists, and their digest."""
    digest = orders.Digest()
    found = scoring.score(
        city, scoring.Truth(folder, city), digest.through(orders.lists(city, weights, reranked=reranked))
    )
    return found, digest.hex()
