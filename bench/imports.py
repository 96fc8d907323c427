"""`bin/bench imports`: sign-ins while a list is imported, beside sign-ins in the quiet, on SQLite and on PostgreSQL.

The demo and the city run as they are; the import is the command that an operator types, in a process of its own. One
person after the other signs in; wall times include the client, and what both do on the same processors.
"""

import argparse
import csv
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from bench.person import Person, WayError
from demo.supervise import StartError
from tests import sites
from tests.sites import Site

BACK = "/.well-known/region-portal.json"
WHO = "hanako"
GOAL = 1.5
PACE = 0.6
"""Seconds between two sign-ins at least: the ID lets one address sign in 120 times a minute."""
DATABASES = {"demo": "SQLite, embedded ID", "city": "PostgreSQL, Keycloak"}


def main(arguments: list[str]) -> int:
    """Start a site, measure, stop, take the next; print."""
    parser = argparse.ArgumentParser(prog="bin/bench imports", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--quiet", type=int, default=40, help="sign-ins before the import")
    parser.add_argument("--modes", default="demo,city")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there too")
    chosen = parser.parse_args(arguments)
    report: dict[str, Any] = {
        "machine": {"python": platform.python_version(), "system": platform.platform()},
        "setting": {"rows": chosen.rows, "quiet": chosen.quiet},
    }
    starts = {"demo": sites.start_demo, "city": sites.start_city}
    for mode in chosen.modes.split(","):
        site = None
        try:
            site = starts[mode]()
            report[mode] = measured(site, rows=chosen.rows, quiet=chosen.quiet)
        except (StartError, WayError) as error:
            sys.stderr.write(f"bench: {error}\n")
            return 1
        finally:
            if site is not None:
                site.stop()
        _print(mode, report[mode], chosen.rows)
    if chosen.json:
        chosen.json.write_text(json.dumps(report, indent=2) + "\n")
    return 0


def measured(site: Site, *, rows: int, quiet: int) -> dict[str, Any]:
    """Sign-ins in the quiet, then until the import has ended; `failed` names each that did not end where it should."""
    signed_in(site)  # discovery, keys and templates are read once
    alone = [signed_in(site) for _ in range(quiet)]
    log = site.folder / "import.log"
    began = time.perf_counter()
    with log.open("w") as out:
        running = subprocess.Popen(
            command(a_list(site.folder / "list.csv", rows)),
            env={**os.environ, **site.environment}, cwd=sites.ROOT, stdout=out, stderr=subprocess.STDOUT,
        )  # fmt: skip
        beside: list[float] = []
        failed: list[str] = []
        while running.poll() is None:
            try:
                beside.append(signed_in(site))
            except WayError as error:
                failed.append(str(error))
    seconds = time.perf_counter() - began
    said = log.read_text()
    if running.returncode:
        raise StartError(f"the import failed:\n{said[-2000:]}")
    return {
        "said": said.splitlines()[0],
        "seconds": seconds,
        "failed": failed,
        "sign_ins": len(beside),
        "quiet_p95_ms": p95(alone) * 1e3,
        "p95_ms": p95(beside) * 1e3,
        "ratio": p95(beside) / p95(alone),
    }


def signed_in(site: Site) -> float:
    """Seconds that one person needs, from the portal through the ID and back."""
    person = Person()
    began = time.perf_counter()
    person.sign_in(site.portal_url, WHO, site.password(WHO), next_path=BACK)
    took = time.perf_counter() - began
    person.close()
    time.sleep(max(0.0, PACE - took))
    return took


def p95(found: list[float]) -> float:
    return statistics.quantiles(found, n=20)[-1] if len(found) > 1 else found[0]


def a_list(path: Path, rows: int) -> Path:
    """An event list of the present standard's columns, invented."""
    first = date.today() + timedelta(days=30)  # noqa: DTZ011  any day ahead
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(
            (
                "全国地方公共団体コード",
                "ID",
                "イベント名",
                "開始日",
                "終了日",
                "開始時間",
                "終了時間",
                "説明",
                "場所名称",
            )
        )
        for number in range(rows):
            day = first + timedelta(days=number % 300)
            writer.writerow(
                ("372013", number, f"催し {number}", day, day, "10:00", "12:00", "みなさんの参加を待っています。" * 5, "文化会館")
            )  # fmt: skip
    return path


def command(file: Path) -> list[str]:
    return [sys.executable, "manage.py", "import_open_data", "events", str(file), "--dataset", "bench"]


def _print(mode: str, found: dict[str, Any], rows: int) -> None:
    print(
        f"\n{DATABASES[mode]}: {rows} rows in {found['seconds']:.0f} s, {found['sign_ins']} sign-ins beside them"
    )
    print(f"  {'failed sign-ins':<28}{len(found['failed'])}")
    print(f"  {'p95 ms, quiet':<28}{found['quiet_p95_ms']:.0f}")
    print(f"  {'p95 ms, during the import':<28}{found['p95_ms']:.0f}")
    verdict = "reached" if found["ratio"] <= GOAL and not found["failed"] else "MISSED"
    print(
        f"goal: p95 of a sign-in at most {GOAL} × the quiet one, none failed: {verdict} ({found['ratio']:.2f} ×)"
    )
