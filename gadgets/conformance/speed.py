"""Checks 7 and 8: the same input gives the same card, soon, small, and not again when nothing changed."""

from collections.abc import Iterator

from gadgets.conformance.bench import Bench, out_of_time
from gadgets.conformance_lines import Line, broken, fix, passed
from gadgets.errors import DoorError

SPEED_CALLS = 20
SPEED_LIMIT = 1.0


def check(bench: Bench) -> Iterator[Line]:
    title = {"ja": "速さ", "en": "Speed"}
    times: list[float] = []
    largest = 0
    case = bench.cases()[0]
    for _ in range(SPEED_CALLS):
        if bench.over:
            yield out_of_time(8, title, bench)
            return
        try:
            answer = bench.ask(case)
        except DoorError as error:
            yield fix(8, title, broken(error), {"ja": "応答を直してください。", "en": "Correct the answer."})
            return
        times.append(answer.seconds)
        largest = max(largest, len(answer.body))
    p95 = sorted(times)[-(-len(times) * 95 // 100) - 1]
    told = {
        "ja": f"{SPEED_CALLS} 回の 95 % が {p95 * 1000:.0f} ミリ秒以内でした。",
        "en": f"p95 of {SPEED_CALLS} calls: {p95 * 1000:.0f} ms.",
    }
    remedy = {
        "ja": f"95 % を {SPEED_LIMIT * 1000:.0f} ミリ秒未満にしてください。",
        "en": f"Answer 95 % of the calls in less than {SPEED_LIMIT * 1000:.0f} ms.",
    }
    yield passed(8, title, told) if p95 < SPEED_LIMIT else fix(8, title, told, remedy)
    # What is over the limit never gets here: the door refuses it, and checks 4 and 5 say so.
    kilobytes = f"{largest / 1024:.1f}"
    yield passed(
        8,
        {"ja": "大きさ", "en": "Size"},
        {"ja": f"最大 {kilobytes} KB（上限 64 KB）", "en": f"At most {kilobytes} KB of 64 KB."},
    )
