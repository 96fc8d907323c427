"""Reads and checks a region file (TOML); docs/reference/region-file.md has every key."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from core.region import contrast, mark
from core.region.types import COLOURS, LANGUAGES, District, Region, Source, Zone
from core.texts import Texts

ID = re.compile(r"[a-z][a-z0-9-]{0,39}")
COLOUR = re.compile(r"#[0-9a-f]{6}")
LONGEST = 200
KEYS = (
    "id", "code", "name", "portal_name", "attribution", "time_zone", "mark", "colours", "zones", "districts",
    "example_districts", "sources",
)  # fmt: skip
OPTIONAL = frozenset({"attribution", "zones", "example_districts", "sources"})
MIDDLES = ((-90.0, 90.0), (-180.0, 180.0))


class RegionFileError(Exception):
    """The region file cannot be used; the message names the file and the line or the key."""

    def __init__(self, path: Path, where: str, why: str) -> None:
        super().__init__(f"{path}: {where}: {why}" if where else f"{path}: {why}")
        self.where = where


class _WrongError(Exception):
    def __init__(self, key: str, why: str) -> None:
        super().__init__(key, why)
        self.key, self.why = key, why


def read(path: Path) -> Region:
    """The region of this file, or `RegionFileError`."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RegionFileError(path, "", f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise RegionFileError(path, "", f"is not UTF-8: byte {error.start}") from error
    except tomllib.TOMLDecodeError as error:
        # tomllib ends its message with the line and the column.
        raise RegionFileError(path, "", f"is not TOML: {error}") from error
    try:
        return _region(raw, path)
    except _WrongError as error:
        raise RegionFileError(path, error.key, error.why) from error


def _region(raw: Mapping[str, Any], path: Path) -> Region:
    _keys(raw, "", KEYS, OPTIONAL)
    zones = tuple(_zone(one, at) for one, at in _tables(raw, "zones"))
    _once((zone.code for zone in zones), "zones", "id")
    districts = tuple(
        _district(one, at, {zone.code for zone in zones}) for one, at in _tables(raw, "districts")
    )
    if not districts:
        raise _WrongError("districts", "a region has at least one district")
    _once((district.code for district in districts), "districts", "id")
    sources = tuple(_source(one, at) for one, at in _tables(raw, "sources"))
    _once((source.code for source in sources), "sources", "id")
    colours = _table(raw["colours"], "colours", ("light", "dark"))
    themes = {theme: _colours(colours[theme], theme) for theme in ("light", "dark")}
    return Region(
        id=_id(raw["id"], "id"),
        code=_code(raw["code"], "code"),
        name=_texts(raw["name"], "name"),
        portal_name=_texts(raw["portal_name"], "portal_name"),
        attribution=_texts(raw["attribution"], "attribution") if "attribution" in raw else _NOTHING,
        time_zone=_time_zone(raw["time_zone"]),
        mark=_mark(raw["mark"], path, themes["light"]),
        light=themes["light"],
        dark=themes["dark"],
        zones=zones,
        districts=districts,
        example_districts=_examples(raw.get("example_districts"), districts),
        sources=sources,
        path=path,
    )


# --- the parts -----------------------------------------------------------------------------------------------

_NOTHING: Texts = MappingProxyType(dict.fromkeys(LANGUAGES, ""))


def _zone(raw: Any, at: str) -> Zone:
    found = _table(raw, at, ("id", "name"))
    return Zone(_value(found["id"], f"{at}.id"), _texts(found["name"], f"{at}.name"))


def _district(raw: Any, at: str, zones: set[str]) -> District:
    found = _table(raw, at, ("id", "name", "zone", "middle", "population"), {"zone", "middle", "population"})
    zone = _string(found.get("zone", ""), f"{at}.zone", empty=True)
    if zones and zone not in zones:
        raise _WrongError(
            f"{at}.zone", f"{zone!r} is none of the zones of this file" if zone else "is missing"
        )
    if zone and not zones:
        raise _WrongError(f"{at}.zone", "this file has no zones")
    population = found.get("population", 0)
    if not isinstance(population, int) or isinstance(population, bool) or population < 0:
        raise _WrongError(f"{at}.population", "must be a whole number, 0 or more")
    middle = _middle(found["middle"], f"{at}.middle") if "middle" in found else None
    return District(
        _id(found["id"], f"{at}.id"), _texts(found["name"], f"{at}.name"), zone, middle, population
    )


def _examples(raw: Any, districts: tuple[District, ...]) -> tuple[District, District, District]:
    if raw is None:
        return districts[0], districts[len(districts) // 2], districts[-1]
    if not isinstance(raw, list) or len(raw) != 3:
        raise _WrongError("example_districts", "must be a list of three districts")
    known = {district.code: district for district in districts}
    for code in raw:
        if not isinstance(code, str) or code not in known:
            raise _WrongError("example_districts", f"{code!r} is none of the districts of this file")
    first, second, third = (known[code] for code in raw)
    return first, second, third


def _source(raw: Any, at: str) -> Source:
    found = _table(raw, at, ("id", "publisher", "licence", "attribution", "municipality", "url"), {"url"})
    url = _string(found.get("url", ""), f"{at}.url", empty=True)
    if url and (urlsplit(url).scheme != "https" or not urlsplit(url).hostname):
        raise _WrongError(f"{at}.url", "must begin with https://")
    return Source(
        code=_id(found["id"], f"{at}.id"),
        publisher=_string(found["publisher"], f"{at}.publisher"),
        licence=_string(found["licence"], f"{at}.licence"),
        attribution=_string(found["attribution"], f"{at}.attribution"),
        municipality=_code(found["municipality"], f"{at}.municipality"),
        url=url,
    )


def _colours(raw: Any, theme: str) -> Mapping[str, str]:
    at = f"colours.{theme}"
    found = _table(raw, at, COLOURS)
    for key in COLOURS:
        if not isinstance(found[key], str) or not COLOUR.fullmatch(found[key]):
            raise _WrongError(f"{at}.{key}", 'must be a colour such as "#0017c1", in lower case')
    for key, paper, has in contrast.too_weak(found, theme):
        raise _WrongError(
            f"{at}.{key}",
            f"{found[key]} has a contrast of {has:.2f}:1 on {paper}; {contrast.TEXT}:1 is needed",
        )
    return MappingProxyType({key: found[key] for key in COLOURS})


def _mark(raw: Any, path: Path, light: Mapping[str, str]) -> str:
    found = _table(raw, "mark", ("letter", "svg"), {"letter", "svg"})
    if len(found) != 1:
        raise _WrongError("mark", "has either a letter or an svg")
    if "letter" in found:
        letter = _string(found["letter"], "mark.letter")
        if len(letter) > 2:
            raise _WrongError("mark.letter", "must be one letter, or two")
        return mark.of_letter(letter, paper=light["action"], ink=light["action_ink"])
    file = path.parent / _string(found["svg"], "mark.svg")
    try:
        return mark.checked(file.read_bytes())
    except OSError as error:
        raise _WrongError("mark.svg", f"{file} cannot be read: {error.strerror}") from error
    except mark.MarkError as error:
        raise _WrongError("mark.svg", f"{file}: {error}") from error


def _time_zone(raw: Any) -> ZoneInfo:
    try:
        return ZoneInfo(_string(raw, "time_zone"))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise _WrongError("time_zone", f'{raw!r} is no time zone; write one such as "Asia/Tokyo"') from error


def _middle(raw: Any, at: str) -> tuple[float, float]:
    numbers = isinstance(raw, list) and len(raw) == 2 and all(type(one) in {int, float} for one in raw)
    if not numbers or not all(low <= one <= high for one, (low, high) in zip(raw, MIDDLES, strict=True)):
        raise _WrongError(at, "must be latitude and longitude in degrees, such as [34.34, 134.04]")
    return float(raw[0]), float(raw[1])


def check_digit(five: str) -> str:
    """The sixth digit of a 全国地方公共団体コード (総務省: weights 6 to 2, complement to 11)."""
    total = sum(int(digit) * weight for digit, weight in zip(five, (6, 5, 4, 3, 2), strict=True))
    return str((11 - total % 11) % 10)


def _code(raw: Any, at: str) -> str:
    if not isinstance(raw, str) or not re.fullmatch(r"[0-9]{6}", raw):
        raise _WrongError(at, 'must be the six digits of a 全国地方公共団体コード, such as "372013"')
    if check_digit(raw[:5]) != raw[5]:
        raise _WrongError(
            at, f"{raw} has a wrong check digit; {raw[:5]} is followed by {check_digit(raw[:5])}"
        )
    return raw


# --- forms of values -----------------------------------------------------------------------------------------


def _texts(raw: Any, at: str) -> Texts:
    found = _table(raw, at, LANGUAGES)
    return MappingProxyType({locale: _string(found[locale], f"{at}.{locale}") for locale in LANGUAGES})


def _string(raw: Any, at: str, *, empty: bool = False) -> str:
    if not isinstance(raw, str):
        raise _WrongError(at, "must be a text in quotation marks")
    if not raw.strip() and not (empty and not raw):
        raise _WrongError(at, "must not be empty")
    if len(raw) > LONGEST:
        raise _WrongError(at, f"must not be longer than {LONGEST} letters")
    return raw


def _id(raw: Any, at: str) -> str:
    if not ID.fullmatch(_string(raw, at)):
        raise _WrongError(
            at, f"{raw!r} must be lower-case letters, digits and hyphens, beginning with a letter"
        )
    return str(raw)


def _value(raw: Any, at: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,19}", _string(raw, at)):
        raise _WrongError(at, f"{raw!r} must be lower-case letters, digits and hyphens, at most 20")
    return str(raw)


def _table(raw: Any, at: str, keys: Iterable[str], optional: Iterable[str] = ()) -> Mapping[str, Any]:
    if not isinstance(raw, dict):
        raise _WrongError(at, "must be a table with the keys " + ", ".join(keys))
    _keys(raw, f"{at}.", keys, optional)
    return raw


def _tables(raw: Mapping[str, Any], key: str) -> list[tuple[Any, str]]:
    found = raw.get(key, [])
    if not isinstance(found, list):
        raise _WrongError(key, f"must be a list of tables, each under [[{key}]]")
    return [(one, f"{key}[{number}]") for number, one in enumerate(found, start=1)]


def _keys(raw: Mapping[str, Any], at: str, keys: Iterable[str], optional: Iterable[str]) -> None:
    known, may = list(keys), set(optional)
    for key in raw:
        if key not in known:
            raise _WrongError(f"{at}{key}", "is no key of a region file; here stand " + ", ".join(known))
    for key in known:
        if key not in raw and key not in may:
            raise _WrongError(f"{at}{key}", "is missing")


def _once(codes: Iterable[str], table: str, key: str) -> None:
    seen: set[str] = set()
    for number, code in enumerate(codes, start=1):
        if code in seen:
            raise _WrongError(f"{table}[{number}].{key}", f"{code!r} stands there twice")
        seen.add(code)
