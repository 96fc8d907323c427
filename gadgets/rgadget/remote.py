"""`rgadget submit` and `rgadget status`: talks to a portal's `/api/provider/` with a key made in its console."""

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from gadgets.conformance import Line
from gadgets.outbound.http import Door
from gadgets.rgadget.out import Exit, Out, ToolError
from gadgets.rgadget.subject import fetched, from_file

KEY_VARIABLE = "RGADGET_API_KEY"
CALL_SECONDS = 20.0
ANSWER_BYTES = 1024 * 1024
KEY_BYTES = 1024
POLL_SECONDS = 2.0
CHECK_SECONDS = 180.0

_STATES: Mapping[str, Mapping[str, str]] = {
    "draft": {"ja": "準備中", "en": "draft"},
    "checked": {"ja": "検査に合格", "en": "checked"},
    "in_review": {"ja": "審査中", "en": "in review"},
    "refused": {"ja": "差し戻し", "en": "sent back"},
    "published": {"ja": "公開中", "en": "published"},
    "suspended": {"ja": "停止中", "en": "suspended"},
    "retired": {"ja": "終了", "en": "retired"},
}


class RefusalError(ToolError):
    """The portal said no; `reason` is its code."""

    def __init__(self, reason: str, detail: str, remedy: str) -> None:
        super().__init__(Exit.FIX, {"ja": detail, "en": detail}, {"ja": remedy, "en": remedy})
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Remote:
    """A portal, and the key that it gave to this organisation."""

    portal: str
    key: str
    language: str
    door: Door

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The answer's document; raises RefusalError with the portal's own words, or DoorError."""
        raw = None if body is None else json.dumps(body).encode()
        answer = self.door.fetch(
            f"{self.portal}/api/provider/{path}",
            method=method,
            headers={
                "Authorization": f"Bearer {self.key}",
                "Accept": "application/json",
                "Accept-Language": self.language,
                **({"Content-Type": "application/json"} if raw is not None else {}),
            },
            body=raw,
            deadline=CALL_SECONDS,
            max_bytes=ANSWER_BYTES,
            accept=range(100, 600),
        )
        try:
            document = json.loads(answer.body)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise ToolError(
                Exit.AWAY,
                {
                    "ja": f"{self.portal} の応答を読めません（状態コード {answer.status}）。",
                    "en": f"The answer of {self.portal} cannot be read (status {answer.status}).",
                },
                {
                    "ja": "--portal のアドレスが、ポータルのものかを確かめてください。",
                    "en": "See whether --portal is a portal's address.",
                },
            )
        if answer.status >= 400:
            raise _refusal(document)
        return document

    def gadget(self, gadget_id: str) -> str:
        return f"gadgets/{quote(gadget_id, safe='')}"


def _refusal(document: Mapping[str, Any]) -> RefusalError:
    problems = document.get("problems") or [document]
    told = [f"{one.get('place', '')} {one.get('detail', '')}".strip() for one in problems]
    remedies = [str(one.get("remedy", "")) for one in problems]
    return RefusalError(str(document.get("code", "")), "\n".join(told), "\n".join(remedies))


def key_from(path: str) -> str:
    """The key, from a file or the environment: never from the command line, where every user could read it."""
    found = (
        from_file(Path(path), KEY_BYTES).decode("ascii", "replace")
        if path
        else os.environ.get(KEY_VARIABLE, "")
    )
    words = found.strip()
    if words and words.isascii() and words.isprintable():
        return words
    raise ToolError(
        Exit.USAGE,
        {"ja": "ポータルの鍵がありません。", "en": "There is no key for the portal."},
        {
            "ja": f"ポータルの提供者のページで鍵を作り、環境変数 {KEY_VARIABLE} か --key-file のファイルに入れてください。",
            "en": f"Make a key in the portal's console and put it into {KEY_VARIABLE} or a file named by --key-file.",
        },
    )


def submit(out: Out, remote: Remote, url: str) -> Exit:
    """Registers the manifest, waits for the checks, and hands it in when every one passes."""
    gadget_id = fetched(url, remote.door).parsed().id
    try:
        state = remote.call("POST", "gadgets", {"url": url})
    except RefusalError as error:
        if error.reason != "not_newer":
            raise
        state = _again(remote, gadget_id)
    out.say(
        f"{gadget_id} を登録しました。検査を待っています。",
        f"Registered {gadget_id}; waiting for the checks.",
    )
    until = time.monotonic() + CHECK_SECONDS
    while not state["checks"] or state["checks"]["state"] != "done":
        if time.monotonic() > until:
            raise ToolError(
                Exit.AWAY,
                {"ja": "検査がまだ終わりません。", "en": "The checks have not ended yet."},
                {
                    "ja": f"あとで rgadget status {gadget_id} を実行してください。",
                    "en": f"Later: rgadget status {gadget_id}",
                },
            )
        time.sleep(POLL_SECONDS)
        state = remote.call("GET", remote.gadget(gadget_id))
    if not state["checks"]["ok"]:
        return tell(out, state)
    if state["draft"] and state["draft"]["state"] == "checked":
        state = remote.call("POST", f"{remote.gadget(gadget_id)}/submit", {})
    return tell(out, state)


def _again(remote: Remote, gadget_id: str) -> dict[str, Any]:
    """The same bytes were filed before: what failed then is checked once more."""
    state = remote.call("GET", remote.gadget(gadget_id))
    draft, run = state["draft"], state["checks"]
    if draft and draft["state"] in ("draft", "refused") and (run is None or run["state"] == "done"):
        return remote.call("POST", f"{remote.gadget(gadget_id)}/check", {})
    return state


def status(out: Out, remote: Remote, gadget_id: str) -> Exit:
    """Where it stands, each line that is to fix, and the thread."""
    return tell(out, remote.call("GET", remote.gadget(gadget_id)))


def tell(out: Out, state: Mapping[str, Any]) -> Exit:
    """Prints a state; FIX when a check fails or the reviewer sent it back."""
    draft, run = state["draft"], state["checks"]
    out.say(f"{state['id']}: {_word(out, state['state'])}", f"{state['id']}: {_word(out, state['state'])}")
    if state["published"]:
        out.say(f"  公開中の版 {state['published']}", f"  published {state['published']}")
    if draft:
        word = _word(out, draft["state"])
        out.say(f"  準備中の版 {draft['version']}: {word}", f"  on its way {draft['version']}: {word}")
    for line in run["lines"] if run else ():
        if line["ok"] is not True:
            texts = {name: {"ja": line[name]} for name in ("title", "message", "remedy")}
            out.line(
                Line(
                    line["number"], texts["title"], line["ok"], texts["message"],
                    texts["remedy"] if line["remedy"] else {},
                )
            )  # fmt: skip
    for note in state["thread"]:
        if note["words"]:
            out.say(f"  {note['at']}: {note['words']}", f"  {note['at']}: {note['words']}")
    failed = bool(run and run["ok"] is False)
    return Exit.FIX if failed or (draft and draft["state"] == "refused") else Exit.GOOD


def _word(out: Out, state: str) -> str:
    return out.pick(_STATES.get(state, {"ja": state}))
