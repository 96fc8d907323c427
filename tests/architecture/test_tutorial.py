"""The program of the tutorial is whole: what it publishes is a valid manifest and its cards are valid cards."""

import json
import re
from typing import Any

import pytest

from examples.kit import config as kit_config
from examples.kit.request_token import RequestToken
from gadgets import card as cards
from gadgets import manifest as manifests
from tests.architecture.tables import DOCS
from tests.conftest import NOW

ORIGIN = "http://parks.localhost:8904"


@pytest.fixture
def program() -> dict[str, Any]:
    """The names of `parks.py` as the tutorial has it, without starting its server."""
    text = (DOCS / "tutorial" / "write-a-gadget.md").read_text(encoding="utf-8")
    found = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert found is not None
    names: dict[str, Any] = {"__name__": "parks"}
    exec(compile(found[1], "parks.py", "exec"), names)  # noqa: S102  the tutorial's own program
    return names


@pytest.fixture
def config() -> kit_config.Config:
    return kit_config.read({"PORT": "8904"}, default_port=8904, name="parks")


def test_the_gadget_of_the_tutorial_is_valid_in_every_language(
    program: dict[str, Any], config: kit_config.Config
) -> None:
    manifest = manifests.parse(program["manifest"](config), url=f"{ORIGIN}/gadget.json")
    assert manifest.id == "localhost.parks.hours"
    assert manifest.link_origins == (ORIGIN,)
    for locale in ("ja", "en", "ja-simple"):
        raw = json.dumps(program["make_card"](RequestToken(locale=locale), NOW, config)).encode()
        assert cards.parse(raw, manifest=manifest).summary == program["OPEN"][locale]


def test_the_provider_of_the_tutorial_serves_what_the_portal_asks_for(
    program: dict[str, Any], config: kit_config.Config
) -> None:
    provider = program["build"](config)
    try:
        manifest = program["manifest"](config)
        assert manifest["endpoints"] == {"card": f"{ORIGIN}/g/card", "health": f"{ORIGIN}/g/health"}
        assert provider.verifier is not None
    finally:
        provider.close()
