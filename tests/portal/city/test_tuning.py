"""Editors change the order: tried on the personas first, with a reason, versioned, never two at once, never unseen."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from demo import seed
from identity.domain.roles import PORTAL, PROVIDER, RESIDENT, Actor
from identity.models import AuditEntry
from portal.city import tuning
from portal.home.index import content_index as catalogues
from portal.home.index.sources import Entry
from recommender import editing, queries
from recommender.domain import priors
from recommender.domain.rules import MOST_RULES, Rule
from recommender.domain.weights import Prior
from recommender.errors import EditedMeanwhileError, RuleMissingError, RuleRefusedError, WeightsError
from recommender.models import PriorChange
from recommender.models import Rule as Row
from tests import cast
from tests.portal.home.conftest import browser, publish
from tests.portal.home.samples import NOW, entry

__all__ = ["publish"]
pytestmark = pytest.mark.django_db


@pytest.fixture
def editor() -> Client:
    seed.make_personas()
    return cast.sign_in(browser(), cast.editor())


ENTRIES = (
    entry("school", topics=("school",), title="学校のお知らせ"),
    entry("elderly", topics=("elderly",), title="見守りの集い"),
    entry("old", title="古い催し", age=timedelta(days=30)),
    entry("warning", kind="alert", urgent=True, title="大雨の警報"),
)


class Pages:
    """The published pages of the tests, however often the catalogue is made again."""

    def __init__(self, _published: object) -> None:
        pass

    def entries(self) -> tuple[Entry, ...]:
        return ENTRIES


@pytest.fixture
def town(publish, monkeypatch) -> None:
    monkeypatch.setattr(catalogues, "Pages", Pages)
    publish(ENTRIES)


def text(answer: Any, status: int = 200) -> str:
    assert answer.status_code == status
    return unescape(answer.content.decode())


def numbers(client: Client, **changed: Any) -> dict[str, Any]:
    """The form of the prior as it is filled in, with what is changed."""
    html = client.get(reverse("city_prior")).content.decode()
    found = dict(re.findall(r'<input type="number" name="([^"]+)" value="([^"]+)"', html))
    hidden = dict(re.findall(r'name="(base|shown)" value="(\d+)"', html))
    return {**found, **hidden, "reason": "", **changed}


def fields(**more: Any) -> dict[str, Any]:
    return {
        "target": "item:old",
        "effect": "pin",
        "strength": "",
        "starts_at": "2026-06-01T15:00",
        "ends_at": "2026-06-08T15:00",
        "reason": "申込みの締切が近いため",
        **more,
    }


def rule(**more: Any) -> Rule:
    given: dict[str, Any] = {
        "id": 0, "effect": "hide", "of": "topic", "target": "school", "amount": 0.0, "audience": {},
        "reason": "試すため", "starts_at": NOW, "ends_at": NOW + timedelta(days=1),
    }  # fmt: skip
    return Rule(**{**given, **more})


def home(client: Client | None = None) -> list[str]:
    """The list of a guest, or of whoever this client is, at this moment and as every process would draw it."""
    cache.clear()
    html = text((client or browser()).get("/"))
    zone = html.split('aria-labelledby="zone-for-you"')[1].split("</section>")[0]
    return re.findall(r'<h3 class="entry__title"><a [^>]*>([^<]*)</a>', zone)


# --- the prior ---------------------------------------------------------------------------------------------------


def test_the_form_sends_back_the_prior_as_it_is(town, editor: Client) -> None:
    data = numbers(editor, reason="そのまま", step="save")
    assert data["own_district"] == "0.7"
    assert data["attribute_topic/household.has_child/true/childcare"] == "0.5"
    assert editor.post(reverse("city_prior"), data).status_code == 302
    assert priors.to_json(queries.prior()) == {
        **priors.to_json(Prior()),
        "base": {**Prior().base, "news": 0.0},
        "half_life_days": Prior().half_life_days
        | {
            kind: queries.prior().half_life(kind) for kind in ("news", "notice", "event", "service", "gadget")
        },
    }


def test_a_dry_run_shows_what_moves_for_whom_and_writes_nothing(town, editor: Client) -> None:
    data = numbers(editor, step="try", **{"attribute_topic/age_band/75+/elderly": "-2"})
    page = text(editor.post(reverse("city_prior"), data))
    taro = page.split("高松 太郎" if "高松 太郎" in page else "太郎")[1].split("</details>")[0]
    assert "変わります" in taro
    assert "見守りの集い" in taro
    assert "どの架空の人のホームも" not in page
    assert not PriorChange.objects.exists()
    assert 'value="-2"' in page  # what was typed is still there
    same = text(editor.post(reverse("city_prior"), numbers(editor, step="try")))
    assert "どの架空の人のホームも、いまと同じ順番です。" in same


def test_a_change_holds_at_once_has_a_version_and_an_entry_in_the_audit(town, editor: Client) -> None:
    before = queries.version()
    data = numbers(editor, step="save", reason="高齢の方へのお知らせが多すぎるため", own_district="0.9")
    editor.post(reverse("city_prior"), {**data, "who": "age_band=75+", "topic": "school", "weight": "1.5"})
    cache.clear()
    assert queries.version() > before
    assert queries.prior().own_district == 0.9
    assert queries.prior().mean("attribute:age_band", "75+|school") == 1.5
    assert catalogues.versions()[2] == queries.version()
    made = PriorChange.objects.get()
    assert made.by == cast.editor().id
    assert AuditEntry.objects.get(kind="order_changed").detail == {"what": "prior", "number": made.pk}
    page = text(editor.get(reverse("city_prior")))
    assert "高齢の方へのお知らせが多すぎるため" in page
    assert f"いまは第{made.pk}版です。" in page


def test_a_weight_about_an_attribute_that_is_no_more_stays_and_stops_nothing(town, editor: Client) -> None:
    gone = {"attribute_topic": {"shoe_size": {"42": {"sports": 0.5}}}}
    PriorChange.objects.create(prior=gone, reason="x", at=NOW)
    data = numbers(editor, step="save", reason="次の版", own_district="0.9")
    assert not [name for name in data if "shoe_size" in name]
    assert editor.post(reverse("city_prior"), data).status_code == 302
    assert queries.prior().attribute_topic["shoe_size", "42"] == {"sports": 0.5}
    assert queries.prior().own_district == 0.9


def test_an_earlier_version_comes_back_as_a_new_one(town, editor: Client) -> None:
    for value in ("0.9", "1.1"):
        editor.post(
            reverse("city_prior"), numbers(editor, step="save", reason="試すため", own_district=value)
        )
    first = PriorChange.objects.order_by("pk")[0]
    page = text(editor.get(reverse("city_prior"), {"version": first.pk}))
    assert 'name="own_district" value="0.9"' in page
    base = re.search(r'name="base" value="(\d+)"', page)
    assert base is not None
    assert int(base[1]) == editing.prior_version() != first.pk
    code = text(editor.get(reverse("city_prior"), {"version": 0}))
    assert 'name="own_district" value="0.7"' in code
    for wrong in ("999", "x", "-1"):
        assert editor.get(reverse("city_prior"), {"version": wrong}).status_code == 404


def test_a_version_with_other_fields_than_the_present_one_comes_back_whole(town, editor: Client) -> None:
    cell = "attribute_topic/age_band/75+/elderly"
    added = {"who": "age_band=75+", "topic": "school", "weight": "1.5"}
    for changed in ({cell: "0"}, added):
        editor.post(reverse("city_prior"), numbers(editor, step="save", reason="試すため", **changed))
    assert queries.prior().mean("attribute:age_band", "75+|elderly") == 0
    code = text(editor.get(reverse("city_prior"), {"version": 0}))
    data = dict(re.findall(r'<input type="(?:number|hidden)" name="([^"]+)" value="([^"]+)"', code))
    assert cell in data
    answer = editor.post(reverse("city_prior"), {**data, "reason": "もどすため", "step": "save"})
    assert answer.status_code == 302, text(answer, 422)
    assert queries.prior().mean("attribute:age_band", "75+|elderly") == 0.9
    assert queries.prior().mean("attribute:age_band", "75+|school") == 0


def test_a_version_that_cannot_be_read_is_not_filled_in(town, editor: Client) -> None:
    PriorChange.objects.create(prior={"of another release": 1}, reason="x", at=NOW)
    data = numbers(editor, step="save", reason="直すため", own_district="0.8")
    assert editor.post(reverse("city_prior"), data).status_code == 302
    assert queries.prior().own_district == 0.8


def test_of_two_editors_the_second_is_told_and_loses_nothing(town, editor: Client) -> None:
    mine = numbers(editor, step="save", reason="わたしの変更", own_district="1.2")
    other = cast.sign_in(browser(), cast.operator())
    other.post(reverse("city_prior"), numbers(other, step="save", reason="先の変更", own_district="0.8"))
    page = text(editor.post(reverse("city_prior"), mine), 409)
    assert "ほかの人が先に変えました" in page
    assert 'name="own_district" value="1.2"' in page
    assert queries.prior().own_district == 0.8
    # Told, the second may decide again.
    base = re.search(r'name="base" value="(\d+)"', page)
    assert base is not None
    assert editor.post(reverse("city_prior"), {**mine, "base": base[1]}).status_code == 302
    assert queries.prior().own_district == 1.2


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"own_district": "9"}, "3.0"),
        ({"own_district": "高い"}, "数"),
        ({"own_district": "nan"}, "数"),
        ({"half_life_days/news": "0"}, "0.1"),
        ({"who": "age_band=75+", "topic": "", "weight": ""}, "三つとも"),
        ({"who": "access_needs=wheelchair", "topic": "health", "weight": "1"}, "選択"),
        ({"reason": ""}, "変える理由を書いてください"),
    ],
)
def test_a_wrong_number_is_told_at_its_place_and_nothing_is_written(
    town, editor: Client, wrong: dict[str, str], says: str
) -> None:
    data = {**numbers(editor, step="save", reason="試すため", declared="0.85"), **wrong}
    page = text(editor.post(reverse("city_prior"), data), 422)
    errors = " ".join(re.findall(r'id="[^"]*_error">(.*?)</div>', page))
    assert says in errors
    assert 'name="declared" value="0.85"' in page
    assert not PriorChange.objects.exists()


@pytest.mark.parametrize(
    "document",
    [
        {"own_district": 9.0},
        {"half_life_days": {"news": 0.001}},
        {"default_half_life_days": 1e9},
        {"attribute_topic": {"age_band": {"75+": {"health": -4.0}}}},
        {"nonsense": 1.0},
        {"own_district": float("nan")},
    ],
)
def test_the_action_itself_refuses_what_is_out_of_bounds(document: dict[str, Any]) -> None:
    with pytest.raises(WeightsError):
        editing.set_prior(document=document, reason="試すため", by=None, now=NOW, base=0)
    assert not PriorChange.objects.exists()


def test_no_reason_no_change_and_no_other_version_than_the_last() -> None:
    with pytest.raises(WeightsError, match="reason"):
        editing.set_prior(document={}, reason=" ", by=None, now=NOW, base=0)
    editing.set_prior(document={}, reason="試すため", by=None, now=NOW, base=0)
    with pytest.raises(EditedMeanwhileError):
        editing.set_prior(document={}, reason="試すため", by=None, now=NOW, base=0)


# --- rules -------------------------------------------------------------------------------------------------------


def test_a_pinned_item_is_tried_made_seen_explained_and_ended(town, editor: Client) -> None:
    assert home()[0] != "古い催し"
    page = text(editor.get(reverse("city_rules"), {"item": "old"}))
    assert '<option value="item:old" selected>古い催し</option>' in page
    page = text(editor.post(reverse("city_rules"), fields(step="try")))
    assert "試した結果" in page
    assert "市の担当者が、いま読んでほしいお知らせとして先頭に出しています" in page
    assert not Row.objects.exists()
    assert editor.post(reverse("city_rules"), fields(step="save")).status_code == 302
    assert home()[0] == "古い催し"
    page = text(browser().get("/"))
    assert "市の担当者が、いま読んでほしいお知らせとして先頭に出しています" in page
    page = text(browser().get(reverse("mydata:ranking")))
    assert "「古い催し」: 先頭に出す" in page
    assert "申込みの締切が近いため" in page
    page = text(editor.get(reverse("city_ranking")))
    assert "担当者の決まりで、先頭にあります。" in page
    made = Row.objects.get()
    assert editor.post(reverse("city_rule_end", args=[made.pk])).status_code == 302
    assert home()[0] != "古い催し"
    assert [
        one.detail["what"] for one in AuditEntry.objects.filter(kind="order_changed").order_by("seq")
    ] == [
        "rule",
        "rule_ended",
    ]


def test_a_rule_ends_with_its_time_without_anybody(town, editor: Client, time_machine) -> None:
    editor.post(reverse("city_rules"), fields(step="save", ends_at="2026-06-01T16:00"))
    assert home()[0] == "古い催し"
    time_machine.move_to(NOW + timedelta(hours=1, seconds=1), tick=False)
    assert home()[0] != "古い催し"
    again = cast.sign_in(browser(), cast.editor())
    assert "終わった決まり" in text(again.get(reverse("city_rules")))


def test_a_rule_for_some_is_for_them_only_and_only_with_what_they_released(town, editor: Client) -> None:
    data = fields(step="save", effect="hide", target="topic:elderly", audience_age_band="75+")
    page = editor.post(reverse("city_rules"), data)
    assert page.status_code == 302, text(page, 422)
    assert Row.objects.get().audience == {"age_band": ["75+"]}
    assert "見守りの集い" in home()
    page = text(editor.get(reverse("city_ranking"), {"person": "taro", "q": "見守り"}))
    assert "担当者の決まりで、一覧に出していません。" in page
    assert "年代" in text(editor.get(reverse("city_rules")))


def test_up_and_down_are_terms_that_the_desk_and_the_resident_read(town, editor: Client) -> None:
    editor.post(reverse("city_rules"), fields(step="save", target="topic:elderly", effect="up", strength="2"))
    cache.clear()
    page = text(editor.get(reverse("city_ranking")))
    assert "担当者の決まり" in page
    page = text(browser().get(reverse("mydata:ranking")))
    assert re.search(r"話題「[^」]+」の項目: 上げる（7\.4倍）", page)
    assert home()[0] == "見守りの集い"
    assert "市の担当者が、期間を決めて上に出しています" in text(browser().get("/"))


def test_the_urgent_stays_whatever_is_ruled(town, editor: Client) -> None:
    for kind in ("news", "notice", "event", "service", "gadget"):
        data = fields(step="save", target=f"kind:{kind}", effect="hide")
        assert editor.post(reverse("city_rules"), data).status_code == 302
    cache.clear()
    page = text(browser().get("/"))
    assert "大雨の警報" in page
    assert "見守りの集い" not in page.split('aria-labelledby="zone-for-you"')[1].split("</section>")[0]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"target": "topic:school"}, "一つの項目だけ"),
        ({"target": "item:none"}, "選択"),
        ({"effect": "up", "strength": ""}, "0.1 から 3"),
        ({"effect": "up", "strength": "5"}, "3.0"),
        ({"ends_at": "2026-06-01T14:00"}, "終わりは"),
        ({"ends_at": "2028-06-01T14:00"}, "終わりは"),
        ({"ends_at": "9999-12-31T23:59"}, "1900 から 2200"),
        ({"starts_at": "0001-01-01T00:00"}, "1900 から 2200"),
        ({"ends_at": "きのう"}, "日"),
        ({"reason": ""}, "必須"),
    ],
)
def test_a_wrong_rule_is_told_at_its_place(town, editor: Client, wrong: dict[str, str], says: str) -> None:
    page = text(editor.post(reverse("city_rules"), fields(step="save", **wrong)), 422)
    assert says in " ".join(re.findall(r'id="[^"]*_error">(.*?)</div>', page))
    assert not Row.objects.exists()
    if "reason" not in wrong:
        assert "申込みの締切が近いため" in page


def test_there_are_only_so_many_and_ended_ones_do_not_count(town, editor: Client) -> None:
    for _ in range(MOST_RULES):
        editing.make_rule(rule=rule(), by=None, now=NOW)
    with pytest.raises(RuleRefusedError):
        editing.make_rule(rule=rule(), by=None, now=NOW)
    assert f"{MOST_RULES}件まで" in text(editor.post(reverse("city_rules"), fields(step="save")), 422)
    editing.end_rule(number=Row.objects.order_by("pk")[0].pk, now=NOW + timedelta(hours=1))
    editing.make_rule(rule=rule(), by=None, now=NOW + timedelta(hours=2))


def test_what_has_not_begun_is_taken_away_and_what_is_over_cannot_be_ended() -> None:
    planned = editing.make_rule(rule=rule(starts_at=NOW + timedelta(hours=1)), by=None, now=NOW)
    editing.end_rule(number=planned, now=NOW)
    assert not Row.objects.exists()
    with pytest.raises(RuleMissingError):
        editing.end_rule(number=planned, now=NOW)


def test_ending_twice_is_told(town, editor: Client) -> None:
    page = text(editor.post(reverse("city_rule_end", args=[12345]), follow=True))
    assert "見つからないか、もう終わっています" in page


def test_an_audience_that_is_no_longer_known_is_nobodys(town, caplog) -> None:
    number = editing.make_rule(
        rule=rule(target="elderly", audience={"gone.key": ["x"]}), by=None, now=timezone.now()
    )
    assert "見守りの集い" in home()
    assert f"rule {number} is left out" in caplog.text


# --- who may -----------------------------------------------------------------------------------------------------


def test_only_the_desk_sees_the_pages_and_each_action_asks_again(town) -> None:
    hers = cast.sign_in(browser(), cast.hanako())
    for name in ("city_prior", "city_rules"):
        for client in (browser(), hers):
            assert client.get(reverse(name)).status_code in {302, 403}
            assert client.post(reverse(name), {}).status_code in {302, 403}
    for client in (browser(), hers):
        assert client.post(reverse("city_rule_end", args=[1])).status_code in {302, 403}
    for by in (PORTAL, Actor(id=None, roles=frozenset({RESIDENT, PROVIDER}))):
        with pytest.raises(PermissionDenied):
            tuning.set_prior(document={}, reason="x", by=by, now=NOW, base=0)
        with pytest.raises(PermissionDenied):
            tuning.make_rule(rule=rule(), by=by, now=NOW)
        with pytest.raises(PermissionDenied):
            tuning.end_rule(number=1, by=by, now=NOW)
