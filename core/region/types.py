"""What a region is: frozen dataclasses, made by `region_file` and by nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from core.texts import Texts

LANGUAGES = ("ja", "en", "ja-simple")
COLOURS = ("link", "link_visited", "action", "action_ink")
"""Link, visited link, button and other signs of action, and what is written on a button."""


@dataclass(frozen=True, slots=True)
class Zone:
    """A waste collection zone."""

    code: str
    name: Texts


@dataclass(frozen=True, slots=True)
class District:
    """A community district: `middle` is (latitude, longitude), or None when unknown; `waste_zone` is "" without zones."""

    code: str
    name: Texts
    waste_zone: str
    middle: tuple[float, float] | None
    population: int


@dataclass(frozen=True, slots=True)
class Source:
    """A publisher of lists: under which terms, what must stand beside each entry, and the publisher's own code."""

    code: str
    publisher: str
    licence: str
    attribution: str
    municipality: str
    url: str


@dataclass(frozen=True, slots=True)
class Region:
    """One region. `id` is for names of cookies and folders, `code` is 全国地方公共団体コード with its check digit.

    `name` is the municipality, `portal_name` what its portal is called; `light` and `dark` map `COLOURS` to `#rrggbb`;
    `mark` is an SVG picture; the made-up people of gadget checks live in `example_districts`.
    """

    id: str
    code: str
    name: Texts
    portal_name: Texts
    attribution: Texts
    time_zone: ZoneInfo
    mark: str
    light: Mapping[str, str]
    dark: Mapping[str, str]
    zones: tuple[Zone, ...]
    districts: tuple[District, ...]
    example_districts: tuple[District, District, District]
    sources: tuple[Source, ...]
    path: Path

    @property
    def source_attributions(self) -> tuple[str, ...]:
        """What must stand beside lists that come from several publishers, each once."""
        return tuple(dict.fromkeys(source.attribution for source in self.sources))
