"""What the waste gadget says of itself (Region Gadget 1.0)."""

from typing import Any

from examples.kit.config import Config

GADGET = "calendar"
PROVIDER = "WasteCo（見本の事業者）"
MAX_AGE = 21600


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
            "support": "mailto:help@waste.example",
            "security": "mailto:security@waste.example",
        },
        "title": {"ja": "ごみ収集日", "ja-simple": "ごみの 日", "en": "Waste collection"},
        "summary": {
            "ja": "お住まいの地区のごみ収集日をお知らせします。",
            "ja-simple": "あなたの 地区（ちく）の ごみの 日を 教えます。",
            "en": "Collection days for your district.",
        },
        "category": "environment",
        "kind": "card",
        "identity": "audience",
        "sizes": ["S", "M"],
        "endpoints": {
            "card": config.url("/g/card"),
            "health": config.url("/g/health"),
            "login": config.url("/oidc/start"),
        },
        "claims": [
            {
                "name": "area.waste_zone",
                "need": "required",
                "retention": "P0D",
                "purpose": {
                    "ja": "お住まいの地区の収集日を調べるため",
                    "ja-simple": "あなたの 地区（ちく）の ごみの 日を 調べる ため",
                    "en": "To find the collection days of your district",
                },
            }
        ],
        "data": [],
        "provides": [],
        "link_origins": [config.public_origin, "https://github.com"],
        "cache": {"max_age": MAX_AGE, "stale": 172800},
        "settings": {
            "type": "object",
            "properties": {
                "bins": {
                    "enum": ["all", "recycling"],
                    "labels": {
                        "all": {"ja": "全部", "ja-simple": "ぜんぶ", "en": "All"},
                        "recycling": {
                            "ja": "資源だけ",
                            "ja-simple": "リサイクルだけ",
                            "en": "Recycling only",
                        },
                    },
                    "title": {"ja": "表示するごみ", "ja-simple": "どの ごみ", "en": "Which waste"},
                    "default": "all",
                }
            },
        },
        "regions": ["372013"],
    }
