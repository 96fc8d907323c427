"""Check 12: the page of a frame stands on an origin of its own, lets the portal frame it, and runs no text as code."""

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from gadgets.conformance import frame_browser
from gadgets.conformance.environment import CALL_SECONDS, Environment
from gadgets.errors import DoorError
from gadgets.outbound.http import Answer
from gadgets.protocol.conformance_lines import Line, broken, fix, passed
from gadgets.protocol.manifest import Manifest, origin_of
from gadgets.types import FrameSpec

NUMBER = 12
MAX_BYTES = 2 * 1024 * 1024
_WIDE = frozenset({"*", "http:", "https:"})
Policy = Mapping[str, tuple[str, ...]]


def check(parsed: Manifest, env: Environment) -> Iterator[Line]:
    """The lines of a gadget with a frame; what can be read from headers first, then what a browser shows."""
    if parsed.frame is None:
        return
    yield _apart(parsed.frame, env)
    title = {"ja": "枠のページが開く", "en": "The frame's page is there"}
    try:
        answer = env.door.fetch(
            parsed.frame.src,
            headers={"Accept": "text/html"},
            deadline=CALL_SECONDS,
            max_bytes=MAX_BYTES,
            content_types={"text/html"},
        )
    except DoorError as error:
        yield fix(
            NUMBER,
            title,
            broken(error),
            {
                "ja": "frame.src で、状態コード 200 と text/html のページを、転送なしに返してください。",
                "en": "Answer 200 with a page (text/html) at `frame.src`, without a redirect.",
            },
        )
        return
    yield passed(
        NUMBER, title, {"ja": f"{parsed.frame.src} を開けました。", "en": f"{parsed.frame.src} is there."}
    )
    policies = policies_of(answer)
    yield _ancestors(policies, origin_of(env.portal))
    yield from _older_header(answer)
    yield _no_eval(policies)
    yield from frame_browser.check(parsed.frame, env)


def _apart(frame: FrameSpec, env: Environment) -> Line:
    """`allow-same-origin` is right only where nobody else lives on that origin."""
    title = {"ja": "枠だけのオリジン", "en": "An origin of its own"}
    origin = origin_of(frame.src)
    if origin == origin_of(env.portal) or origin in env.others:
        host = urlsplit(origin).hostname or ""
        return fix(
            NUMBER,
            title,
            {
                "ja": f"{origin} は、ポータルまたは別のサービスも使っています。",
                "en": f"{origin} is the portal's or another gadget's too.",
            },
            {
                "ja": f"frame.src を、このサービスだけのホスト名（例: map.{host}）に移してください。",
                "en": f"Move `frame.src` to a host name that only this gadget has, such as map.{host}.",
            },
        )
    return passed(
        NUMBER,
        title,
        {"ja": f"{origin} は、このサービスだけのものです。", "en": f"{origin} is this gadget's alone."},
    )


def policies_of(answer: Answer) -> list[Policy]:
    """The content security policies of an answer; several hold together."""
    header = answer.headers.get("content-security-policy", "")
    found: list[Policy] = []
    for policy in header.split(","):
        directives: dict[str, tuple[str, ...]] = {}
        for directive in policy.split(";"):
            words = directive.split()
            if words:
                directives.setdefault(words[0].lower(), tuple(words[1:]))
        if directives:
            found.append(directives)
    return found


def _ancestors(policies: list[Policy], portal: str) -> Line:
    title = {"ja": "このポータルだけが枠に入れられる", "en": "frame-ancestors names us"}
    named = [policy["frame-ancestors"] for policy in policies if "frame-ancestors" in policy]
    remedy = {
        "ja": f"frame.src の応答に、Content-Security-Policy: frame-ancestors {portal} を付けてください。",
        "en": f"Send `Content-Security-Policy: frame-ancestors {portal}` with the answer at `frame.src`.",
    }
    if not named:
        return fix(
            NUMBER,
            title,
            {"ja": "frame-ancestors がありません。", "en": "There is no frame-ancestors."},
            remedy,
        )
    lower = [tuple(word.lower().rstrip("/") for word in words) for words in named]
    wide = sorted({word for words in lower for word in words if word in _WIDE or word.endswith("//*")})
    if wide or not all(portal in words for words in lower):
        said = "; ".join(" ".join(words) or "-" for words in named)
        return fix(
            NUMBER,
            title,
            {
                "ja": f"frame-ancestors が「{said}」です。" + ("だれでも枠に入れられます。" if wide else ""),
                "en": f"frame-ancestors is {said!r}." + (" Anybody may frame it." if wide else ""),
            },
            remedy,
        )
    return passed(NUMBER, title, {"ja": f"{portal} を許しています。", "en": f"It names {portal}."})


def _older_header(answer: Answer) -> Iterator[Line]:
    """X-Frame-Options knows no other site: every value of it contradicts `frame-ancestors` where it is read."""
    if said := answer.headers.get("x-frame-options", ""):
        yield fix(
            NUMBER,
            {"ja": "X-Frame-Options がない", "en": "No X-Frame-Options"},
            {"ja": f"X-Frame-Options: {said} があります。", "en": f"It sends X-Frame-Options: {said}."},
            {
                "ja": "X-Frame-Options を除いてください。枠に入れられる相手は frame-ancestors だけで決めます。",
                "en": "Drop X-Frame-Options: `frame-ancestors` alone says who may frame it.",
            },
        )


def _no_eval(policies: list[Policy]) -> Line:
    """Some policy forbids text as code: it rules scripts, and does not let `eval` through."""
    title = {"ja": "文字列をコードとして実行しない", "en": "No unsafe-eval"}
    ruling = [
        policy.get("script-src", policy.get("default-src"))
        for policy in policies
        if "script-src" in policy or "default-src" in policy
    ]
    if any("'unsafe-eval'" not in [word.lower() for word in words or ()] for words in ruling):
        return passed(NUMBER, title, {"ja": "eval は使えません。", "en": "eval is forbidden."})
    return fix(
        NUMBER,
        title,
        {
            "ja": "script-src に 'unsafe-eval' があります。"
            if ruling
            else "script-src も default-src もありません。",
            "en": "script-src has 'unsafe-eval'."
            if ruling
            else "There is neither script-src nor default-src.",
        },
        {
            "ja": "Content-Security-Policy に script-src 'self' のように書き、'unsafe-eval' を除いてください。",
            "en": "Write `script-src 'self'` or the like into Content-Security-Policy, without 'unsafe-eval'.",
        },
    )
