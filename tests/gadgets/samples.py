"""Manifests and published gadgets for tests."""

import json
from datetime import UTC, datetime
from typing import Any

from gadgets.protocol import manifest as manifests
from gadgets.types import GadgetInfo
from identity.domain.audience import Audience

URL = "https://waste.example/gadget.json"


def document(**changes: Any) -> dict[str, Any]:
    """The example of the specification; a change of None drops the field."""
    whole = {
        "manifest": "1.0",
        "id": "example.waste.calendar",
        "version": "2.1.0",
        "provider": {
            "name": "Example Waste Ltd",
            "type": "company",
            "privacy": "https://waste.example/privacy",
            "support": "mailto:help@waste.example",
            "security": "mailto:sec@waste.example",
        },
        "title": {"ja": "ごみ収集日", "en": "Waste collection"},
        "summary": {"ja": "お住まいの地区の収集日", "en": "Collection days for your district"},
        "category": "environment",
        "kind": "card",
        "identity": "audience",
        "sizes": ["S", "M"],
        "endpoints": {
            "card": "https://waste.example/g/card",
            "health": "https://waste.example/g/health",
            "login": "https://waste.example/oidc/start",
        },
        "claims": [
            {
                "name": "area.waste_zone",
                "need": "required",
                "retention": "P0D",
                "purpose": {"ja": "収集日を調べるため", "en": "To find your collection days"},
            }
        ],
        "data": [],
        "provides": [],
        "link_origins": ["https://waste.example"],
        "cache": {"max_age": 21600, "stale": 172800},
        "settings": {"type": "object", "properties": {"bins": {"enum": ["all", "recycling"]}}},
        "regions": ["*"],
        "previous": "2.0.3",
    }
    whole.update(changes)
    return {name: value for name, value in whole.items() if value is not None}


def raw(**changes: Any) -> bytes:
    return json.dumps(document(**changes), ensure_ascii=False).encode()


def claim(name: str, need: str = "required") -> dict[str, Any]:
    return {
        "name": name,
        "need": need,
        "retention": "P0D",
        "purpose": {"ja": "試験のため", "en": "For a test"},
    }


def info(origin: str = "https://waste.example", **changes: Any) -> GadgetInfo:
    """The published gadget of a manifest, its card at `origin`/g/card; `client_id` may be among the changes."""
    client_id = changes.pop("client_id", "gadget-waste")
    parsed = manifests.parse(document(**changes), url=URL)
    return GadgetInfo(
        id=parsed.id,
        version=parsed.version,
        kind=parsed.kind,
        identity=parsed.identity,
        title=parsed.title,
        summary=parsed.summary,
        provider_name=parsed.provider.name,
        provider_privacy=parsed.provider.privacy,
        category=parsed.category,
        claims=parsed.claims,
        sizes=parsed.sizes,
        card_url=parsed.endpoints.card and f"{origin}/g/card",
        login_url=parsed.endpoints.login,
        max_age=parsed.max_age,
        stale=parsed.stale,
        link_origins=parsed.link_origins,
        client_id=client_id,
        audience=Audience.parse({}),
        topics=parsed.topics,
        published_at=datetime(2026, 4, 1, tzinfo=UTC),
        settings=parsed.settings,
        action_url=parsed.endpoints.action and f"{origin}/g/action",
    )
