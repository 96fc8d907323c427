"""What the river gadget says of itself (Region Gadget 1.0)."""

from typing import Any

from examples.kit.config import Config

GADGET = "level"
PROVIDER = "河川テレメータ（見本）"
MAX_AGE = 300


def manifest(config: Config) -> dict[str, Any]:
    """The manifest as JSON data."""
    return {
        "manifest": "1.0",
        "id": config.gadget_id(GADGET),
        "version": "1.0.0",
        "provider": {
            "name": PROVIDER,
            "type": "department",
            "privacy": config.url("/privacy"),
            "support": "mailto:help@river.example",
            "security": "mailto:security@river.example",
        },
        "title": {"ja": "川の水位", "ja-simple": "川の 水位（すいい）", "en": "River levels"},
        "summary": {
            "ja": "川の水位を、観測した時刻とともにお知らせします。",
            "ja-simple": "川の 水（みず）の 高（たか）さを 教えます。",
            "en": "River levels with the time they were observed.",
        },
        "category": "safety",
        "kind": "card",
        "identity": "none",
        "sizes": ["S", "M", "L"],
        "endpoints": {"card": config.url("/g/card"), "health": config.url("/g/health")},
        "claims": [],
        "data": [],
        "provides": [
            {
                "type": "WaterLevelObserved",
                "attrs": ["name", "waterLevel", "dateObserved"],
                "licence": "MIT",
                "description": {"ja": "川の水位", "en": "River levels"},
            }
        ],
        "link_origins": [config.public_origin, "https://github.com"],
        "cache": {"max_age": MAX_AGE, "stale": 3600},
        "settings": {"type": "object", "properties": {}},
        "regions": ["*"],
    }
