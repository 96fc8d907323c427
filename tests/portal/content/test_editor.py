"""The editor's side: who may enter, what can be edited, how many are reached, and publishing by the real forms."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from demo import seed
from identity import actions as identity_actions
from identity.audit import chain
from identity.domain.audience import Audience
from identity.domain.consent import Notice
from identity.domain.roles import SYSTEM
from identity.errors import NotAllowed
from portal.alerts import alert_files
from portal.content import queries
from portal.content.models import AlertPage, HomePage, IndexPage, NewsPage
from tests import cast
from tests.portal.content.pages import publish

pytestmark = pytest.mark.django_db
ALERT = {
    "level": "4",
    "alert_kind": "rain",
    "urgent": "on",
    "what_to_do": "逃げる",
    "whole_city": "on",
    "valid_until": "2099-01-01 10:00",
}
NOTICE = Notice(language="ja", text="数えるために")


@pytest.fixture
def editor(client: Client) -> Client:
    """A client with the editor's session."""
    return cast.sign_in(client, cast.editor())


def add_url(kind: str, parent: str) -> str:
    return f"/admin/pages/add/content/{kind}/{IndexPage.objects.get(lists=parent).pk}/"


def form(**fields: Any) -> dict[str, Any]:
    """What the editor's form sends when nothing else was filled in."""
    streams: dict[str, str] = {}
    for name in ("body", "body_en", "body_simple"):
        streams |= {f"{name}-count": "0"}
    return {
        "title": "題名",
        "slug": "page",
        "summary": "",
        "action-publish": "1",
        **streams,
        **fields,
    }


def test_the_editor_writes_for_parents_of_one_district_and_publishes(editor: Client, now: datetime) -> None:
    response = editor.post(
        add_url("newspage", "news"),
        form(
            title="仏生山の親子のひろば",
            slug="hiroba",
            title_en="Playroom",
            **{
                "body-count": "1",
                "body-0-deleted": "",
                "body-0-order": "0",
                "body-0-type": "notice",
                "body-0-value-level": "info",
                "body-0-value-text": "予約はいりません",
                "audience_area-district": ["busshozan"],
                "audience_household-has_child": ["true"],
                "topics": ["childcare"],
            },
        ),
    )
    page = NewsPage.objects.get()
    assert response.status_code == 302, response.context and response.context["form"].errors
    assert page.live
    assert page.audience == {"area.district": ["busshozan"], "household.has_child": [True]}
    (item,) = queries.items()
    assert (item.path, item.topics, item.title["en"]) == ("/news/hiroba/", ("childcare",), "Playroom")


def test_without_a_choice_a_page_is_for_everybody(editor: Client) -> None:
    editor.post(add_url("newspage", "news"), form())
    assert NewsPage.objects.get().audience == {}


def test_a_choice_that_does_not_exist_is_refused_and_nothing_is_kept(editor: Client) -> None:
    response = editor.post(add_url("newspage", "news"), form(**{"audience_area-district": ["atlantis"]}))
    assert response.status_code == 200
    assert response.context["form"].errors["audience"]
    assert not NewsPage.objects.exists()


def test_the_form_shows_choices_in_words_and_no_json(editor: Client, now: datetime) -> None:
    page = publish("news", "one", now=now, audience={"area.district": ["yashima"], "age_band": ["75+"]})
    html = editor.get(f"/admin/pages/{page.pk}/edit/").content.decode()
    assert "お住まいの地区" in html
    assert "屋島" in html
    assert "area.district" not in html
    assert 'name="audience_area-district" value="yashima"' in html.replace("\n", " ")
    assert html.count("checked") >= 2


def test_an_alert_with_its_file_missing_is_told_to_the_editor(
    editor: Client, settings: Any, tmp_path: Path, now: datetime, django_capture_on_commit_callbacks: Any
) -> None:
    (tmp_path / "taken").write_text("")
    settings.ALERTS_DIR = tmp_path / "taken"
    fields = form(**ALERT)
    with django_capture_on_commit_callbacks(execute=True):
        response = editor.post(add_url("alertpage", "alert"), fields, follow=True)
    assert AlertPage.objects.get().live
    assert "静的ファイルに書けませんでした" in response.content.decode()


@pytest.mark.django_db(transaction=True)
def test_an_alert_published_in_the_editor_is_in_the_file_at_once(editor: Client, own_files: Path) -> None:
    response = editor.post(add_url("alertpage", "alert"), form(**ALERT), follow=True)
    (alert,) = alert_files.read_files(own_files)
    assert (alert.level, alert.urgent, alert.kind) == (4, True, "rain")
    assert "静的ファイルに書けませんでした" not in response.content.decode()


@pytest.mark.parametrize("level", ["0", "6", ""])
def test_a_level_outside_of_one_to_five_is_refused(editor: Client, level: str) -> None:
    response = editor.post(add_url("alertpage", "alert"), form(level=level, alert_kind="rain"))
    assert response.context["form"].errors["level"]


def test_the_admin_speaks_japanese_and_offers_no_snippets(editor: Client) -> None:
    html = editor.get("/admin/", headers={"accept-language": "en"}).content.decode()
    assert '<html lang="ja"' in html
    assert editor.get("/admin/snippets/").status_code == 404


@pytest.mark.parametrize("who", ["hanako", "wasteco"])
def test_nobody_without_the_role_enters_the_admin(client: Client, who: str) -> None:
    cast.sign_in(client, getattr(cast, who)())
    response = client.get("/admin/")
    assert response.status_code in {302, 403}
    assert client.post(add_url("newspage", "news"), form()).status_code in {302, 403}
    assert not NewsPage.objects.exists()


def test_an_editor_may_not_change_users_or_sites(editor: Client) -> None:
    for address in ("/admin/users/", "/admin/sites/", "/admin/groups/"):
        assert editor.get(address).status_code in {302, 403, 404}


# --- reach ---------------------------------------------------------------------------------------------------


def people(number: int, **values: Any) -> None:
    made: list[Mapping[str, Any]] = [values] * number
    identity_actions.create_synthetic(people=made, notice=NOTICE, controller="窓口", by=SYSTEM)


def reach(editor: Client, **picked: Any) -> str:
    return str(editor.get("/admin/reach/", picked).json()["reach"])


def test_a_small_audience_is_given_no_number(editor: Client) -> None:
    people(29, **{"area.district": "busshozan"})
    assert "30人未満" in reach(editor, **{"audience_area-district": ["busshozan"]})


def test_a_larger_audience_is_rounded_to_tens(editor: Client) -> None:
    people(43, **{"area.district": "yashima"})
    answer = editor.get("/admin/reach/", {"audience_area-district": ["yashima"]}).json()
    assert answer == {"words": "お住まいの地区: 屋島", "reach": "約 40人（10人きざみ）"}
    assert reach(editor) == "全員に届きます。"


def test_who_asked_about_which_attributes_is_kept_and_no_value_of_them(editor: Client) -> None:
    people(30, **{"area.district": "yashima"})
    reach(editor, **{"audience_area-district": ["yashima"]})
    reach(editor, **{"audience_area-district": ["busshozan"]})
    reach(editor)
    asked = chain.entries(kinds=["reach_asked"])
    assert [entry.detail for entry in asked] == [
        {"keys": ["area.district"], "shown": True},
        {"keys": ["area.district"], "shown": False},
    ]
    assert {entry.who for entry in asked} == {""}
    assert len({entry.by for entry in asked} - {"", "portal"}) == 1


def test_only_editors_and_operators_ask_for_the_reach() -> None:
    for resident in (cast.hanako(), cast.wasteco()):
        with pytest.raises(NotAllowed):
            identity_actions.ask_reach(audience=Audience(), by=cast.as_actor(resident))
    assert chain.entries(kinds=["reach_asked"]) == ()


def test_the_panel_stands_in_the_editor(editor: Client, now: datetime) -> None:
    page = publish("news", "one", now=now, audience={"area.district": ["yashima"]})
    for address in (f"/admin/pages/{page.pk}/edit/", add_url("newspage", "news")):
        html = editor.get(address).content.decode()
        assert "届く人数" in html
        assert "content/reach.js" in html
    assert "30人未満" in editor.get(f"/admin/pages/{page.pk}/edit/").content.decode()


def test_an_unknown_value_is_answered_with_its_error(editor: Client) -> None:
    assert editor.get("/admin/reach/", {"audience_area-district": ["atlantis"]}).status_code == 400


def test_the_count_is_for_editors_only(client: Client) -> None:
    cast.sign_in(client, cast.hanako())
    assert client.get("/admin/reach/", {"audience_area-district": ["yashima"]}).status_code in {302, 403}


# --- previews ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("persona", ["guest", "hanako", "taro", "linh"])
def test_the_home_is_previewed_for_a_persona_without_reading_a_resident(
    now: datetime, persona: str, django_assert_num_queries: Any
) -> None:
    seed.make_personas()
    home = HomePage.objects.get()
    publish("news", "hiroba", now=now, title="ひろば", audience={"area.district": ["busshozan"]})
    home.zones = [("for_you", {"title": "試しの見出し"})]
    response = home.make_preview_request(preview_mode=persona)
    html = response.content.decode()
    assert response.status_code == 200
    assert "試しの見出し" in html
    assert ("ひろば" in html) == (persona == "hanako")


@pytest.mark.parametrize(
    ("mode", "words"), [("ja", "お知らせ文"), ("en", "English text"), ("ja-simple", "お知らせ文")]
)
def test_a_page_is_previewed_in_each_language(now: datetime, mode: str, words: str) -> None:
    page = publish("news", "one", now=now, title="お知らせ文", title_en="English text")
    assert words in page.make_preview_request(preview_mode=mode).content.decode()


def test_the_editor_previews_a_draft(editor: Client, now: datetime) -> None:
    page = publish("news", "one", now=now)
    response = editor.post(f"/admin/pages/{page.pk}/edit/preview/", form(title="書きかけ"))
    assert response.json()["is_valid"]
    shown = editor.get(f"/admin/pages/{page.pk}/edit/preview/?mode=ja")
    assert "書きかけ" in shown.content.decode()
    assert "frame-ancestors 'self'" in shown.headers["Content-Security-Policy"]
