"""The checks that a gadget must pass, each line saying pass or fix, and how; a library and a command.

The same checks run at registration and as `python -m gadgets.conformance URL`. Numbers are those of the
protocol's list: 1-5, 8, 11 and 14. Test tokens are minted with the portal's own key, because providers verify
against its key set; the bad ones are wrong on purpose.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gadgets import card as cards
from gadgets import conformance_events
from gadgets import conformance_tokens as tokens
from gadgets import manifest as manifests
from gadgets.conformance_lines import Line, broken, fix, passed
from gadgets.errors import CardError, DoorError, ManifestError
from gadgets.http import Answer, door
from gadgets.manifest import Manifest
from gadgets.types import Texts, Value

BUDGET = 60.0
CALL_SECONDS = 5.0
SPEED_CALLS = 20
SPEED_LIMIT = 1.0
REFUSED = frozenset({400, 401, 403})
LOCALES = ("ja", "en", "ja-simple")
SHOWN = 3
ANY_STATUS = range(100, 600)


@dataclass(frozen=True, slots=True)
class Subject:
    """What is checked: the bytes of a manifest, where they were published, and the version before, if any."""

    raw: bytes
    url: str
    gadget_id: str = ""
    previous: str | None = None


class _Everywhere(tuple[str, ...]):
    """Link origins that hold every origin: check 4 reads the card, check 11 its links."""

    __slots__ = ()

    def __contains__(self, _: object) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class _AnyLink:
    link_origins: tuple[str, ...] = _Everywhere()


@dataclass(slots=True)
class _Bench:
    """One run: what it may still spend, and the cards that it has seen."""

    manifest: Manifest
    until: float
    seen: list[tuple[str, bytes]] = field(default_factory=list)

    def call(self, token: str, headers: Mapping[str, str] | None = None) -> Answer:
        """One call to the card's endpoint; every status is an answer."""
        url = self.manifest.endpoints.card or ""
        return door().fetch(
            url,
            headers={"Authorization": f"Bearer {token}", "Accept": cards.MEDIA_TYPE, **(headers or {})},
            deadline=max(min(CALL_SECONDS, self.until - time.monotonic()), 0.05),
            max_bytes=cards.MAX_BYTES,
            content_types={cards.MEDIA_TYPE},
            accept=ANY_STATUS,
        )

    def fault(self, case: tokens.Case) -> Texts | None:
        """Draws one card as a reader would; None when it is whole, else what is wrong with it."""
        try:
            answer = self.call(tokens.good(self.manifest, case))
        except DoorError as error:
            return broken(error)
        if answer.status != 200:
            return {"ja": f"状態コード {answer.status} が返りました。", "en": f"It answered {answer.status}."}
        self.seen.append((case.name, answer.body))
        try:
            cards.parse(answer.body, manifest=_AnyLink())
        except CardError as error:
            return {"ja": error.in_words("ja"), "en": error.in_words("en")}
        return None


def check(subject: Subject) -> Iterator[Line]:
    """Every line of the report, as soon as it is known; ends early when the manifest itself does not hold."""
    try:
        parsed = manifests.parse(subject.raw, url=subject.url)
    except ManifestError as error:
        for found in error.problems:
            yield fix(
                1,
                {"ja": f"マニフェスト {found.path}", "en": f"Manifest {found.path}"},
                found.message,
                found.remedy,
            )
        return
    yield from _manifest(subject, parsed)
    yield from _network(subject, parsed)
    if parsed.endpoints.card is None:
        yield passed(
            4,
            {"ja": "カード", "en": "Card"},
            {
                "ja": "リンクだけのサービスのため、カードの検査（3・4・5・8・11）はありません。",
                "en": "A link has no card: checks 3, 4, 5, 8 and 11 do not apply.",
            },
        )
        yield from conformance_events.check(parsed, time.monotonic() + BUDGET)
        return
    bench = _Bench(parsed, time.monotonic() + BUDGET)
    yield from _tokens(bench)
    yield _personas(bench)
    yield from _forms(bench)
    yield from _speed(bench)
    yield _links(bench)
    yield from conformance_events.check(parsed, bench.until)


def _manifest(subject: Subject, parsed: Manifest) -> Iterator[Line]:
    yield passed(
        1,
        {"ja": "マニフェストの書き方", "en": "Manifest schema, id and domain"},
        {
            "ja": f"{parsed.id} は {parsed.host} のマニフェストとして正しく書かれています。",
            "en": f"{parsed.id} is a valid manifest of {parsed.host}.",
        },
    )
    title = {"ja": "版の番号", "en": "Version number"}
    if subject.previous and not manifests.increases(parsed.version, subject.previous):
        yield fix(
            1,
            title,
            {
                "ja": f"版 {parsed.version} は、公開中の {subject.previous} より大きくありません。",
                "en": f"Version {parsed.version} does not come after the published {subject.previous}.",
            },
            {"ja": "version を上げてください。", "en": "Raise `version`."},
        )
    else:
        before = subject.previous or "-"
        yield passed(1, title, {"ja": f"{before} → {parsed.version}", "en": f"{before} → {parsed.version}"})
    yield _languages(parsed)


def _languages(parsed: Manifest) -> Line:
    """What the title speaks, summary and purposes speak too: nobody is asked in a language half understood."""
    title = {"ja": "言語のそろい", "en": "Languages complete"}
    texts = {
        "summary": parsed.summary,
        **{f"claims.{claim.name}.purpose": claim.purpose for claim in parsed.claims},
    }
    gaps = [
        f"{place} ({language})"
        for place, text in texts.items()
        for language in parsed.title
        if not text.get(language)
    ]
    if not gaps:
        languages = ", ".join(parsed.title)
        return passed(
            1, title, {"ja": f"すべて {languages} で書かれています。", "en": f"All in {languages}."}
        )
    return fix(
        1,
        title,
        {"ja": f"足りない文があります: {', '.join(gaps)}", "en": f"Missing: {', '.join(gaps)}."},
        {"ja": "題名と同じ言語で書いてください。", "en": "Write them in the languages of the title."},
    )


def _network(subject: Subject, parsed: Manifest) -> Iterator[Line]:
    title = {"ja": "公開されたアドレスと TLS", "en": "Public address and TLS"}
    url = parsed.endpoints.health or subject.url
    try:
        target = door().check(url)
        door().fetch(url, deadline=CALL_SECONDS, max_bytes=manifests.MAX_BYTES, accept=(200, 204))
    except DoorError as error:
        yield fix(
            2,
            title,
            broken(error),
            {
                "ja": "誰でも到達できる https のアドレスで、状態コード 200 を返してください。",
                "en": "Answer 200 on an https address that everybody can reach.",
            },
        )
        return
    if target.loopback:
        yield passed(
            2,
            title,
            {
                "ja": f"{target.host} は見本・試験用の例外（.localhost）として認めました。"
                "本番では https と公開アドレスが必要です。",
                "en": f"{target.host} is let in by the exception for demo and tests (.localhost). "
                "In production https and a public address are needed.",
            },
        )
    else:
        yield passed(
            2,
            title,
            {
                "ja": f"{target.host} は公開アドレスで、証明書も正しいものです。",
                "en": f"{target.host} has a public address and a valid certificate.",
            },
        )


def _tokens(bench: _Bench) -> Iterator[Line]:
    case = tokens.cases(bench.manifest, LOCALES)[0]
    good = tokens.good(bench.manifest, case)
    yield _accepts(bench, good)
    for bad in tokens.bad(bench.manifest, case):
        yield _refuses(bench, bad.title, bad.token, bad.remedy)
    replay = tokens.good(bench.manifest, case)
    first = _status(bench, replay)
    title = {"ja": "二度目の使用を断る", "en": "Refuses a replay"}
    remedy = {
        "ja": "jti を有効期限まで覚え、同じトークンの二度目には 401 を返してください。",
        "en": "Remember `jti` until `exp` and answer 401 to the second use.",
    }
    if first != 200:
        yield fix(3, title, {"ja": "一度目が断られました。", "en": "The first use was refused."}, remedy)
    else:
        yield _refuses(bench, title, replay, remedy)


def _status(bench: _Bench, token: str) -> int | DoorError:
    try:
        return bench.call(token).status
    except DoorError as error:
        return error


def _accepts(bench: _Bench, token: str) -> Line:
    title = {"ja": "正しいトークンを受け入れる", "en": "Accepts a good token"}
    got = _status(bench, token)
    if got == 200:
        return passed(3, title, {"ja": "受け入れました。", "en": "Accepted."})
    told = broken(got) if isinstance(got, DoorError) else _answered(got)
    return fix(
        3,
        title,
        told,
        {
            "ja": "ポータルの /.well-known/jwks.json の鍵で ES256 の署名を確かめ、"
            "iss・aud・exp・htm・htu が正しければカードを返してください。",
            "en": "Verify ES256 with the key set at the portal's /.well-known/jwks.json, and answer with the card "
            "when iss, aud, exp, htm and htu are right.",
        },
    )


def _refuses(bench: _Bench, title: Texts, token: str, remedy: Texts) -> Line:
    got = _status(bench, token)
    if isinstance(got, DoorError):
        return fix(3, title, broken(got), remedy)
    if got in REFUSED:
        return passed(3, title, {"ja": f"断りました（{got}）。", "en": f"Refused ({got})."})
    return fix(3, title, _answered(got), remedy)


def _answered(status: int) -> Texts:
    return {"ja": f"状態コード {status} が返りました。", "en": f"It answered {status}."}


def _personas(bench: _Bench) -> Line:
    title = {
        "ja": "どの人・言語・大きさでも正しいカード",
        "en": "Card valid for every persona, locale and size",
    }
    faults: list[tuple[str, Texts]] = []
    cases = tokens.cases(bench.manifest, LOCALES)
    for case in cases:
        if time.monotonic() > bench.until:
            return _out_of_time(4, title)
        fault = bench.fault(case)
        if fault is not None:
            faults.append((case.name, fault))
            if len(faults) == SHOWN:
                break
    if not faults:
        count = len(cases)
        return passed(
            4, title, {"ja": f"{count} 通りすべて正しいカードでした。", "en": f"All {count} cards are valid."}
        )
    return fix(
        4,
        title,
        {
            language: "\n".join(f"[{name}] {fault[language]}" for name, fault in faults)
            for language in ("ja", "en")
        },
        {
            "ja": "示された場所を、カードの仕様 /schemas/card-1.0.json に合わせてください。",
            "en": "Correct the places named, after /schemas/card-1.0.json.",
        },
    )


def _out_of_time(number: int, title: Texts) -> Line:
    return fix(
        number,
        title,
        {
            "ja": f"検査全体の制限時間（{BUDGET:.0f} 秒）を超えました。",
            "en": f"The whole run took more than {BUDGET:.0f} seconds.",
        },
        {"ja": "応答を速くしてください。", "en": "Answer faster."},
    )


def _forms(bench: _Bench) -> Iterator[Line]:
    """Check 5: the public form, the required claims only, all of them."""
    everything = tokens.PERSONAS["hanako"]
    declared = bench.manifest.claims
    required = {c.name: everything[c.name] for c in declared if c.required and c.name in everything}
    full = {c.name: everything[c.name] for c in declared if c.name in everything}
    forms: list[tuple[Texts, Mapping[str, Value]]] = [
        ({"ja": "属性なし（公開形）で動く", "en": "Works with no claims (public form)"}, {}),
    ]
    if declared:
        forms += [
            ({"ja": "必須の属性だけで動く", "en": "Works with the required claims only"}, required),
            ({"ja": "すべての属性で動く", "en": "Works with all claims"}, full),
        ]
    for title, claims in forms:
        case = tokens.Case(title["ja"], claims, "ja", bench.manifest.sizes[0])
        fault = bench.fault(case)
        if fault is None:
            yield passed(5, title, {"ja": "カードが返りました。", "en": "It answered with a card."})
        else:
            yield fix(
                5,
                title,
                fault,
                {
                    "ja": "granted にある属性だけで、役に立つカードを返してください。",
                    "en": "Answer usefully with nothing but what `granted` names.",
                },
            )


def _speed(bench: _Bench) -> Iterator[Line]:
    title = {"ja": "速さ", "en": "Speed"}
    times: list[float] = []
    largest = 0
    case = tokens.cases(bench.manifest, LOCALES)[0]
    for _ in range(SPEED_CALLS):
        if time.monotonic() > bench.until:
            yield _out_of_time(8, title)
            return
        try:
            answer = bench.call(tokens.good(bench.manifest, case))
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


def _links(bench: _Bench) -> Line:
    title = {"ja": "リンク先は宣言したオリジンの中", "en": "Links stay in the declared origins"}
    if not bench.seen:
        return fix(
            11,
            title,
            {"ja": "カードが一枚も届かず、調べられませんでした。", "en": "No card came that could be read."},
            {"ja": "まずカードを直してください。", "en": "Correct the card first."},
        )
    faults: dict[str, Texts] = {}
    for _, raw in bench.seen:
        for error in _link_errors(raw, bench.manifest):
            faults.setdefault(error.in_words("ja"), {"ja": error.in_words("ja"), "en": error.in_words("en")})
    if not faults:
        count = len(bench.seen)
        return passed(
            11, title, {"ja": f"{count} 枚のカードを調べました。", "en": f"{count} cards were read."}
        )
    shown = list(faults.values())[:SHOWN]
    return fix(
        11,
        title,
        {language: "\n".join(fault[language] for fault in shown) for language in ("ja", "en")},
        {
            "ja": "リンクを link_origins の中にするか、マニフェストに加えて版を上げてください。",
            "en": "Keep links inside `link_origins`, or add the origin and raise the version.",
        },
    )


def _link_errors(raw: bytes, manifest: Manifest) -> Iterator[CardError]:
    """Only what the links add: a card that is broken by itself was told in check 4."""
    try:
        cards.parse(raw, manifest=_AnyLink())
    except CardError:
        return
    try:
        cards.parse(raw, manifest=manifest)
    except CardError as error:
        yield error


def main(arguments: list[str] | None = None) -> int:
    """Prints the report for the manifest at a URL; 0 when every line passes."""
    from gadgets.conformance_command import run

    return run(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
