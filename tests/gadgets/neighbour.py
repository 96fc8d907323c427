"""Another region's portal as far as this one reads it: what it says of itself, its keys, its feed, its packages."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from joserfc.jwk import ECKey

from examples.kit.web import JSON, Response, Server, Site
from gadgets.protocol import package
from gadgets.protocol.conformance_lines import passed

CODE = "372021"
MADE = datetime(2026, 4, 1, tzinfo=UTC)
REPORT = (passed(1, {"ja": "書き方", "en": "Schema"}, {"ja": "正しい", "en": "Valid"}),)


class Neighbour:
    """`said`, `key_set`, `feed` and `packages` may be changed at any time."""

    def __init__(self, site: Site, port: int) -> None:
        self.site = site
        self.origin = f"http://portal.neighbour.localhost:{port}"
        self.key = ECKey.generate_key("P-256")
        self.said: dict[str, Any] = {
            "region": CODE,
            "name": {"ja": "となりの窓口", "en": "Next door"},
            "portal": self.origin,
            "jwks_uri": f"{self.origin}/.well-known/jwks.json",
        }
        self.key_set: Any = keys_of(self.key)
        self.feed: dict[str, Any] = {
            "feed": "1.0",
            "region": CODE,
            "portal": self.origin,
            "made": MADE.isoformat(),
            "gadgets": [],
        }
        self.packages: dict[str, bytes] = {}

    def offer(self, raw: bytes, url: str, *, key: ECKey | None = None, region: str = CODE) -> None:
        """Puts a gadget into the feed, with its package signed by this region."""
        document = package.build(
            raw=raw, url=url, report=REPORT, made=MADE, region=region, portal=self.origin
        )
        manifest = json.loads(raw)
        gadget_id = manifest["id"]
        self.packages[gadget_id] = package.sign(document, key or self.key)
        self.site.route(
            "GET",
            f"/gadgets/{gadget_id}/package.rgadget",
            lambda _: Response(self.packages[gadget_id].decode(), 200, package.MEDIA_TYPE),
        )
        self.feed["gadgets"] = [
            {
                **{
                    name: manifest[name] for name in ("id", "version", "title", "summary", "category", "kind")
                },
                "identity": manifest["identity"],
                "regions": manifest["regions"],
                "provider": manifest["provider"]["name"],
                "package": f"{self.origin}/gadgets/{gadget_id}/package.rgadget",
            }
        ]


def keys_of(*keys: ECKey) -> dict[str, Any]:
    return {
        "keys": [
            {**key.as_dict(private=False), "kid": key.thumbprint(), "alg": "ES256", "use": "sig"}
            for key in keys
        ]
    }


@contextmanager
def neighbour() -> Iterator[Neighbour]:
    """A region next door on a free port."""
    site = Site()
    server = Server(site, 0)
    region = Neighbour(site, server.port)

    def answer(document: Any) -> Response:
        return Response(json.dumps(document, ensure_ascii=False), 200, JSON)

    site.route("GET", "/.well-known/region-portal.json", lambda _: answer(region.said))
    site.route("GET", "/.well-known/jwks.json", lambda _: answer(region.key_set))
    site.route("GET", "/.well-known/region-gadgets.json", lambda _: answer(region.feed))
    thread = server.start()
    try:
        yield region
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
