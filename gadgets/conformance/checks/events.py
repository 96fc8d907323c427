"""Check 14: a gadget that takes events answers each of them, does an erasure once, and refuses what is forged."""

import time
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from core.texts import Texts
from gadgets.cards import signing
from gadgets.conformance.bench import REFUSED, Bench
from gadgets.conformance.checks import request_tokens as tokens
from gadgets.conformance.environment import CALL_SECONDS
from gadgets.errors import DoorError, EventAnswerError
from gadgets.protocol.conformance_lines import Line, broken, fix, passed
from gadgets.protocol.manifest import Manifest
from gadgets.webhooks import event_wire
from gadgets.webhooks.event_wire import Event, Told

NUMBER = 14
DRY_RUN_SECONDS = 3.0
ANSWERED: Texts = {
    "ja": "endpoints.events で POST（application/jwt）を受け取り、署名・iss・aud・typ・exp が正しければ 204、"
    'または {"records": 件数, "kept": []} を返してください。',
    "en": "Take a POST (application/jwt) at endpoints.events and, when signature, iss, aud, typ and exp are right, "
    'answer 204 or {"records": n, "kept": []}.',
}
_TITLES: Mapping[str, Texts] = {
    event_wire.ERASURE_CHECK: {
        "ja": "消去の下調べに答える",
        "en": "Answers the dry run of an erasure",
    },
    event_wire.WITHDRAWN: {"ja": "同意の取り消しに答える", "en": "Answers a withdrawal of consent"},
    event_wire.SESSION_ENDED: {
        "ja": "サインアウトの知らせに答える",
        "en": "Answers the end of a session",
    },
    event_wire.ERASURE: {"ja": "消去の依頼に答える", "en": "Answers an erasure"},
}


def check(bench: Bench) -> Iterator[Line]:
    """The lines for a gadget that knows residents by a pseudonym."""
    manifest = bench.manifest
    if manifest.endpoints.events is None:
        yield passed(
            NUMBER,
            {"ja": "出来事の知らせ", "en": "Events"},
            {
                "ja": "endpoints.events がありません。取り消しや消去を伝えられないことが、住民に表示されます。",
                "en": "No endpoints.events: residents read that this service cannot be told of withdrawal or erasure.",
            },
        )
        return
    for kind in _TITLES:
        yield _answers(bench, kind)
    yield _retries(bench)
    for title, token, remedy in _bad(bench):
        yield _refuses(bench, title, token, remedy)
    yield from _replay(bench)


def _event(manifest: Manifest, kind: str, txn: str = "") -> Event:
    """About nobody: the checks must not touch what a provider keeps of a real resident."""
    nobody = str(uuid.uuid5(uuid.NAMESPACE_URL, f"conformance:{manifest.id}:nobody"))
    items = tuple(claim.name for claim in manifest.claims)[:1] if kind == event_wire.WITHDRAWN else ()
    return Event(kind, manifest.id, nobody, txn or uuid.uuid4().hex, items)


def _seconds(kind: str, until: float) -> float:
    longest = DRY_RUN_SECONDS if kind == event_wire.ERASURE_CHECK else CALL_SECONDS
    return max(min(longest, until - time.monotonic()), 0.05)


def _mint(bench: Bench, event: Event) -> str:
    claims = event_wire.claims(event, now=datetime.now(UTC), issuer=bench.env.issuer)
    return bench.env.signer.sign(claims, token_type=event_wire.TOKEN_TYPE)


def tell(bench: Bench, event: Event) -> Told:
    """Sends one event; raises DoorError or EventAnswerError."""
    return event_wire.post(
        bench.manifest.endpoints.events or "",
        _mint(bench, event),
        kind=event.kind,
        deadline=_seconds(event.kind, bench.until),
        through=bench.env.door,
    )


def _answers(bench: Bench, kind: str) -> Line:
    title = _TITLES[kind]
    try:
        told = tell(bench, _event(bench.manifest, kind))
    except DoorError as error:
        return fix(NUMBER, title, broken(error), ANSWERED)
    except EventAnswerError as error:
        return fix(NUMBER, title, _words(error), ANSWERED)
    if told.records:
        return fix(
            NUMBER,
            title,
            {
                "ja": f"誰のものでもない sub に、記録が {told.records} 件あると答えました。",
                "en": f"It keeps {told.records} records of a sub that is nobody's.",
            },
            {
                "ja": "知らせの sub と同じ sub の記録だけを数え、消してください。",
                "en": "Count and delete the records of the event's sub only.",
            },
        )
    return passed(NUMBER, title, {"ja": "答えました。", "en": "Answered."})


def _words(error: EventAnswerError) -> Texts:
    return {"ja": error.in_words("ja"), "en": error.in_words("en")}


def _retries(bench: Bench) -> Line:
    """The portal tries again when an answer was lost: the same `txn` under a token of its own."""
    title = {"ja": "もう一度届いた消去の依頼に、同じ答えを返す", "en": "Answers an erasure that comes again"}
    event = _event(bench.manifest, event_wire.ERASURE)
    try:
        first, second = (tell(bench, event) for _ in range(2))
    except DoorError as error:
        told = broken(error)
    except EventAnswerError as error:
        told = _words(error)
    else:
        if first == second:
            return passed(NUMBER, title, {"ja": "同じ答えでした。", "en": "The same answer."})
        told = {"ja": "二度目の答えが違いました。", "en": "The second answer is another one."}
    return fix(
        NUMBER,
        title,
        told,
        {
            "ja": "txn が同じなら、jti が新しくても断らず、一度目と同じ答えを返してください。",
            "en": "With the same txn and a new jti, do not refuse: give the first answer again.",
        },
    )


def _claims(bench: Bench, now: datetime) -> dict[str, Any]:
    return event_wire.claims(_event(bench.manifest, event_wire.ERASURE), now=now, issuer=bench.env.issuer)


def _bad(bench: Bench) -> Iterator[tuple[Texts, str, Texts]]:
    """Each is wrong in one point only."""
    now = datetime.now(UTC)
    manifest, signer = bench.manifest, bench.env.signer
    past = int(now.timestamp()) - 600
    for title, remedy, change, token_type in (
        (
            {"ja": "期限切れの知らせを断る", "en": "Refuses an expired event"},
            {"ja": "exp を過ぎた知らせには 401 を返してください。", "en": "Answer 401 after `exp`."},
            {"iat": past, "exp": past + event_wire.TOKEN_SECONDS},
            event_wire.TOKEN_TYPE,
        ),
        (
            {"ja": "別のサービスあての知らせを断る", "en": "Refuses an event for another gadget"},
            {
                "ja": f"aud が {manifest.id} であることを確かめてください。",
                "en": f"Check that `aud` is {manifest.id}.",
            },
            {"aud": "example.other.gadget"},
            event_wire.TOKEN_TYPE,
        ),
        (
            {"ja": "カード用のトークンを知らせとして断る", "en": "Refuses a request token as an event"},
            {
                "ja": f"typ が {event_wire.TOKEN_TYPE} であることを確かめてください。",
                "en": f"Check that `typ` is {event_wire.TOKEN_TYPE}.",
            },
            {},
            signing.TOKEN_TYPE,
        ),
    ):
        yield title, signer.sign({**_claims(bench, now), **change}, token_type=token_type), remedy
    yield (
        {"ja": "署名のない知らせを断る", "en": "Refuses an unsigned event"},
        tokens.unsigned(_claims(bench, now), token_type=event_wire.TOKEN_TYPE),
        {"ja": "alg は ES256 だけを受け入れてください。", "en": "Accept ES256 only."},
    )
    yield (
        {"ja": "知らない鍵の知らせを断る", "en": "Refuses an event signed by an unknown key"},
        tokens.foreign(_claims(bench, now), token_type=event_wire.TOKEN_TYPE, kid=signer.kid),
        {
            "ja": "ポータルの /.well-known/jwks.json にある鍵だけを使って確かめてください。",
            "en": "Verify with the keys of the portal's /.well-known/jwks.json only.",
        },
    )


def _status(bench: Bench, token: str) -> int | DoorError:
    try:
        answer = bench.env.door.fetch(
            bench.manifest.endpoints.events or "",
            method="POST",
            headers={"Content-Type": event_wire.MEDIA_TYPE},
            body=token.encode(),
            deadline=_seconds(event_wire.ERASURE, bench.until),
            max_bytes=event_wire.ANSWER_BYTES,
            accept=range(100, 600),
        )
    except DoorError as error:
        return error
    return answer.status


def _refuses(bench: Bench, title: Texts, token: str, remedy: Texts) -> Line:
    got = _status(bench, token)
    if isinstance(got, DoorError):
        return fix(NUMBER, title, broken(got), remedy)
    if got in REFUSED:
        return passed(NUMBER, title, {"ja": f"断りました（{got}）。", "en": f"Refused ({got})."})
    told = {"ja": f"状態コード {got} が返りました。", "en": f"It answered {got}."}
    return fix(NUMBER, title, told, remedy)


def _replay(bench: Bench) -> Iterator[Line]:
    title = {"ja": "同じ知らせの二度目の使用を断る", "en": "Refuses a replayed event"}
    remedy = {
        "ja": "jti を有効期限まで覚え、同じトークンの二度目には 401 を返してください。",
        "en": "Remember `jti` until `exp` and answer 401 to the second use.",
    }
    token = _mint(bench, _event(bench.manifest, event_wire.ERASURE_CHECK))
    if _status(bench, token) not in (200, 204):
        yield fix(NUMBER, title, {"ja": "一度目が断られました。", "en": "The first use was refused."}, remedy)
    else:
        yield _refuses(bench, title, token, remedy)
