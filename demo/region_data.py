"""What the demo has for the region of this process: a folder `data/<region id>` with people, pages and events, or nothing."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from core.region.current import current_region


def folder() -> Path:
    """Where the region's `demo.toml`, `samples.json` and `events.csv` are; each may be missing."""
    return Path(__file__).with_name("data") / current_region().id


@cache
def settings() -> dict[str, Any]:
    """`demo.toml`: whether the example providers serve this region, and the words for each resident of the cast."""
    path = folder() / "demo.toml"
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def has_providers() -> bool:
    """Whether the example providers have data about this region; they are not started for another one."""
    return bool(settings().get("providers", False))
