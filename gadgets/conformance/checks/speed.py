"""Checks 7 and 8: the same input gives the same card, soon, small, and not again when nothing changed."""

import itertools
from collections.abc import Iterator

from core.texts import Texts
from gadgets.conformance import compare
from gadgets.conformance.bench import Bench, answered, out_of_time
from gadgets.conformance.checks.request_tokens import Case
from gadgets.errors import DoorError
from gadgets.outbound.http import Answer
from gadgets.protocol.conformance_lines import Line, broken, fix, not_run, passed

SPEED_CALLS = 20
SPEED_LIMIT = 1.0
CASES = 4
"""Over so many cases the calls are spread."""
CHANGES = 1
"""So often the card of one case may change meanwhile: new data came."""
TRIES = 3

_SAME = {"ja": "同じ問いに、同じカード", "en": "Same input, same card"}
_SPEED = {"ja": "速さ", "en": "Speed"}


def check(bench: Bench) -> Iterator[Line]:
    """The calls serve both checks: how long each took, and whether the answers to one question are one card."""
    times: list[float] = []
    largest = 0
    changed: list[tuple[Case, str]] = []
    cases = _spread(bench.cases())
    for case in cases:
        answers = []
        for _ in range(SPEED_CALLS // len(cases)):
            if bench.over:
                yield out_of_time(8, _SPEED, bench)
                return
            try:
                answers.append(bench.ask(case))
            except DoorError as error:
                yield fix(
                    8, _SPEED, broken(error), {"ja": "応答を直してください。", "en": "Correct the answer."}
                )
                return
        wrong = next((answer for answer in answers if answer.status != 200), None)
        if wrong is not None:
            # Twenty refusals are alike and fast; nothing about a card can be told from them.
            for number, title in ((7, _SAME), (8, _SPEED)):
                yield fix(
                    number,
                    title,
                    answered(wrong.status),
                    {
                        "ja": "正しいトークンには、毎回 200 とカードを返してください（検査 3）。",
                        "en": "Answer each good token with 200 and a card (check 3).",
                    },
                )
            return
        times += [answer.seconds for answer in answers]
        largest = max(largest, *(len(answer.body) for answer in answers))
        where = _changes(answers)
        if where:
            changed.append((case, where))
    yield _same(changed, len(cases))
    yield _fast(times)
    # What is over the limit never gets here: the door refuses it, and checks 4 and 5 say so.
    kilobytes = f"{largest / 1024:.1f}"
    yield passed(
        8,
        {"ja": "大きさ", "en": "Size"},
        {"ja": f"最大 {kilobytes} KB（上限 64 KB）", "en": f"At most {kilobytes} KB of 64 KB."},
    )
    yield _not_again(bench, cases[0])


def _spread(cases: list[Case]) -> list[Case]:
    """At most four, from the first to the last; a number that divides the calls."""
    if len(cases) < CASES:
        return cases[:2]
    step = (len(cases) - 1) / (CASES - 1)
    return [cases[round(index * step)] for index in range(CASES)]


def _changes(answers: list[Answer]) -> str:
    """Where the card changed more often than new data explains; empty when it is the same."""
    steps = [
        (one.body, other.body)
        for one, other in itertools.pairwise(answers)
        if not compare.same(one.body, other.body)
    ]
    return compare.places(*steps[0]) if len(steps) > CHANGES else ""


def _same(changed: list[tuple[Case, str]], cases: int) -> Line:
    if not changed:
        return passed(
            7,
            _SAME,
            {
                "ja": f"{cases} 通りの問いを繰り返しても、同じカードでした。",
                "en": f"{cases} questions, asked again and again: the same card each time.",
            },
        )
    return fix(
        7,
        _SAME,
        {
            "ja": "\n".join(f"[{case.name}] {where} が毎回変わります。" for case, where in changed),
            "en": "\n".join(f"[{case.name}] {where} changes from call to call." for case, where in changed),
        },
        {
            "ja": "示された場所から、乱数、呼び出しの回数、秒単位の時刻を除いてください。"
            "作った時刻は updated に書けます。",
            "en": "Keep random values, counters and the time to the second out of the places named; "
            "the time of making belongs into `updated`.",
        },
    )


def _fast(times: list[float]) -> Line:
    p95 = sorted(times)[-(-len(times) * 95 // 100) - 1]
    told = {
        "ja": f"{len(times)} 回の 95 % が {p95 * 1000:.0f} ミリ秒以内でした。",
        "en": f"p95 of {len(times)} calls: {p95 * 1000:.0f} ms.",
    }
    if p95 < SPEED_LIMIT:
        return passed(8, _SPEED, told)
    return fix(
        8,
        _SPEED,
        told,
        {
            "ja": f"endpoints.card の応答の 95 % を {SPEED_LIMIT * 1000:.0f} ミリ秒未満にしてください。",
            "en": f"Answer 95 % of the calls to endpoints.card in less than {SPEED_LIMIT * 1000:.0f} ms.",
        },
    )


def _not_again(bench: Bench, case: Case) -> Line:
    """A card that has an ETag is not sent again to whoever holds it."""
    title = {"ja": "変わっていなければ送り直さない（304）", "en": "304 when nothing changed"}
    told: Texts = {}
    moved = 0
    for _ in range(TRIES):
        try:
            first = bench.ask(case)
            etag = first.headers.get("etag", "")
            if not etag:
                return passed(
                    8,
                    title,
                    {
                        "ja": "ETag がありません。付けると、変わっていないカードを送らずに済みます（任意）。",
                        "en": "No ETag. With one, a card that did not change need not be sent again (optional).",
                    },
                )
            second = bench.ask(case, {"If-None-Match": etag})
        except DoorError as error:
            told = broken(error)
            continue
        if second.status == 304:
            return passed(8, title, {"ja": "304 が返りました。", "en": "It answered 304."})
        if second.status == 200 and not compare.same(first.body, second.body):
            moved += 1
        told = answered(second.status)
    if moved == TRIES:
        return not_run(
            8,
            title,
            {
                "ja": "カードが毎回変わるため、調べられませんでした。",
                "en": "The card changes from call to call, so nothing can be told.",
            },
            {"ja": "まず検査 7 を直してください。", "en": "Correct check 7 first."},
        )
    return fix(
        8,
        title,
        told,
        {
            "ja": "If-None-Match が、いま返す ETag と同じなら、本文なしで 304 を返してください。"
            "ETag は updated の秒ではなく、内容から作ってください。",
            "en": "When If-None-Match is the ETag that you would send now, answer 304 without a body. "
            "Make the ETag from the content, not from the second in `updated`.",
        },
    )
