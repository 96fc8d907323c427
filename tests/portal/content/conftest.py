"""Each test has alert files of its own and an empty cache."""

from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from tests.cast import portal_client


@pytest.fixture(autouse=True)
def own_files(tmp_path: Path, settings: Any) -> Path:
    """The folder of the alert files."""
    cache.clear()
    settings.ALERTS_DIR = tmp_path / "alerts"
    return tmp_path / "alerts"


@pytest.fixture
def client() -> Client:
    """Asks for the portal's own host."""
    return portal_client()
