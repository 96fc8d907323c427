"""`python -m bench`: what a home costs beside a hello view, in one interleaved run on this machine.

(a) a Django hello view with the standard middleware, (b) the signed-in home with 8 cards and 12 ranked entries
out of 2,000 items on PostgreSQL and Redis, (c) the anonymous home, (d) the signed-in home when no provider
answers and none of its 8 cards is in the cache (the English home: nobody ever fetched a card for it). CPU ms a request is the steady figure; the
rates depend on what else this machine does.
"""

import argparse
import json
import platform
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench import city, load
from demo.supervise import Launcher, StartError
from tests.services.ports import free_ports

FIGURES = (
    ("cpu_ms", "CPU ms a request"),
    ("rate", "requests/s"),
    ("p50_ms", "p50 ms"),
    ("p95_ms", "p95 ms"),
    ("p99_ms", "p99 ms"),
)
LABELS = {
    "hello": "(a) hello view",
    "home": "(b) signed-in home",
    "guest": "(c) anonymous home",
    "down": "(d) home without providers",
}
GOAL = 11.0
GOAL_DOWN = 1.2


def main(arguments: list[str]) -> int:
    """Start, measure in turn, print, stop."""
    parser = argparse.ArgumentParser(prog="bin/bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0, help="of load for each page and round")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--items", type=int, default=2000)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there too")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="madoguchi-bench-") as name:
        launcher = Launcher(Path(name))
        try:
            report = _measure(launcher, chosen)
        except (StartError, load.LoadError) as error:
            sys.stderr.write(f"bench: {error}\n")
            return 1
        finally:
            launcher.stop_all()
    _print(report)
    if chosen.json:
        chosen.json.write_text(json.dumps(report, indent=2) + "\n")
    return 0


def _measure(launcher: Launcher, chosen: argparse.Namespace) -> dict[str, Any]:
    env, port = city.environment(launcher.folder)
    seeded = city.seed(env, chosen.items)
    hello = city.start(
        launcher, "hello", "bench.hello:application", free_ports(), {"PYTHONPATH": str(city.ROOT)}
    )
    portal = city.start(launcher, "portal", "portal.wsgi:application", port, env)
    targets = {
        "hello": (hello, load.request("127.0.0.1", "/")),
        "home": (portal, load.request(seeded["host"], "/", seeded["cookies"])),
        "guest": (portal, load.request(seeded["host"], "/")),
        "down": (portal, load.request(seeded["host"], "/en/", seeded["cookies"])),
    }
    for server, raw in targets.values():
        load.run(server.port, raw, connections=chosen.connections, seconds=1.0)
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in targets}
    for number in range(chosen.rounds):
        for name, (server, raw) in targets.items():
            rounds[name].append(_once(server, raw, chosen))
        sys.stderr.write(f"bench: round {number + 1} of {chosen.rounds} is done\n")
    return _report(rounds, seeded["pages"], chosen)


def _once(server: city.Server, raw: bytes, chosen: argparse.Namespace) -> dict[str, float]:
    before = server.cpu()
    measured = load.run(server.port, raw, connections=chosen.connections, seconds=chosen.seconds)
    return {
        "cpu_ms": (server.cpu() - before) / measured.requests * 1e3,
        "rate": measured.requests / measured.seconds,
        "p50_ms": measured.quantile(0.5) * 1e3,
        "p95_ms": measured.quantile(0.95) * 1e3,
        "p99_ms": measured.quantile(0.99) * 1e3,
        "requests": measured.requests,
        "bytes": measured.size,
    }


def _report(
    rounds: dict[str, list[dict[str, float]]], pages: dict[str, Any], chosen: argparse.Namespace
) -> dict[str, Any]:
    summary: dict[str, Any] = {}
    for name, found in rounds.items():
        summary[name] = {
            key: {"min": min(values), "median": statistics.median(values), "max": max(values)}
            for key, _ in FIGURES
            for values in [[one[key] for one in found]]
        }
        summary[name]["page"] = pages.get(name, {"sql": 0, "bytes": int(found[0]["bytes"])})
    for name in ("home", "guest", "down"):
        summary[name]["cpu_of_hello"] = _ratios(rounds[name], rounds["hello"], "cpu_ms")
    summary["down"]["p95_of_home"] = _ratios(rounds["down"], rounds["home"], "p95_ms")
    return {
        "machine": {"python": platform.python_version(), "system": platform.platform()},
        "setting": {
            "workers": city.WORKERS,
            "connections": chosen.connections,
            "rounds": chosen.rounds,
            "seconds": chosen.seconds,
            "items": chosen.items,
        },
        "goal_cpu_of_hello": GOAL,
        "summary": summary,
        "rounds": rounds,
    }


def _ratios(rounds: list[dict[str, float]], floor: list[dict[str, float]], key: str) -> dict[str, float]:
    """The same figure of two pages, round by round."""
    found = [one[key] / other[key] for one, other in zip(rounds, floor, strict=True)]
    return {"min": min(found), "median": statistics.median(found), "max": max(found)}


def _print(report: dict[str, Any]) -> None:
    setting = report["setting"]
    print(
        f"{setting['items']} items, {setting['workers']} workers, {setting['connections']} connections, "
        f"{setting['rounds']} rounds of {setting['seconds']:g} s, interleaved: minimum / median / maximum"
    )
    for name, found in report["summary"].items():
        page = found["page"]
        print(f"\n{LABELS[name]}")
        for key, label in FIGURES:
            print(f"  {label:<18}{_three(found[key])}")
        print(f"  {'SQL queries':<18}{page['sql']}")
        size = f"{page['bytes']} bytes"
        if "gzip" in page:
            size += f", {page['gzip']} in gzip; {page['cards']} cards, {page['entries']} ranked entries"
        print(f"  {'answer':<18}{size}")
        if "cpu_of_hello" in found:
            print(f"  {'CPU ÷ (a)':<18}{_three(found['cpu_of_hello'])}")
        if "p95_of_home" in found:
            print(f"  {'p95 ÷ (b)':<18}{_three(found['p95_of_home'])}")
    ratio = report["summary"]["home"]["cpu_of_hello"]["median"]
    verdict = "reached" if ratio <= GOAL else "MISSED"
    print(f"\ngoal: (b) at most {GOAL:g} × the CPU of (a): {verdict} ({ratio:.2f} ×)")
    ratio = report["summary"]["down"]["p95_of_home"]["median"]
    verdict = "reached" if ratio <= GOAL_DOWN else "MISSED"
    print(f"goal: p95 of (d) at most {GOAL_DOWN:g} × that of (b): {verdict} ({ratio:.2f} ×)")


def _three(found: dict[str, float]) -> str:
    return " / ".join(f"{found[key]:.2f}" for key in ("min", "median", "max"))


if __name__ == "__main__":
    if sys.argv[1:2] == ["identity"]:
        from bench import identity

        sys.exit(identity.main(sys.argv[2:]))
    if sys.argv[1:2] == ["imports"]:
        from bench import imports

        sys.exit(imports.main(sys.argv[2:]))
    if sys.argv[1:2] == ["gadgets"]:
        from bench import gadgets

        sys.exit(gadgets.main(sys.argv[2:]))
    sys.exit(main(sys.argv[1:]))
