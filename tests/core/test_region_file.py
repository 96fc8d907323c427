"""A region file is read whole or refused, with the file and the line or key that is wrong."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.region import contrast, mark, theme
from core.region.current import DEFAULT
from core.region.region_file import RegionFileError, check_digit, read

ROOT = Path(__file__).resolve().parents[2]
INVENTED = ROOT / "demo" / "regions" / "minamo.toml"
SVG = '<svg xmlns="http://www.w3.org/2000/svg">{}</svg>'
SMALL = """
id = "hill"
code = "992011"
time_zone = "Asia/Tokyo"
name = { ja = "丘市", en = "Hill", ja-simple = "おかし" }
portal_name = { ja = "丘の窓口", en = "Hill desk", ja-simple = "おかの まどぐち" }

[mark]
letter = "丘"

[colours.light]
link = "#006d77"
link_visited = "#7a1f5c"
action = "#00636c"
action_ink = "#ffffff"

[colours.dark]
link = "#83d9d3"
link_visited = "#f0b4d8"
action = "#83d9d3"
action_ink = "#062b2e"

[[districts]]
id = "top"
name = { ja = "上", en = "Top", ja-simple = "うえ" }
"""
ZONES = """
[[zones]]
id = "a"
name = { ja = "甲", en = "A", ja-simple = "A" }
"""
SOURCE = """
[[sources]]
id = "hill"
publisher = "丘市"
licence = "CC BY 4.0"
attribution = "丘市オープンデータを加工"
municipality = "992011"
"""
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """The small region with one text replaced by another, and more at its end."""

    def written(old: str = "", new: str = "", more: str = "") -> Path:
        assert old in SMALL + more
        path = tmp_path / "region.toml"
        path.write_text((SMALL + more).replace(old, new, 1) if old else SMALL + more, encoding="utf-8")
        return path

    return written


def test_the_least_that_a_region_says_is_enough(write: Write) -> None:
    found = read(write())
    assert (found.id, found.code, found.name["en"], found.time_zone.key) == (
        "hill",
        "992011",
        "Hill",
        "Asia/Tokyo",
    )
    (top,) = found.districts
    assert (top.waste_zone, top.middle, top.population) == ("", None, 0)
    assert found.example_districts == (top, top, top)
    assert (found.zones, found.sources, found.source_attributions) == ((), (), ())
    assert not any(found.attribution.values())


@pytest.mark.parametrize(("path", "districts", "zones"), [(DEFAULT, 42, 8), (INVENTED, 4, 2)])
def test_the_regions_of_the_repository_are_whole(path: Path, districts: int, zones: int) -> None:
    found = read(path)
    assert (len(found.districts), len(found.zones)) == (districts, zones)
    assert all(district.middle and district.population for district in found.districts)


@pytest.mark.parametrize(
    ("old", "new", "more", "key", "why"),
    [
        ('id = "hill"', 'id = "Hill"', "", "id", "must be lower-case letters"),
        ('id = "hill"', "id = 5", "", "id", "must be a text"),
        ('id = "hill"\n', "", "", "id", "is missing"),
        ('id = "hill"', 'id = "hill"\ncolour = "red"', "", "colour", "is no key of a region file"),
        ("992011", "99201", "", "code", "six digits"),
        ("992011", "992012", "", "code", "wrong check digit; 99201 is followed by 1"),
        ("Asia/Tokyo", "Asia/Atlantis", "", "time_zone", "is no time zone"),
        ("Asia/Tokyo", "../etc", "", "time_zone", "is no time zone"),
        (', en = "Hill"', "", "", "name.en", "is missing"),
        ('en = "Hill"', 'en = " "', "", "name.en", "must not be empty"),
        ('en = "Hill"', f'en = "{"x" * 201}"', "", "name.en", "longer than 200"),
        ('name = { ja = "丘市", en = "Hill", ja-simple = "おかし" }', 'name = "丘市"', "", "name", "must be a table"),
        ('letter = "丘"', "", "", "mark", "either a letter or an svg"),
        ('letter = "丘"', 'letter = "丘"\nsvg = "x.svg"', "", "mark", "either a letter or an svg"),
        ('letter = "丘"', 'letter = "丘の窓口"', "", "mark.letter", "one letter, or two"),
        ('letter = "丘"', 'svg = "none.svg"', "", "mark.svg", "cannot be read"),
        ('link = "#006d77"', 'link = "teal"', "", "colours.light.link", "must be a colour"),
        ('link = "#006d77"', "link = 7", "", "colours.light.link", "must be a colour"),
        ('link = "#006d77"\n', "", "", "colours.light.link", "is missing"),
        ('link = "#006d77"', 'link = "#9ed0d4"', "", "colours.light.link", ":1 on #ffffff; 4.5:1"),
        ('action_ink = "#ffffff"', 'action_ink = "#222222"', "", "colours.light.action_ink", "on #00636c"),
        ('link = "#83d9d3"', 'link = "#006d77"', "", "colours.dark.link", "on #1a1a1a"),
        ("[colours.dark]", "[colours.night]", "", "colours.night", "is no key"),
        (SMALL[SMALL.index("[[districts]]") :], "", "", "districts", "is missing"),
        ("[[districts]]", "[districts]", "", "districts", "must be a list of tables, each under [[districts]]"),
        ('id = "top"', 'id = "Top"', "", "districts[1].id", "must be lower-case"),
        ('id = "top"', 'id = "top"\nzone = "a"', "", "districts[1].zone", "this file has no zones"),
        ('id = "top"', 'id = "top"\nzone = "b"', ZONES, "districts[1].zone", "'b' is none of the zones"),
        ("", "", ZONES, "districts[1].zone", "is missing"),
        ('id = "top"', 'id = "top"\nmiddle = [134.0, 34.0]', "", "districts[1].middle", "latitude and longitude"),
        ('id = "top"', 'id = "top"\nmiddle = [34.0]', "", "districts[1].middle", "latitude and longitude"),
        ('id = "top"', 'id = "top"\nmiddle = [34.0, true]', "", "districts[1].middle", "latitude and longitude"),
        ('id = "top"', 'id = "top"\npopulation = -1', "", "districts[1].population", "a whole number"),
        ('id = "top"', 'id = "top"\npopulation = true', "", "districts[1].population", "a whole number"),
        ("", "", SMALL[SMALL.index("[[districts]]") :], "districts[2].id", "'top' stands there twice"),
        ('id = "a"', 'id = "A"', ZONES, "zones[1].id", "must be lower-case"),
        ("", "", ZONES + ZONES, "zones[2].id", "'a' stands there twice"),
        ("", "", SOURCE + SOURCE, "sources[2].id", "'hill' stands there twice"),
        ('municipality = "992011"', 'municipality = "992019"', SOURCE, "sources[1].municipality", "check digit"),
        (
            'licence = "CC BY 4.0"',
            'licence = "CC BY 4.0"\nurl = "http://x.example/"',
            SOURCE,
            "sources[1].url",
            "must begin with https://",
        ),
        ('id = "hill"', 'id = "hill"\nexample_districts = ["top"]', "", "example_districts", "three districts"),
        (
            'id = "hill"',
            'id = "hill"\nexample_districts = ["top", "top", "sea"]',
            "",
            "example_districts",
            "'sea' is none",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_by_its_key(
    write: Write, old: str, new: str, more: str, key: str, why: str
) -> None:
    path = write(old, new, more)
    with pytest.raises(RegionFileError) as caught:
        read(path)
    assert caught.value.where == key
    assert str(caught.value).startswith(f"{path}: {key}: ")
    assert why in str(caught.value)


def test_a_region_without_districts_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "region.toml"
    path.write_text("districts = []\n" + SMALL[: SMALL.index("[[districts]]")])
    with pytest.raises(RegionFileError, match="districts: a region has at least one district"):
        read(path)


def test_what_is_no_toml_is_named_by_its_line(write: Write) -> None:
    path = write('code = "992011"', 'code = "992011')
    with pytest.raises(RegionFileError, match=re.escape(f"{path}: is not TOML: ") + ".*line 3"):
        read(path)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(RegionFileError, match=r"none\.toml: cannot be read: No such file"):
        read(tmp_path / "none.toml")
    (tmp_path / "sjis.toml").write_bytes("name = '丘'".encode("cp932"))
    with pytest.raises(RegionFileError, match=r"sjis\.toml: is not UTF-8"):
        read(tmp_path / "sjis.toml")


# From the list of the Ministry of Internal Affairs and Communications.
@pytest.mark.parametrize("code", ["011002", "131016", "131130", "271004", "372013", "473821"])
def test_the_check_digit_is_that_of_real_codes(code: str) -> None:
    assert check_digit(code[:5]) == code[5]


# --- colours ----------------------------------------------------------------------------------------------------


def test_contrast_is_that_of_wcag() -> None:
    assert contrast.ratio("#000000", "#ffffff") == pytest.approx(21)
    assert contrast.ratio("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)
    assert contrast.ratio("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@given(st.from_regex(r"#[0-9a-f]{6}", fullmatch=True), st.from_regex(r"#[0-9a-f]{6}", fullmatch=True))
def test_contrast_is_the_same_both_ways_and_within_its_bounds(one: str, other: str) -> None:
    assert 1 <= contrast.ratio(one, other) == contrast.ratio(other, one) <= 21


def test_colours_are_checked_on_every_paper_of_the_stylesheet() -> None:
    css = (ROOT / "portal" / "static" / "portal" / "base.css").read_text()
    light, dark = css.split("@media (prefers-color-scheme: dark)", 1)
    dark = dark[: dark.index("@media")]
    for part, papers in ((light, contrast.PAPERS["light"]), (dark, contrast.PAPERS["dark"])):
        found = re.findall(
            r"--(?!sample)[a-z-]*paper[a-z-]*: (?:var\([^,]+, )?#([0-9a-f]+)", part[: part.index("}")]
        )
        assert {f"#{one * 2 if len(one) == 3 else one}" for one in found} == set(papers)


def test_the_stylesheet_of_the_product_has_no_colour_of_a_region() -> None:
    css = (ROOT / "portal" / "static" / "portal" / "base.css").read_text()
    for key in ("link", "link-visited", "action", "action-ink"):
        values = set(re.findall(rf"--{key}: ([^;]+);", css))
        assert values
        assert all(value.startswith(f"var(--region-{key}") for value in values), values
    made = theme.stylesheet(read(INVENTED))
    assert set(re.findall(r"var\((--region-[a-z-]+),", css)) == set(re.findall(r"(--region-[a-z-]+):", made))


# --- the mark ---------------------------------------------------------------------------------------------------


def test_a_letter_is_drawn_in_the_regions_colours(write: Write) -> None:
    drawn = read(write('letter = "丘"', 'letter = "<"')).mark
    assert "&lt;</text>" in drawn
    assert 'fill="#00636c"' in drawn
    mark.checked(drawn.encode())


@pytest.mark.parametrize(
    ("picture", "why"),
    [
        (SVG.format("<script>1</script>"), "<script> is not allowed"),
        (SVG.format("<style>*{}</style>"), "<style> is not allowed"),
        (SVG.format("<image/>"), "<image> is not allowed"),
        (SVG.format("<foreignObject/>"), "<foreignObject> is not allowed"),
        (SVG.format('<rect onclick="x()"/>'), "the attribute onclick"),
        (SVG.format('<rect style="fill:red"/>'), "the attribute style"),
        (SVG.format('<rect xmlns:x="http://www.w3.org/1999/xlink" x:href="https://e/"/>'), "the attribute href"),
        (SVG.format('<rect fill="url(https://e/)"/>'), "leads out of the picture"),
        (SVG.format('<rect fill="URL ( https://e/)"/>'), "leads out of the picture"),
        ("<!DOCTYPE svg>" + SVG.format(""), "must not declare"),
        ("<html/>", "is no SVG picture"),
        ("<svg", "is not XML"),
        (SVG.format("x" * mark.LARGEST), "is larger than"),
    ],
)  # fmt: skip
def test_a_picture_in_which_something_could_run_is_refused(write: Write, picture: str, why: str) -> None:
    path = write('letter = "丘"', 'svg = "own.svg"')
    (path.parent / "own.svg").write_text(picture)
    with pytest.raises(RegionFileError) as caught:
        read(path)
    assert caught.value.where == "mark.svg"
    assert why in str(caught.value)


def test_a_picture_that_only_draws_is_taken_as_it_is(write: Write) -> None:
    path = write('letter = "丘"', 'svg = "own.svg"')
    own = SVG.format('<defs><clipPath id="c"/></defs><g clip-path="url(#c)"><circle r="3"/></g>')
    (path.parent / "own.svg").write_text(own)
    assert read(path).mark == own
    (path.parent / "own.svg").write_bytes("<svg>丘</svg>".encode("cp932"))
    with pytest.raises(RegionFileError, match="is not UTF-8"):
        read(path)
