"""A folder with the log of a city: what is wrong is named by file, line and column; what is odd gives sensible lists."""

import csv
import gzip
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from recommender.domain.weights import PLACE, Weights
from recommender.errors import FolderError
from recommender.evaluation import acceptance, files, orders, scoring

FILES = {
    "residents": """resident_id,age_band,ward,household,occupation,language,prefs_opt_in,behaviour_opt_in,declared_topics,followed_places
a,young,north,alone,,xx,1,1,music|food,south
b,old,south,,,,0,1,food,
c,,,,,,0,0,,
""",
    "items": """item_id,kind,topics,places,provider,language,published_at,expires_at,urgent
1,news,music,,p,xx,2026-01-01T00:00:00Z,,0
2,event,,north,,,2026-01-02T00:00:00Z,2026-02-01T00:00:00Z,0
3,notice,food,south,p,,2026-01-02T00:00:00Z,,1
4,notice,,,,,2026-01-02T00:00:00Z,2026-01-03T00:00:00Z,1
5,notice,,,,,2026-01-02T00:00:00Z,,1
""",
    "impressions": """ts,resident_id,item_id,position,propensity,click
2026-01-02T10:00:00Z,a,1,0,0.5,1
2026-01-02T10:00:00Z,a,2,1,1,0
2026-01-02T11:00:00+09:00,c,2,0,1,1
""",
    "test_users": "resident_id,group\na,warm\nb,cold\nc,cold\n",
    "test_days": "day,rank_at\n5,2026-01-05T12:00:00Z\n",
}


def folder(there: Path, **changed: str) -> Path:
    for name, text in {**FILES, **changed}.items():
        (there / f"{name}.csv").write_text(text, encoding="utf-8")
    return there


def changed(name: str, old: str, new: str) -> dict[str, str]:
    assert FILES[name].count(old) == 1
    return {name: FILES[name].replace(old, new)}


def ranking(there: Path) -> dict[str, list[str]]:
    """The lists of the command, by resident."""
    call_command("rank_city", there, out=there / "ranking.csv", stdout=StringIO())
    with (there / "ranking.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    lists: dict[str, list[str]] = {}
    for row in rows:
        assert row["day"] == "5"
        assert int(row["rank"]) == len(lists.setdefault(row["resident_id"], []))
        lists[row["resident_id"]].append(row["item_id"])
    return lists


def test_what_may_be_used_of_a_resident(tmp_path):
    city = files.read(folder(tmp_path))
    a, b, c = city.residents.values()
    assert a.profile.declared == ("music", "food")
    assert a.profile.followed == ("south",)
    assert a.profile.attributes == {
        "age_band": "young", "household": "alone", "language": "xx", "area": "north",
        "age_band+household": "young+alone",
    }  # fmt: skip
    # Preferences of who did not say yes to them are not used.
    assert b.profile.declared == ()
    assert c.profile.attributes == {}
    assert [one.subject for one in city.shown] == ["a", "a"]
    assert city.turned_away == 1


def test_the_command_lists_urgent_notices_of_theirs_first_then_all_that_lives(tmp_path):
    lists = ranking(folder(tmp_path))
    assert {name: set(found[:2]) for name, found in lists.items() if name != "c"} == {
        "a": {"3", "5"},
        "b": {"3", "5"},
    }
    assert lists["c"][0] == "5"
    assert {name: sorted(found) for name, found in lists.items()} == {
        "a": ["1", "2", "3", "5"],
        "b": ["1", "2", "3", "5"],
        "c": ["1", "2", "5"],
    }


EMPTY_LOG = {"impressions": "ts,resident_id,item_id,position,propensity,click\n"}


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param(EMPTY_LOG, id="empty log"),
        pytest.param(
            {"items": FILES["items"].split("2,event")[0], **EMPTY_LOG},
            id="one item",
        ),
        pytest.param(changed("residents", "a,young,north,alone,,xx,1", "a,,,,,,1"), id="no attributes"),
        pytest.param(changed("residents", "b,old,", "b,never heard of,"), id="unknown attribute value"),
        pytest.param(changed("items", "1,news,music,", "1,news,,"), id="item without topics"),
        pytest.param(changed("items", "1,news,music,", "1,never heard of,nor this,"), id="unknown kind"),
        pytest.param(changed("test_days", "2026-01-05", "2031-01-05"), id="an item years old"),
    ],
)
def test_what_is_odd_gives_sensible_lists(tmp_path, odd):
    there = folder(tmp_path, **odd)
    city = files.read(there)
    live = {item.id for item in city.live(city.days["5"])}
    for name, found in ranking(there).items():
        resident = city.residents[name]
        assert len(set(found)) == len(found)
        assert set(found) == {
            item for item in live if not city.items[item].urgent or resident.must_see(city.items[item])
        }


def test_a_day_on_which_nothing_lives_has_empty_lists(tmp_path):
    there = folder(tmp_path, **changed("test_days", "2026-01-05", "2020-01-05"))
    assert ranking(there) == {}


def test_without_a_click_the_editors_prior_ranks(tmp_path):
    city = files.read(folder(tmp_path, **EMPTY_LOG))
    weights = acceptance.fitted(city)
    assert weights.learnt == {}
    assert weights.of(PLACE) == Weights().of(PLACE)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (changed("impressions", "0,0.5,1", "0,nan,1"), "impressions.csv, line 2, column propensity: 'nan'"),
        (changed("impressions", "0,0.5,1", "0,0,1"), "impressions.csv, line 2, column propensity: '0'"),
        (changed("impressions", "0,0.5,1", "0,0.5,NaN"), "impressions.csv, line 2, column click: 'NaN'"),
        (changed("impressions", "0,0.5,1", "top,0.5,1"), "impressions.csv, line 2, column position: 'top'"),
        (changed("impressions", "a,1,0", "z,1,0"), "impressions.csv, line 2, column resident_id: no resident 'z'"),
        (changed("impressions", "a,2,1", "a,9,1"), "impressions.csv, line 3, column item_id: no item '9'"),
        (changed("impressions", "+09:00", ""), "impressions.csv, line 4, column ts:"),
        (changed("impressions", ",propensity", ""), "impressions.csv, line 1, column propensity: missing"),
        (changed("impressions", "0,0.5,1\n", "0,0.5\n"), "impressions.csv, line 2: 5 cells, the heading has 6"),
        ({"impressions": ""}, "impressions.csv, line 1, column ts: missing"),
        (changed("residents", "b,old", "a,old"), "residents.csv, line 3, column resident_id: 'a' comes twice"),
        (changed("residents", "0,1,food", "?,1,food"), "residents.csv, line 3, column prefs_opt_in: '?'"),
        (changed("residents", "b,old", ",old"), "residents.csv, line 3, column resident_id: empty"),
        (changed("items", "1,news", "1,"), "items.csv, line 2, column kind: empty"),
        (changed("items", "xx,2026-01-01T00:00:00Z", "xx,soon"), "items.csv, line 2, column published_at: 'soon'"),
        (changed("items", "2026-02-01T00:00:00Z,0", "2026-02-01,0"), "items.csv, line 3, column expires_at:"),
        (changed("items", "item_id,kind", "item_id,item_id"), "items.csv, line 1, column item_id: twice"),
        ({"items": FILES["items"].splitlines()[0] + "\n"}, "items.csv: no item"),
        (changed("test_users", "b,cold", "b,tepid"), "test_users.csv, line 3, column group: 'tepid'"),
        (changed("test_users", "b,cold", "z,cold"), "test_users.csv, line 3, column resident_id: no resident 'z'"),
        ({"test_users": "resident_id,group\n"}, "test_users.csv: no resident to rank for"),
        ({"test_days": "day,rank_at\n"}, "test_days.csv: no day to rank at"),
        (changed("test_days", "2026-01-05T12:00:00Z", ""), "test_days.csv, line 2, column rank_at: ''"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_by_file_line_and_column(tmp_path, wrong, told):
    with pytest.raises(CommandError) as error:
        call_command("rank_city", folder(tmp_path, **wrong), out=tmp_path / "out.csv")
    assert str(error.value).startswith(told)
    assert not (tmp_path / "out.csv").exists()


def test_a_missing_or_broken_file_is_named(tmp_path):
    with pytest.raises(FolderError, match=r"no file residents\.csv\.gz"):
        files.read(tmp_path)
    folder(tmp_path)
    (tmp_path / "items.csv").write_bytes(b"item_id,\xff\n")
    with pytest.raises(FolderError, match=r"items\.csv: not UTF-8"):
        files.read(tmp_path)
    (tmp_path / "items.csv.gz").write_bytes(gzip.compress(FILES["items"].encode())[:-12])
    with pytest.raises(FolderError, match=r"items\.csv\.gz: cannot be read"):
        files.read(tmp_path)
    (tmp_path / "items.csv.gz").write_bytes(b"no gzip")
    with pytest.raises(FolderError, match=r"items\.csv\.gz: cannot be read"):
        files.read(tmp_path)


def test_a_place_that_cannot_be_written_and_a_list_too_short_are_refused(tmp_path):
    there = folder(tmp_path)
    with pytest.raises(CommandError, match="nowhere"):
        call_command("rank_city", there, out=tmp_path / "nowhere" / "out.csv")
    with pytest.raises(CommandError, match="at least 10"):
        call_command("rank_city", there, out=tmp_path / "out.csv", length=9)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("z,5,0,1", "line 2, column resident_id: 'z' is no resident to rank for"),
        ("a,6,0,1", "line 2, column day: '6'"),
        ("a,5,0,99", "line 2, column item_id: no item '99'"),
        ("a,5,first,1", "line 2, column rank: 'first'"),
        ("a,5,0,1\na,5,0,2", "resident a, day 5: two items have the same rank"),
    ],
)
def test_a_ranking_that_cannot_be_scored_is_refused(tmp_path, row, told):
    (tmp_path / "ranking.csv").write_text(f"resident_id,day,rank,item_id\n{row}\n")
    with pytest.raises(FolderError, match=told):
        files.read_ranking(tmp_path / "ranking.csv", files.read(folder(tmp_path)))


def test_no_truth_or_one_of_another_folder_is_named(tmp_path, tiny_city):
    city = files.read(folder(tmp_path))
    for content in (None, b"no archive"):
        if content is not None:
            (tmp_path / "truth.npz").write_bytes(content)
        with pytest.raises(FolderError, match=r"truth\.npz: cannot be read"):
            scoring.Truth(tmp_path, city)
    with pytest.raises(FolderError, match=r"truth\.npz"):
        scoring.Truth(tiny_city.folder, city)


def test_re_ranked_lists_hold_the_same_items(tiny_city):
    pure = orders.lists(tiny_city.city, tiny_city.weights)
    reranked = orders.lists(tiny_city.city, tiny_city.weights, reranked=True)
    differ = 0
    for one, other in zip(pure, reranked, strict=True):
        assert one[:2] == other[:2]
        assert sorted(one[2]) == sorted(other[2])
        differ += one[2] != other[2]
    assert differ
