"""What the shelter gadget says of itself (Region Gadget 1.0)."""

from typing import Any
from urllib.parse import urlsplit

from examples.kit.config import Config

GADGET = "map"
PROVIDER = "避難場所マップ（見本）"
MAX_AGE = 60
"""Seconds: what is in force changes the list."""


def frame_origin(config: Config) -> str:
    """An origin of the frame's own, below the host that publishes the manifest."""
    parts = urlsplit(config.public_origin)
    return f"{parts.scheme}://map.{parts.netloc}"


def manifest(config: Config) -> dict[str, Any]:
    """The manifest as JSON data."""
    return {
        "manifest": "1.0",
        "id": config.gadget_id(GADGET),
        "version": "1.0.0",
        "provider": {
            "name": PROVIDER,
            "type": "company",
            "privacy": config.url("/privacy"),
            "support": "mailto:help@shelter.example",
            "security": "mailto:security@shelter.example",
        },
        "title": {"ja": "避難場所", "ja-simple": "にげる ところ", "en": "Evacuation spaces"},
        "summary": {
            "ja": "近くの避難場所を、地図と一覧でお見せします。",
            "ja-simple": "近（ちか）くの にげる ところを 地図（ちず）で 見せます。",
            "en": "The evacuation spaces near you, as a map and a list.",
        },
        "category": "safety",
        "kind": "frame",
        "identity": "audience",
        "sizes": ["S", "M"],
        "endpoints": {"card": config.url("/g/card"), "health": config.url("/g/health")},
        "frame": {
            "src": frame_origin(config) + "/map",
            "csp": {},
            "permissions": ["fullscreen"],
            "height": {"min": 320, "max": 1600},
        },
        "claims": [
            {
                "name": "area.district",
                "need": "optional",
                "retention": "P0D",
                "purpose": {
                    "ja": "近い避難場所を選ぶため",
                    "ja-simple": "近（ちか）くの 場所（ばしょ）を えらぶため",
                    "en": "To choose the spaces near you",
                },
            }
        ],
        "data": [],
        "provides": [],
        "link_origins": [config.public_origin],
        "cache": {"max_age": MAX_AGE, "stale": 600},
        "settings": {"type": "object", "properties": {}},
        "regions": ["*"],
    }
