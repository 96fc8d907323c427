"""Check 6: at `none` and `audience`, what was not declared changes nothing.

The same request comes twice, and between the two once more with something beside it that the manifest does not
declare: attributes, a pseudonym, headers of a browser. All three cards must be the same.
"""

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from core.texts import Texts
from gadgets.cards import signing
from gadgets.conformance import compare
from gadgets.conformance.bench import REFUSED, SHOWN, Bench, no_card, out_of_time
from gadgets.conformance.checks import request_tokens as tokens
from gadgets.conformance.checks.request_tokens import PERSONAS, Case
from gadgets.errors import DoorError
from gadgets.outbound.http import Answer
from gadgets.protocol.conformance_lines import Line, broken, fix, not_run, passed
from gadgets.protocol.manifest import Manifest
from gadgets.types import plain

NUMBER = 6
TRIES = 3
"""So often the undisturbed card may change by itself (new data) before nothing can be told."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What is slipped in: into the token's claims, or among the headers."""

    title: Texts
    remedy: Texts
    claims: Callable[[dict[str, Any]], dict[str, Any]] | None = None
    headers: Mapping[str, str] | None = None


def _undeclared(manifest: Manifest) -> list[Mapping[str, Any]]:
    """Two people who differ in everything that is not declared."""
    declared = {claim.name for claim in manifest.claims}
    return [
        {key: plain(value) for key, value in PERSONAS[name].items() if key not in declared}
        for name in ("hanako", "taro")
    ]


def besides(manifest: Manifest, case: Case) -> Iterator[Beside]:
    """Everything that must change nothing, for one case."""
    for person in _undeclared(manifest):

        def slip(claims: dict[str, Any], person: Mapping[str, Any] = person) -> dict[str, Any]:
            return {**claims, "claims": {**person, **claims["claims"]}}

        yield Beside(
            {"ja": "宣言していない属性", "en": "undeclared attributes"},
            {
                "ja": "マニフェストの claims に宣言し、granted にある属性だけを使ってください。",
                "en": "Use only the attributes that the manifest declares in `claims` and the token names in `granted`.",
            },
            claims=slip,
        )
    yield Beside(
        {"ja": "仮名（sub）", "en": "a pseudonym (sub)"},
        {
            "ja": "sub を使わないでください。使うときは identity を pairwise にしてください。",
            "en": "Do not use `sub`; raise `identity` to pairwise if you need it.",
        },
        claims=lambda claims: {**claims, "sub": str(uuid.uuid5(uuid.NAMESPACE_URL, "conformance:beside"))},
    )
    other = "ja" if case.locale == "en" else "en"
    for name, value, ja, en in (
        (
            "User-Agent",
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)",
            "ブラウザーの種類（User-Agent）を読まないでください。",
            "Do not read User-Agent.",
        ),
        (
            "Accept-Language",
            other,
            "言語は Accept-Language ではなく、トークンの ctx.locale で決めてください。",
            "Take the language from the token's `ctx.locale`, not from Accept-Language.",
        ),
        (
            "Cookie",
            "visitor=conformance",
            "クッキーを読まないでください。",
            "Do not read cookies.",
        ),
        (
            "X-Forwarded-For",
            "198.51.100.7",
            "利用者のアドレス（X-Forwarded-For）を読まないでください。",
            "Do not read X-Forwarded-For.",
        ),
    ):
        yield Beside(
            {"ja": f"ヘッダー {name}", "en": f"the header {name}"},
            {"ja": ja, "en": en},
            headers={name: value},
        )


def check(bench: Bench) -> Line:
    """One line: what changed the card, in which case and where."""
    title = {
        "ja": "宣言していないことで、カードが変わらない",
        "en": "Non-interference: what was not declared changes nothing",
    }
    if not bench.seen:
        return no_card(NUMBER, title)
    faults: list[tuple[Case, Beside, Texts]] = []
    unstable = asked = 0
    for case in chosen(bench):
        for beside in besides(bench.manifest, case):
            if bench.over:
                return out_of_time(NUMBER, title, bench)
            told = _interferes(bench, case, beside)
            asked += 1
            if told is None:
                unstable += 1
            elif told:
                faults.append((case, beside, told))
    if faults:
        return _fix(title, faults)
    if unstable:
        return not_run(
            NUMBER,
            title,
            {
                "ja": "同じ問いでもカードが変わるため、調べられませんでした。",
                "en": "The card changes by itself, so nothing can be told.",
            },
            {"ja": "まず検査 7 を直してください。", "en": "Correct check 7 first."},
        )
    return passed(
        NUMBER,
        title,
        {"ja": f"{asked} 通り試しました。", "en": f"Tried in {asked} ways, always the same card."},
    )


def chosen(bench: Bench) -> list[Case]:
    """The fullest form and the public form, in the first size; easy Japanese, where a language is easily forgotten."""
    cases = bench.cases()
    last = cases[-1]
    picked = [cases[0]]
    if last.claims != cases[0].claims or last.locale != cases[0].locale:
        picked.append(last)
    return picked


def _interferes(bench: Bench, case: Case, beside: Beside) -> Texts | None:
    """What differs; empty when nothing does, None when the card changes without any doing of ours."""
    for _ in range(TRIES):
        try:
            before, between, after = bench.ask(case), _ask(bench, case, beside), bench.ask(case)
        except DoorError as error:
            return broken(error)
        if before.status != 200 or after.status != 200:
            status = before.status if before.status != 200 else after.status
            return {
                "ja": f"正しいトークンに、状態コード {status} が返りました。",
                "en": f"It answered a good token with {status}.",
            }
        if not compare.same(before.body, after.body):
            continue
        if beside.claims is not None and between.status in REFUSED:
            return {}
        if between.status != before.status:
            return {
                "ja": f"状態コードが {before.status} から {between.status} に変わりました。",
                "en": f"The status went from {before.status} to {between.status}.",
            }
        if compare.same(before.body, between.body):
            return {}
        where = compare.places(before.body, between.body)
        return {"ja": f"{where} が変わりました。", "en": f"{where} changed."}
    return None


def _ask(bench: Bench, case: Case, beside: Beside) -> Answer:
    claims = tokens.claims_of(bench.manifest, case, bench.env)
    if beside.claims is not None:
        claims = beside.claims(claims)
    token = bench.env.signer.sign(claims, token_type=signing.TOKEN_TYPE)
    return bench.call(token, beside.headers, case.locale)


def _fix(title: Texts, faults: list[tuple[Case, Beside, Texts]]) -> Line:
    shown = faults[:SHOWN]
    remedies = {beside.remedy["ja"]: beside.remedy for _, beside, _ in shown}
    return fix(
        NUMBER,
        title,
        {
            "ja": "\n".join(
                f"[{case.name}] {beside.title['ja']}: {told['ja']}" for case, beside, told in shown
            ),
            "en": "\n".join(
                f"[{case.name}] {beside.title['en']}: {told['en']}" for case, beside, told in shown
            ),
        },
        {language: " ".join(one[language] for one in remedies.values()) for language in ("ja", "en")},
    )
