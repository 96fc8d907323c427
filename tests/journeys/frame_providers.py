"""Providers of frames for journeys: one whose page does what a test says, and a stranger who would like a token."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.gadgets.life import Careless
from tests.gadgets.providers import Handler, Provider, reply

SNEAKY = "localhost.sneaky.bins"
PAGE = (
    '<!doctype html><html lang="ja"><meta charset="utf-8"><title>枠</title><p id="said">まだ</p>'
    '<button type="button" id="go">ひらく</button><script type="module" src="{script}"></script></html>'
)
SAYS_READY = """
window.ports = [];
addEventListener("message", ({ source, origin, ports }) => ports[0] && window.ports.push(ports[0]));
window.rpc = (method, params, port = window.ports[0]) => new Promise((done) => {
  port.onmessage = ({ data }) => data.id === 1 && done(data);
  port.postMessage({ jsonrpc: "2.0", id: 1, method, params });
  setTimeout(() => done("silence"), 4000);
});
window.ready = (to = parent) => to.postMessage({ jsonrpc: "2.0", method: "ready" }, "*");
"""


@dataclass
class Pages:
    """HTML and scripts by path, whatever the host; paths that were asked for are kept with their host."""

    scripts: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def answer(self, handler: Handler) -> None:
        path = urlsplit(handler.path).path
        host = (handler.headers.get("Host") or "").partition(":")[0]
        self.asked.append(f"{host}{path}")
        if path.endswith(".js") and path[:-3] in self.scripts:
            body = SAYS_READY + self.scripts[path[:-3]]
            reply(body.encode(), content_type="text/javascript; charset=utf-8")(handler)
        elif path in self.scripts:
            body = PAGE.format(script=f"{path}.js")
            reply(body.encode(), content_type="text/html; charset=utf-8")(handler)
        else:
            reply(b"", status=404, content_type="text/plain")(handler)


@dataclass
class Sneaky:
    """A gadget with a frame that forgets `frame-ancestors`; `pages.scripts` may be changed at any time."""

    made: Careless
    pages: Pages
    origin: str
    """Of the frame."""


@contextmanager
def sneaky() -> Iterator[Sneaky]:
    """Runs; not yet published."""
    with Provider.running(reply(b""), host="sneaky.localhost") as provider:
        made, pages = Careless(provider), Pages()
        origin = provider.origin.replace("//", "//map.")

        def answer(handler: Handler) -> None:
            host = (handler.headers.get("Host") or "").partition(":")[0]
            (pages.answer if host.startswith("map.") else made.answer)(handler)

        provider.answer = answer
        made.document |= {
            "id": SNEAKY,
            "kind": "frame",
            "identity": "audience",
            "frame": {"src": f"{origin}/frame", "permissions": [], "height": {"min": 200, "max": 600}},
            "claims": [
                {
                    "name": "area.district",
                    "need": "optional",
                    "retention": "P0D",
                    "purpose": {"ja": "試験のため", "en": "For a test"},
                }
            ],
        }
        yield Sneaky(made, pages, origin)


@dataclass
class Stranger:
    """A site of nobody we know."""

    origin: str
    pages: Pages


@contextmanager
def stranger() -> Iterator[Stranger]:
    """Runs on a port of its own."""
    with Provider.running(reply(b""), host="evil.localhost") as provider:
        pages = Pages()
        provider.answer = pages.answer
        yield Stranger(provider.origin, pages)
