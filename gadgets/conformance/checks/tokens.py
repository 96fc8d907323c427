"""Check 3: a good request token is accepted, each bad one refused, and a good one only once."""

from collections.abc import Iterator

from core.texts import Texts
from gadgets.conformance.bench import REFUSED, Bench, answered
from gadgets.conformance.checks import request_tokens as tokens
from gadgets.errors import DoorError
from gadgets.protocol.conformance_lines import Line, broken, fix, passed


def check(bench: Bench) -> Iterator[Line]:
    case = bench.cases()[0]
    good = tokens.good(bench.manifest, case, bench.env)
    yield _accepts(bench, good)
    for bad in tokens.bad(bench.manifest, case, bench.env):
        yield _refuses(bench, bad.title, bad.token, bad.remedy)
    replay = tokens.good(bench.manifest, case, bench.env)
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


def _status(bench: Bench, token: str) -> int | DoorError:
    try:
        return bench.call(token).status
    except DoorError as error:
        return error


def _accepts(bench: Bench, token: str) -> Line:
    title = {"ja": "正しいトークンを受け入れる", "en": "Accepts a good token"}
    got = _status(bench, token)
    if got == 200:
        return passed(3, title, {"ja": "受け入れました。", "en": "Accepted."})
    told = broken(got) if isinstance(got, DoorError) else answered(got)
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


def _refuses(bench: Bench, title: Texts, token: str, remedy: Texts) -> Line:
    got = _status(bench, token)
    if isinstance(got, DoorError):
        return fix(3, title, broken(got), remedy)
    if got in REFUSED:
        return passed(3, title, {"ja": f"断りました（{got}）。", "en": f"Refused ({got})."})
    return fix(3, title, answered(got), remedy)
