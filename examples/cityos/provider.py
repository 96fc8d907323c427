"""The City OS as a program: the broker for the portal, and the files of two gadgets for everybody.

In a city these are two things: the broker stands inside, and the files lie on any web server. Only the address of
the origin is written into the files when they are served.
"""

import signal
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from examples.cityos import entities
from examples.cityos.broker import Broker
from examples.kit.config import JST, Config
from examples.kit.web import HTML, JSON, Request, Response, Server, Site
from examples.river import record

FILES = Path(__file__).parent / "files"
GADGETS = ("river-near-you.json", "library-near-you.json")
PATHS = {
    "/.well-known/region-gadget.json": ("region-gadget.json", JSON),
    **{f"/{name}": (name, JSON) for name in GADGETS},
    "/privacy": ("privacy.html", HTML),
    "/": ("privacy.html", HTML),
}


class CityOs:
    """A running City OS; `broker.fault` may be changed at any time."""

    def __init__(self, config: Config) -> None:
        self.config = config
        stations, libraries = record.load(), entities.libraries()

        def held() -> Sequence[entities.Entity]:
            return [*entities.levels(stations, self.now()), *libraries]

        self.broker = Broker(held, fault=config.fault)
        self.site = Site()
        self.site.route("GET", "/ngsi-ld/v1/entities", self.broker.answer)
        self.site.route("GET", "/g/health", lambda _: Response("ok\n", content_type="text/plain"))
        for path, (name, content_type) in PATHS.items():
            self.site.route("GET", path, self._file(name, content_type))

    def now(self) -> datetime:
        """The time, or the time that a test set."""
        return self.config.now or datetime.now(JST)

    def _file(self, name: str, content_type: str) -> Callable[[Request], Response]:
        text = (FILES / name).read_text(encoding="utf-8")
        text = text.replace("https://cityos.example", self.config.public_origin)
        text = text.replace("example.cityos.", self.config.gadget_id(""))
        return lambda _: Response(text, content_type=content_type)

    def serve(self) -> None:
        """Runs until the process is told to stop."""
        server = Server(self.site, self.config.port)
        signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
        print(f"cityos: {self.config.public_origin} on port {server.port}", flush=True)
        try:
            server.serve_forever(poll_interval=0.2)
        except KeyboardInterrupt:
            pass
        finally:
            server.server_close()


def build(config: Config) -> CityOs:
    """The City OS, ready to serve."""
    return CityOs(config)
