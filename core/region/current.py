"""The region of this process: the file that `REGION_FILE` names, read once."""

import os
from functools import cache
from pathlib import Path

from core.region.region_file import read
from core.region.types import Region

DEFAULT = Path(__file__).with_name("files") / "takamatsu.toml"


@cache
def current_region() -> Region:
    """The region, or `RegionFileError`. Pure modules ask too: the variable is read here, not from Django's settings."""
    return read(Path(os.environ.get("REGION_FILE") or DEFAULT))
