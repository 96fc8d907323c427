"""Check 14, forms: what a resident sends is taken, done once however often it comes, and refused when it is forged."""

import time
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from core.texts import Texts
from gadgets.cards import signing
from gadgets.conformance import compare
from gadgets.conformance.bench import ANY_STATUS, REFUSED, Bench, answered
from gadgets.conformance.checks import events
from gadgets.conformance.checks import request_tokens as tokens
from gadgets.conformance.checks.request_tokens import Case
from gadgets.conformance.environment import CALL_SECONDS
from gadgets.errors import CardError, DoorError, EventAnswerError
from gadgets.outbound.http import Answer
from gadgets.protocol import card as cards
from gadgets.protocol import forms
from gadgets.protocol.conformance_lines import Line, broken, fix, not_run, passed
from gadgets.protocol.forms import FieldSpec, FormSpec
from gadgets.webhooks import event_wire

NUMBER = 14
NOT_TAKEN = frozenset({409, 422})
_TAKES: Texts = {"ja": "フォームを受け取る", "en": "Takes a form"}
_ONCE: Texts = {"ja": "同じ送信が二度届いても、一度だけ行う", "en": "Does what is sent twice only once"}
_KEY: Texts = {
    "ja": "sub と Idempotency-Key の組ごとに、はじめの応答を覚え、同じものがまた届いたら何もせずに、それを返してください。",
    "en": "Keep your first answer under `sub` and `Idempotency-Key`; when both come again, do nothing and give it again.",
}
_CARD: Texts = {
    "ja": f"endpoints.action は、状態コード 200 と {cards.MEDIA_TYPE} のカードか、"
    "409・422 と application/problem+json を返してください。",
    "en": f"Let endpoints.action answer 200 with a card ({cards.MEDIA_TYPE}), or 409 or 422 with application/problem+json.",
}


def check(bench: Bench) -> Iterator[Line]:
    """The lines for a gadget that declares `endpoints.action`; everything is about a pseudonym of nobody."""
    case = next((case for case in bench.cases() if case.claims), None)
    if bench.manifest.endpoints.action is None or case is None:
        return
    spec = _form(bench, case)
    if spec is None:
        yield not_run(
            NUMBER,
            _TAKES,
            {
                "ja": "どのカードにもフォームがなく、送信を試せませんでした。",
                "en": "No card has a form, so nothing could be sent.",
            },
            {
                "ja": "フォームのあるカードを返すか、endpoints.action を除いてください。",
                "en": "Answer with a card that has a form, or leave `endpoints.action` out.",
            },
        )
    else:
        yield from _twice(bench, case, spec)
    # Whatever the card shows: the endpoint is there, and a forger needs no form.
    body = _body(spec)
    for title, token, remedy in _bad(bench, case, body):
        yield _refuses(bench, title, token, remedy, body)
    yield _replay(bench, case, body)
    _forget(bench, case)


# --- a form, and values for it -------------------------------------------------------------------------------


def _form(bench: Bench, case: Case) -> FormSpec | None:
    """A form of the card of this very person, as it is now; else of any card that was seen."""
    bench.fault(case)
    own = [seen for seen in bench.seen if seen.case.claims == case.claims]
    inputs = [raw for seen in (*reversed(own), *bench.seen) for raw in seen.card.inputs]
    return forms.read(inputs[0]) if inputs else None


def _value(field: FieldSpec) -> forms.Value:
    """One that the field allows; empty where it may be."""
    if field.kind == "boolean":
        return True
    if field.kind == "enum":
        return field.choices[0].value
    if field.kind == "number":
        return int(field.minimum) if field.whole else field.minimum
    if field.kind == "date":
        day = field.earliest or field.latest
        return day.isoformat() if day else "2026-04-10"
    return "検査"[: field.max_length or 2]


def _body(spec: FormSpec | None) -> bytes:
    if spec is None:
        return forms.canonical({"form": "conformance", "values": {}})
    values = {**spec.values, **{field.name: _value(field) for field in spec.fields}}
    return forms.canonical({"form": spec.name, "values": values})


# --- sending -------------------------------------------------------------------------------------------------


def _claims(bench: Bench, case: Case, body: bytes) -> dict[str, Any]:
    url = bench.manifest.endpoints.action or ""
    found = tokens.claims_of(bench.manifest, case, bench.env)
    return {**found, "htm": "POST", "htu": signing.htu(url), "digest": signing.digest(body)}


def _sign(bench: Bench, claims: Mapping[str, Any]) -> str:
    return bench.env.signer.sign(claims, token_type=signing.TOKEN_TYPE)


def _post(bench: Bench, token: str, body: bytes, key: str) -> Answer:
    return bench.env.door.fetch(
        bench.manifest.endpoints.action or "",
        method="POST",
        headers={
            "Authorization": f"Bearer {token}",
            "Accept": f"{cards.MEDIA_TYPE}, application/problem+json",
            "Accept-Language": "ja",
            "Content-Type": "application/json",
            "Idempotency-Key": f'"{key}"',
        },
        body=body,
        deadline=max(min(CALL_SECONDS, bench.until - time.monotonic()), 0.05),
        max_bytes=cards.MAX_BYTES,
        accept=ANY_STATUS,
    )


def _twice(bench: Bench, case: Case, spec: FormSpec) -> Iterator[Line]:
    """The same form under one key, each time with a token of its own, as after a lost answer."""
    body, key = _body(spec), uuid.uuid4().hex
    try:
        first = _post(bench, _sign(bench, _claims(bench, case, body)), body, key)
        kept = _records(bench, case)
        second = _post(bench, _sign(bench, _claims(bench, case, body)), body, key)
    except DoorError as error:
        yield fix(NUMBER, _TAKES, broken(error), _CARD)
        return
    trouble = _no_answer(bench, first)
    if trouble is not None:
        yield fix(NUMBER, _TAKES, trouble, _CARD)
        return
    yield passed(
        NUMBER, _TAKES, {"ja": f"答えました（{first.status}）。", "en": f"Answered ({first.status})."}
    )
    if first.status in NOT_TAKEN:
        yield not_run(
            NUMBER,
            _ONCE,
            {
                "ja": f"検査の作った値が断られたため（{first.status}）、試せませんでした。",
                "en": f"The check's made-up values were refused ({first.status}), so this could not be tried.",
            },
            {
                "ja": "項目の決まり（必須、範囲、選択肢）を、受け取る値のとおりに書いてください。",
                "en": "Let the fields' own rules (required, range, choices) say what you take.",
            },
        )
        return
    told = _differs(first, second, kept, _records(bench, case))
    if told is None:
        yield passed(NUMBER, _ONCE, {"ja": "同じ答えでした。", "en": "The same answer."})
    else:
        yield fix(NUMBER, _ONCE, told, _KEY)


def _no_answer(bench: Bench, answer: Answer) -> Texts | None:
    """What is wrong with the answer to a form; None for a card and for a refusal in words."""
    if answer.status in NOT_TAKEN:
        return None
    if answer.status != 200:
        return answered(answer.status)
    try:
        cards.parse(answer.body, manifest=bench.anywhere)
    except CardError as error:
        return {"ja": error.in_words("ja"), "en": error.in_words("en")}
    return None


def _differs(first: Answer, second: Answer, kept: int | None, after: int | None) -> Texts | None:
    if second.status != first.status:
        return {
            "ja": f"二度目に、状態コード {second.status} が返りました。",
            "en": f"The second time it answered {second.status}.",
        }
    if not compare.same(first.body, second.body):
        where = compare.places(first.body, second.body)
        return {"ja": f"二度目の答えは {where} が違います。", "en": f"The second answer differs in {where}."}
    if kept is not None and after is not None and after > kept:
        return {
            "ja": f"この sub の記録が {kept} 件から {after} 件に増えました。",
            "en": f"The records of this sub went from {kept} to {after}.",
        }
    return None


# --- what is kept of nobody ------------------------------------------------------------------------------------


def _about(bench: Bench, case: Case, kind: str) -> event_wire.Event:
    sub = str(tokens.claims_of(bench.manifest, case, bench.env)["sub"])
    return event_wire.Event(kind, bench.manifest.id, sub, uuid.uuid4().hex)


def _records(bench: Bench, case: Case) -> int | None:
    """How many records the provider says that it keeps of this pseudonym; None when it does not say."""
    if bench.manifest.endpoints.events is None:
        return None
    try:
        return events.tell(bench, _about(bench, case, event_wire.ERASURE_CHECK)).records
    except (DoorError, EventAnswerError):
        return None


def _forget(bench: Bench, case: Case) -> None:
    """What the checks sent is taken back where the provider takes events."""
    if bench.manifest.endpoints.events is None:
        return
    try:
        events.tell(bench, _about(bench, case, event_wire.ERASURE))
    except (DoorError, EventAnswerError):
        return  # the lines of the events say so


# --- what must be refused --------------------------------------------------------------------------------------


def _bad(bench: Bench, case: Case, body: bytes) -> Iterator[tuple[Texts, str, Texts]]:
    """Each is wrong in one point only."""
    for title, remedy, change in (
        (
            {"ja": "本文と違う digest のフォームを断る", "en": "Refuses a form with another digest"},
            {
                "ja": "本文を読む前に、digest が本文の SHA-256（base64url）と同じことを確かめてください。",
                "en": "Before you read the body, compare `digest` with its SHA-256 (base64url).",
            },
            {"digest": signing.digest(body + b" ")},
        ),
        (
            {"ja": "digest のないフォームを断る", "en": "Refuses a form without a digest"},
            {
                "ja": "digest のないトークンには 401 を返してください。",
                "en": "Answer 401 when there is no `digest`.",
            },
            {"digest": None},
        ),
        (
            {"ja": "カード用のトークンをフォームとして断る", "en": "Refuses a card's token for a form"},
            {"ja": "htm が POST であることを確かめてください。", "en": "Check that `htm` is POST."},
            {"htm": "GET"},
        ),
        (
            {"ja": "別のアドレスあてのフォームを断る", "en": "Refuses a form for another address"},
            {
                "ja": "htu が endpoints.action と同じことを確かめてください。",
                "en": "Check that `htu` is endpoints.action.",
            },
            {"htu": signing.htu(bench.manifest.endpoints.card or "")},
        ),
    ):
        claims = {**_claims(bench, case, body), **change}
        yield (
            title,
            _sign(bench, {name: value for name, value in claims.items() if value is not None}),
            remedy,
        )
    for bad in tokens.bad(bench.manifest, case, bench.env, base=_claims(bench, case, body)):
        if bad.anywhere:
            yield (
                {"ja": f"フォーム: {bad.title['ja']}", "en": f"Form: {bad.title['en']}"},
                bad.token,
                bad.remedy,
            )


def _refuses(bench: Bench, title: Texts, token: str, remedy: Texts, body: bytes) -> Line:
    try:
        got = _post(bench, token, body, uuid.uuid4().hex).status
    except DoorError as error:
        return fix(NUMBER, title, broken(error), remedy)
    if got in REFUSED:
        return passed(NUMBER, title, {"ja": f"断りました（{got}）。", "en": f"Refused ({got})."})
    return fix(NUMBER, title, answered(got), remedy)


def _replay(bench: Bench, case: Case, body: bytes) -> Line:
    title = {"ja": "フォーム: トークンの二度目の使用を断る", "en": "Form: refuses a replayed token"}
    remedy = {
        "ja": "jti を有効期限まで覚え、同じトークンの二度目には、鍵（Idempotency-Key）が同じでも 401 を返してください。",
        "en": "Remember `jti` until `exp` and answer 401 to the second use, also with the same Idempotency-Key.",
    }
    token, key = _sign(bench, _claims(bench, case, body)), uuid.uuid4().hex
    try:
        first = _post(bench, token, body, key).status
        second = _post(bench, token, body, key).status
    except DoorError as error:
        return fix(NUMBER, title, broken(error), remedy)
    if first in REFUSED - {400}:
        return fix(
            NUMBER, title, {"ja": "一度目が断られました。", "en": "The first use was refused."}, remedy
        )
    if second in REFUSED:
        return passed(NUMBER, title, {"ja": f"断りました（{second}）。", "en": f"Refused ({second})."})
    return fix(NUMBER, title, answered(second), remedy)
