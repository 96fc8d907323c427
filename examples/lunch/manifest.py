"""What the lunch gadget says of itself (Region Gadget 1.0)."""

from typing import Any

from examples.kit.config import Config

GADGET = "menu"
PROVIDER = "給食だより（見本の事業者）"
MAX_AGE = 900


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
            "support": "mailto:help@lunch.example",
            "security": "mailto:security@lunch.example",
        },
        "title": {
            "ja": "学校給食",
            "ja-simple": "学校（がっこう）の 給食（きゅうしょく）",
            "en": "School lunch",
        },
        "summary": {
            "ja": "今日と今週の給食の献立をお知らせします。",
            "ja-simple": "今日（きょう）と 今週（こんしゅう）の 給食（きゅうしょく）を 教えます。",
            "en": "School lunch menus of today and this week.",
        },
        "category": "education",
        "kind": "card",
        "identity": "pairwise",
        "sizes": ["S", "M"],
        "endpoints": {
            "card": config.url("/g/card"),
            "health": config.url("/g/health"),
            "login": config.url("/oidc/start"),
            "action": config.url("/g/action"),
            "events": config.url("/g/events"),
        },
        "claims": [
            {
                "name": "household.school_years",
                "need": "optional",
                "retention": "P0D",
                "purpose": {
                    "ja": "お子さまの学年の1食のめやすと、1週間分の献立を出すため",
                    "ja-simple": "子どもの 学年（がくねん）の めやすと、1週間（しゅうかん）の 給食を 見せる ため",
                    "en": "To show the standard of one lunch for your children's school years, and the week's menu",
                },
            }
        ],
        "data": [],
        "provides": [],
        "link_origins": [config.public_origin, "https://github.com"],
        "cache": {"max_age": MAX_AGE, "stale": MAX_AGE},
        "settings": {"type": "object", "properties": {}},
        "regions": ["372013"],
    }
