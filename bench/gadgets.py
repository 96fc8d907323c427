"""`bin/bench gadgets`: cards from the cache, a fan-out of eight with one hanging and one dead, up to 1,000 gadgets.

A city's web processes on PostgreSQL and Redis: a pool for pages (two workers of one thread) and one for fragments (one
worker of 32 threads), as `deploy/compose.yaml` has them. Eight providers on real ports of this machine: in each round
all of them answer, then number 7 hangs and number 8 is dead. Figures of one run belong together; times include the
client.
"""

import argparse
import asyncio
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import redis

from bench import city, load
from bench.cards import CARD
from demo.supervise import Launcher, StartError
from tests.services.ports import free_ports

CARDS = 8
HANGING, DEAD = 6, 7
PAGE = "/"


def main(arguments: list[str]) -> int:
    """Start, measure, grow, print, stop."""
    parser = argparse.ArgumentParser(prog="bin/bench gadgets", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--seconds", type=float, default=4.0, help="of load on the home for each size and round"
    )
    parser.add_argument("--items", type=int, default=2000)
    parser.add_argument("--gadgets", default="8,100,1000", help="how many are registered, growing")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there too")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="madoguchi-bench-") as name:
        launcher = Launcher(Path(name))
        try:
            with _providers() as (ports, hang):
                report = _measure(launcher, chosen, ports, hang)
        except (StartError, load.LoadError) as error:
            sys.stderr.write(f"bench: {error}\n")
            return 1
        finally:
            launcher.stop_all()
    _print(report)
    if chosen.json:
        chosen.json.write_text(json.dumps(report, indent=2) + "\n")
    return 0


def _say(line: str) -> None:
    sys.stderr.write(f"bench: {line}\n")


# --- providers ---------------------------------------------------------------------------------------------------


@contextmanager
def _providers() -> Iterator[tuple[list[int], threading.Event]]:
    """Eight ports; while the event is set, one of them hangs and one refuses the connection."""
    hang, over = threading.Event(), threading.Event()
    body = json.dumps(CARD, ensure_ascii=False).encode()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            number = ports.index(int(str(self.server.server_address[1])))
            if hang.is_set() and number == HANGING:
                over.wait(30)
                return
            if hang.is_set() and number == DEAD:
                self.connection.close()
                return
            self.send_response(200)
            self.send_header("Content-Type", "application/vnd.region-card+json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

        def handle(self) -> None:
            try:
                super().handle()
            except (OSError, ValueError):  # whoever asked has gone, or we hung up on purpose
                return

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

    servers = [Server(("127.0.0.1", 0), Handler) for _ in range(CARDS)]
    ports = [server.server_address[1] for server in servers]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield ports, hang
    finally:
        over.set()
        for server in servers:
            server.shutdown()
            server.server_close()


# --- measuring ---------------------------------------------------------------------------------------------------


def _measure(
    launcher: Launcher, chosen: argparse.Namespace, ports: list[int], hang: threading.Event
) -> dict[str, Any]:
    env, port = city.environment(launcher.folder)
    env["BENCH_PORTS"] = ",".join(map(str, ports))
    seeded = city.seed(env, chosen.items)
    fragments = city.start(
        launcher, "fragments", "portal.wsgi:application", free_ports(), env, workers=1, threads=32
    )
    sizes = [int(one) for one in chosen.gadgets.split(",")]
    growth = []
    home = load.request(seeded["host"], PAGE, seeded["cookies"])
    for size in sizes:
        inside = _inside(env, size)
        # A process of its own for each size: what it holds was never larger.
        portal = city.start(launcher, f"portal-{size}", "portal.wsgi:application", port, env)
        growth.append({**inside, **_load_home(portal, home, chosen), "sql": _queries(env)})
        if size != sizes[-1]:
            portal.running.stop()
            launcher.started.remove(portal.running)
        _say(f"{size} gadgets are measured")
    fan_out = _rounds(portal, fragments, seeded["host"], home, chosen, hang)
    return {
        "machine": {"python": platform.python_version(), "system": platform.platform()},
        "setting": {"rounds": chosen.rounds, "seconds": chosen.seconds, "items": chosen.items},
        "growth": growth,
        "fan_out": fan_out,
    }


def _inside(env: dict[str, str], size: int) -> dict[str, float]:
    return _json(env | {"BENCH_GADGETS": str(size)}, "bench.cards")


def _queries(env: dict[str, str]) -> int:
    return int(_json(env, "bench.look")["sql"])


def _json(env: dict[str, str], module: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", module], env=env, cwd=city.ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise StartError(f"{module} failed:\n{done.stderr[-3000:]}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def _load_home(portal: city.Server, raw: bytes, chosen: argparse.Namespace) -> dict[str, float]:
    load.run(portal.port, raw, connections=4, seconds=1.0)
    cpu, p50 = [], []
    for _ in range(chosen.rounds):
        before = portal.cpu()
        measured = load.run(portal.port, raw, connections=4, seconds=chosen.seconds / 2)
        cpu.append((portal.cpu() - before) / measured.requests * 1e3)
        p50.append(measured.quantile(0.5) * 1e3)
    return {
        "home_cpu_ms": statistics.median(cpu),
        "home_p50_ms": statistics.median(p50),
        "worker_mb": portal.worker_mb(),
    }


def _rounds(
    portal: city.Server,
    fragments: city.Server,
    host: str,
    home: bytes,
    chosen: argparse.Namespace,
    hang: threading.Event,
) -> dict[str, Any]:
    """All eight fragments of a page at once with an empty cache: everybody healthy, then one hanging and one dead."""
    found: dict[str, list[dict[str, float]]] = {"healthy": [], "broken": [], "after": []}
    for _ in range(3):  # templates and schemas are read once
        _forget_cards()
        asyncio.run(_page(portal, fragments, host, home))
    for _ in range(chosen.rounds):
        hang.clear()
        _forget_cards()
        found["healthy"].append(asyncio.run(_page(portal, fragments, host, home)))
        hang.set()
        _forget_cards()
        found["broken"].append(asyncio.run(_page(portal, fragments, host, home)))
        for _time in range(5):  # until the breakers have seen enough
            asyncio.run(_page(portal, fragments, host, home))
        found["after"].append(asyncio.run(_page(portal, fragments, host, home)))
        hang.clear()
    return found


def _forget_cards() -> None:
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as cache:
        for key in cache.scan_iter("*card:*"):
            cache.delete(key)
        for key in cache.scan_iter("*breaker:*"):
            cache.delete(key)


async def _page(portal: city.Server, fragments: city.Server, host: str, home: bytes) -> dict[str, float]:
    """Milliseconds until each fragment is there, and of the homes that were drawn meanwhile."""
    asked = [
        _get(fragments.port, load.request(host, f"/fragments/card/localhost.bench{n}.card?locale=ja&size=S"))
        for n in range(CARDS)
    ]
    pages = [_get(portal.port, home, after=0.05 * n) for n in range(4)]
    times = await asyncio.gather(*asked, *pages)
    cards, homes = times[:CARDS], times[CARDS:]
    good = [cards[n] for n in range(CARDS) if n not in (HANGING, DEAD)]
    return {
        "good_ms": max(good),
        "all_ms": max(cards),
        "hanging_ms": cards[HANGING],
        "dead_ms": cards[DEAD],
        "home_ms": statistics.median(homes),
    }


async def _get(port: int, raw: bytes, after: float = 0.0) -> float:
    await asyncio.sleep(after)
    started = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(raw.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    answer = await reader.read()
    writer.close()
    if not answer.startswith(b"HTTP/1.1 200"):
        raise load.LoadError(answer[:200].decode(errors="replace"))
    return (time.perf_counter() - started) * 1e3


# --- printing ----------------------------------------------------------------------------------------------------


def _print(report: dict[str, Any]) -> None:
    first, growth = report["growth"][0], report["growth"]
    print("one process, one core:")
    print(
        f"  cards from the cache  {8 / first['eight_us'] * 1e6:,.0f} cards/s (pages of eight, one multi-get)"
    )
    print(
        f"  one card              open {first['decode_us']:.0f} µs; check {first['check_us']:.0f} µs and draw {first['draw_us']:.0f} µs when it arrives\n"
        f"  the dearest card      check {first['dearest_check_ms']:.0f} ms and draw {first['dearest_draw_ms']:.0f} ms: the most that the rules allow",
    )
    print("\nregistered gadgets (eight of them on the home), × the first line:")
    print("  gadgets   SQL   home CPU ms      p50 ms      worker MB    load ms   reload ms")
    for row in growth:
        ratios = [row[key] / first[key] for key in ("home_cpu_ms", "home_p50_ms", "worker_mb")]
        print(
            f"  {row['registered']:>7}{row['sql']:>6}"
            f"{row['home_cpu_ms']:>8.2f} {ratios[0]:>4.2f}×{row['home_p50_ms']:>8.2f} {ratios[1]:>4.2f}×"
            f"{row['worker_mb']:>8.0f} {ratios[2]:>4.2f}×{row['first_load_ms']:>10.0f}{row['reload_ms']:>12.1f}"
        )
    print(
        f"\nfan-out of {CARDS} fragments at once, cache empty: minimum / median / maximum ms of {report['setting']['rounds']} rounds"
    )
    labels = {
        "healthy": "all healthy",
        "broken": "one hangs, one is dead",
        "after": "the same, breakers open",
    }
    for name, found in report["fan_out"].items():
        print(f"  {labels[name]}")
        for key, label in (
            ("good_ms", "the six others"),
            ("all_ms", "all eight"),
            ("home_ms", "the home meanwhile"),
        ):
            values = [one[key] for one in found]
            print(f"    {label:<20}{min(values):>8.0f} / {statistics.median(values):.0f} / {max(values):.0f}")
    medians = {
        name: statistics.median(one["home_ms"] for one in found) for name, found in report["fan_out"].items()
    }
    print(
        f"\nthe home beside one hanging and one dead: {medians['broken'] / medians['healthy']:.2f} × all healthy"
    )
    last = growth[-1]
    flat = last["sql"] == first["sql"] and last["home_cpu_ms"] <= 1.25 * first["home_cpu_ms"]
    verdict = "reached" if flat else "MISSED"
    print(f"goal: with {last['registered']} gadgets the same queries and at most 1.25 × the CPU: {verdict}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
