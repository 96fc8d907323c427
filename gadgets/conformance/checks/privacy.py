"""Check 13: the provider's privacy page is there, public, and says something."""

from collections.abc import Iterator
from html.parser import HTMLParser

from gadgets.conformance.environment import CALL_SECONDS, Environment
from gadgets.errors import DoorError
from gadgets.protocol.conformance_lines import Line, broken, fix, passed
from gadgets.protocol.manifest import Manifest

MAX_BYTES = 2 * 1024 * 1024
HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})
FEWEST_CHARACTERS = 20
_UNSEEN = frozenset({"script", "style", "head", "template", "noscript"})

_REMEDY = {
    "ja": "provider.privacy に、誰でも開ける https のページ（text/html）のアドレスを、転送なしの形で書き、"
    "何を、何のために、どれだけの間使うかを載せてください。",
    "en": "Let `provider.privacy` be the final https address of a page (text/html) that everybody can open, "
    "and say there what is used, what for and for how long.",
}


class _Text(HTMLParser):
    """The text that a reader sees."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self._unseen += tag in _UNSEEN

    def handle_endtag(self, tag: str) -> None:
        self._unseen -= tag in _UNSEEN and self._unseen > 0

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.found.append(data)


def visible(html: str) -> str:
    """What a reader sees of a page, without its scripts, styles and head."""
    reader = _Text()
    reader.feed(html)
    reader.close()
    return " ".join(" ".join(reader.found).split())


def check(parsed: Manifest, env: Environment) -> Iterator[Line]:
    title = {"ja": "プライバシーのページ", "en": "Privacy page"}
    url = parsed.provider.privacy
    try:
        answer = env.door.fetch(
            url,
            headers={"Accept": "text/html"},
            deadline=CALL_SECONDS,
            max_bytes=MAX_BYTES,
            content_types=HTML_TYPES,
        )
    except DoorError as error:
        yield fix(13, title, broken(error), _REMEDY)
        return
    length = len(visible(answer.body.decode("utf-8", "replace")))
    if length < FEWEST_CHARACTERS:
        yield fix(
            13,
            title,
            {
                "ja": f"{url} に、読める文がほとんどありません（{length} 文字）。",
                "en": f"{url} says next to nothing ({length} characters).",
            },
            _REMEDY,
        )
        return
    yield passed(13, title, {"ja": f"{url} を開けました。", "en": f"{url} can be read."})
