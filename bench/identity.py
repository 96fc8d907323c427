"""`bin/bench identity`: sign-ins, silent re-entry, minting and withdrawal, through Keycloak and embedded, in one run.

Both sites run as they are: the demo by its own command (SQLite, embedded ID, Argon2 in the web process), the city on
PostgreSQL, Redis and Keycloak. One person after the other, interleaved; wall times include the client.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bench.person import Person, WayError
from demo.supervise import StartError
from tests import sites
from tests.sites import Site

BACK = "/.well-known/region-portal.json"
WHO = "hanako"
GADGET = "localhost.waste.calendar"
TICKS = os.sysconf("SC_CLK_TCK")
GOAL_VERIFY = 60
MODES = {"demo": "embedded ID", "city": "Keycloak"}


def main(arguments: list[str]) -> int:
    """Start both sites, measure in turn, let the city grow, print, stop."""
    parser = argparse.ArgumentParser(prog="bin/bench identity", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sign-ins", type=int, default=8, help="of each site and round")
    parser.add_argument("--residents", default="1000,100000", help="sizes of the city, growing")
    parser.add_argument("--clients", default="1,10,100", help="numbers of gadget clients, growing")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there too")
    chosen = parser.parse_args(arguments)
    running: dict[str, Site] = {}
    try:
        for mode, start in (("demo", sites.start_demo), ("city", sites.start_city)):
            running[mode] = start()
            _say(f"{MODES[mode]} is up")
        report = {
            "machine": {"python": platform.python_version(), "system": platform.platform()},
            "setting": {"rounds": chosen.rounds, "sign_ins": chosen.sign_ins},
            "rounds": _rounds(running, chosen),
            "ledger": _inside(running["city"], "bench.ledger", {}),
            "growth": _growth(running["city"], chosen),
        }
    except (StartError, WayError) as error:
        _say(str(error))
        return 1
    finally:
        for site in running.values():
            site.stop()
    _print(report)
    if chosen.json:
        chosen.json.write_text(json.dumps(report, indent=2) + "\n")
    return 0


def _say(line: str) -> None:
    sys.stderr.write(f"bench: {line}\n")


# --- through HTTP ------------------------------------------------------------------------------------------------


def _rounds(running: Mapping[str, Site], chosen: argparse.Namespace) -> dict[str, list[dict[str, float]]]:
    found: dict[str, list[dict[str, float]]] = {mode: [] for mode in running}
    for site in running.values():
        _signed_in(site).close()  # discovery, keys and templates are read once
    for number in range(chosen.rounds):
        for mode, site in running.items():
            found[mode].append(_once(site, chosen.sign_ins))
        _say(f"round {number + 1} of {chosen.rounds} is done")
    return found


def _signed_in(site: Site) -> Person:
    person = Person()
    person.sign_in(site.portal_url, WHO, site.password(WHO), next_path=BACK)
    return person


def _once(site: Site, count: int) -> dict[str, float]:
    before, begun = _cpu(site), time.perf_counter()
    sign_in = [_timed(lambda: _signed_in(site).close()) for _ in range(count)]
    wall, after = time.perf_counter() - begun, _cpu(site)
    person = _signed_in(site)
    silent = [_timed(lambda: _silent(site, person)) for _ in range(count)]
    effect = [_withdrawal(site, person) for _ in range(3)]
    person.close()
    return {
        "sign_in_ms": statistics.median(sign_in) * 1e3,
        "sign_ins_per_s": count / wall,
        "portal_cpu_ms": (after["portal"] - before["portal"]) / count * 1e3,
        "id_cpu_ms": (after["id"] - before["id"]) / count * 1e3,
        "silent_ms": statistics.median(silent) * 1e3,
        "withdrawal_ms": statistics.median(effect) * 1e3,
    }


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _silent(site: Site, person: Person) -> None:
    """The portal's session is gone, the one at the ID is not."""
    person.forget(urlsplit(site.portal_url).hostname or "")
    done = person.get(f"{site.portal_url}/sign-in/?silent=1&next={BACK}")
    if done.url != f"{site.portal_url}{BACK}":
        raise WayError(f"silent re-entry ended at {done.status} {done.url}")


def _withdrawal(site: Site, person: Person) -> float:
    """Seconds from pressing "stop" until a card drawn for her knows nothing of her any more."""
    portal = site.portal_url
    url, fields = person.get(f"{portal}/consent/{GADGET}/").form(f"/consent/{GADGET}/grant")
    person.post(url, fields, follow=False)
    card = f"{portal}/fragments/card/{GADGET}?l=ja"
    known = _card_of(person, card)
    url, fields = person.get(f"{portal}/my-data/").form(f"/my-data/stop/{GADGET}")
    started = time.perf_counter()
    person.post(url, fields, follow=False)
    for _ in range(50):
        if _card_of(person, card) != known:
            return time.perf_counter() - started
    raise WayError("the withdrawal had no effect on the card")


def _card_of(person: Person, card: str) -> str:
    answer = person.get(card)
    if answer.status != 200:
        raise WayError(f"{answer.status} for a card")
    return answer.text


def _cpu(site: Site) -> dict[str, float]:
    """CPU seconds so far of the web process, and of Keycloak where there is one."""
    found = {"portal": 0.0, "id": 0.0}
    keycloak = f"--http-port={urlsplit(site.id_url).port}"
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            fields = (process / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        spent = (int(fields[11]) + int(fields[12])) / TICKS
        if "granian" in command and f"--port {site.port} " in command:
            found["portal"] += spent
        elif "java" in command and keycloak in command:
            found["id"] += spent
    return found


# --- growth ------------------------------------------------------------------------------------------------------


def _growth(city: Site, chosen: argparse.Namespace) -> list[dict[str, Any]]:
    residents = [int(one) for one in chosen.residents.split(",")]
    clients = [int(one) for one in chosen.clients.split(",")]
    steps = [(residents[0], count) for count in clients] + [(size, clients[-1]) for size in residents[1:]]
    found = []
    for size, count in steps:
        figures = _inside(city, "bench.growth", {"BENCH_RESIDENTS": str(size), "BENCH_CLIENTS": str(count)})
        signed = [_timed(lambda: _signed_in(city).close()) for _ in range(chosen.sign_ins)]
        found.append(
            {"residents": size, "clients": count, "sign_in_ms": statistics.median(signed) * 1e3, **figures}
        )
        _say(f"{size} residents, {count} clients: done")
    return found


def _inside(city: Site, module: str, more: Mapping[str, str]) -> dict[str, Any]:
    """What a module measures in a process of its own with the settings of the city."""
    done = subprocess.run(
        [sys.executable, "-m", module],
        env={**os.environ, **city.environment, "DJANGO_SETTINGS_MODULE": "portal.settings", **more},
        cwd=sites.ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise StartError(f"{module} failed:\n{(done.stdout + done.stderr)[-2000:]}")
    figures: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return figures


# --- words -------------------------------------------------------------------------------------------------------

FIGURES = (
    ("sign_ins_per_s", "sign-ins/s, one by one"),
    ("sign_in_ms", "sign-in, ms"),
    ("portal_cpu_ms", "  CPU of the portal, ms"),
    ("id_cpu_ms", "  CPU of the ID, ms"),
    ("silent_ms", "silent re-entry, ms"),
    ("withdrawal_ms", "withdrawal to effect, ms"),
)
GROWTH = (
    ("sign_in_ms", "sign-in, ms"),
    ("minting_us", "minting a token, µs"),
    ("bundle_us", "bundle of a resident, µs"),
    ("claims_us", "claims of a pseudonym, µs"),
    ("subject_us", "pseudonym of a resident, µs"),
    ("grant_and_withdraw_us", "grant and withdrawal, µs"),
    ("overview_us", "わたしのデータ's overview, µs"),
)


def _print(report: dict[str, Any]) -> None:
    print("minimum / median / maximum of the rounds' medians")
    for mode, rounds in report["rounds"].items():
        print(f"\n{MODES[mode]}")
        for key, label in FIGURES:
            print(f"  {label:<28}{_three([one[key] for one in rounds])}")
    ratios = [
        one["sign_in_ms"] / other["sign_in_ms"]
        for one, other in zip(report["rounds"]["city"], report["rounds"]["demo"], strict=True)
    ]
    print(f"\nsign-in through Keycloak ÷ embedded: {_three(ratios)}")
    for mode, rounds in report["rounds"].items():
        ratios = [one["silent_ms"] / one["sign_in_ms"] for one in rounds]
        print(f"silent re-entry ÷ sign-in, {MODES[mode]}: {_three(ratios)}")
    ledger = report["ledger"]
    print(
        f"\nreleases/s, 16 residents at once: {ledger['releases_per_s']:.0f}; each with an entry of the chain (before): "
        f"{ledger['releases_before_per_s']:.0f}; {ledger['releases_per_s'] / ledger['releases_before_per_s']:.1f} ×"
    )
    verdict = "reached" if ledger["verify_s"] <= GOAL_VERIFY else "MISSED"
    print(
        f"audit verify over {ledger['entries']:,} entries: {ledger['verify_s']:.1f} s (goal {GOAL_VERIFY} s: {verdict})"
    )
    first = report["growth"][0]
    print("\ngrowth (Keycloak, PostgreSQL); in brackets the ratio to the first column")
    head = "".join(f"{one['residents']:>12,} r {one['clients']:>3} c" for one in report["growth"])
    print(f"  {'':<30}{head}")
    for key, label in GROWTH:
        cells = "".join(f"{one[key]:>11.1f} ({one[key] / first[key]:.2f})" for one in report["growth"])
        print(f"  {label:<30}{cells}")


def _three(values: list[float]) -> str:
    return " / ".join(f"{one:.2f}" for one in (min(values), statistics.median(values), max(values)))
