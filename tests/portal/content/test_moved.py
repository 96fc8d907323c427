"""An address that once led to a page still says where it is, or why it is gone, in every language."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone, translation

from portal.content.models import GonePage, IndexPage, NewsPage
from tests import cast
from tests.portal.content.pages import publish

pytestmark = pytest.mark.django_db
PREFIXES = ("", "/en", "/ja-simple")


@pytest.fixture
def editor() -> Client:
    return cast.sign_in(cast.portal_client(), cast.editor())


def leads(client: Client, old: str, new: str) -> None:
    for prefix in PREFIXES:
        response = client.get(f"{prefix}{old}", {"page": "2"})
        assert (response.status_code, response.headers.get("Location", "").partition("?")[0]) == (
            301,
            f"{prefix}{new}",
        ), prefix
        assert response.headers["Location"].endswith("?page=2")


@pytest.mark.parametrize("language", ["ja", "en"])
@pytest.mark.parametrize("way", ["slug", "move", "list"])
def test_a_changed_address_answers_301_in_each_language_whatever_the_editor_speaks(
    client: Client, way: str, language: str, django_capture_on_commit_callbacks: Any
) -> None:
    page = publish("news", "before", now=timezone.now())
    with translation.override(language), django_capture_on_commit_callbacks(execute=True):
        if way == "slug":
            page.slug = "after"
            page.save_revision().publish()
            new = "/news/after/"
        elif way == "move":
            page.move(IndexPage.objects.get(lists="service"), pos="last-child")
            new = "/services/before/"
        else:
            index = IndexPage.objects.get(lists="news")
            index.slug = "letters"
            index.save_revision().publish()
            new = "/letters/before/"
    leads(client, "/news/before/", new)
    for prefix in PREFIXES:
        assert client.get(f"{prefix}{new}").status_code == 200


def test_moved_twice_leads_there_at_once_and_a_new_page_may_take_the_old_address(
    client: Client, django_capture_on_commit_callbacks: Any
) -> None:
    page = publish("news", "one", now=timezone.now())
    for slug in ("two", "three"):
        with django_capture_on_commit_callbacks(execute=True):
            page.slug = slug
            page.save_revision().publish()
    leads(client, "/news/one/", "/news/three/")
    leads(client, "/news/two/", "/news/three/")
    publish("news", "one", now=timezone.now())
    assert client.get("/news/one/").status_code == 200


@pytest.mark.parametrize("way", ["unpublish", "delete"])
def test_whoever_takes_a_page_down_is_asked_and_readers_are_told_why(
    client: Client, editor: Client, way: str
) -> None:
    page = publish("news", "one", now=timezone.now(), title="夏の講座")
    address = f"/admin/pages/{page.pk}/{way}/"
    asked = editor.post(address, {})
    assert "なぜないのか" in asked.content.decode()
    refused = editor.post(address, {"gone_asked": "1", "explanation": "  "})
    assert refused.status_code == 422
    assert "理由を書くか" in refused.content.decode()
    assert client.get("/news/one/").status_code == 200
    sent = {"gone_asked": "1", "explanation": "講座は終わりました。", "explanation_en": "The course is over."}
    assert editor.post(address, sent).status_code == 302
    for prefix, words in (
        ("", "講座は終わりました。"),
        ("/en", "The course is over."),
        ("/ja-simple", "講座は"),
    ):
        response = client.get(f"{prefix}/news/one/")
        assert response.status_code == 410
        assert words in response.content.decode()
    listed = editor.get("/admin/content_gone/").content.decode()
    assert "/news/one/" in listed
    assert "夏の講座" in listed


def test_a_page_in_its_place_is_where_readers_go(client: Client, editor: Client) -> None:
    page, other = publish("news", "one", now=timezone.now()), publish("news", "two", now=timezone.now())
    sent = {"gone_asked": "1", "explanation": "", "target": str(other.pk)}
    assert editor.post(f"/admin/pages/{page.pk}/delete/", sent).status_code == 302
    leads(client, "/news/one/", "/news/two/")
    other.unpublish()
    assert client.get("/news/one/").status_code == 410


def test_a_draft_goes_without_a_question_and_many_at_once_only_if_nobody_saw_them(editor: Client) -> None:
    page = publish("news", "one", now=timezone.now())
    answer = editor.post(f"/admin/bulk/wagtailcore/page/delete/?id={page.pk}", {}, follow=True)
    assert "1ページずつ" in answer.content.decode()
    assert NewsPage.objects.count() == 1
    draft = NewsPage(title="下書き", slug="draft", live=False)
    IndexPage.objects.get(lists="news").add_child(instance=draft)
    assert editor.post(f"/admin/pages/{draft.pk}/delete/").status_code == 302
    assert not GonePage.objects.exists()


def test_a_page_that_is_out_again_has_no_reason_for_being_gone(client: Client, editor: Client) -> None:
    page = publish("news", "one", now=timezone.now())
    editor.post(f"/admin/pages/{page.pk}/unpublish/", {"gone_asked": "1", "explanation": "まちがい"})
    assert client.get("/news/one/").status_code == 410
    page.refresh_from_db()
    page.get_latest_revision().publish()
    assert client.get("/news/one/").status_code == 200
    assert not GonePage.objects.exists()


def test_an_address_that_never_was_is_not_found_and_costs_no_query_elsewhere(
    client: Client, now: datetime, django_assert_max_num_queries: Any
) -> None:
    assert client.get("/news/never/").status_code == 404
    assert client.get("/en/news/never/").status_code == 404
    publish("news", "one", now=now, expire_at=now + timedelta(hours=1))
    with time_machine.travel(now + timedelta(hours=2)):
        assert client.get("/en/news/one/").status_code == 410
        assert client.post("/news/one/").status_code in {404, 405, 403}


def test_redirects_belong_to_editors(client: Client, editor: Client) -> None:
    assert editor.get("/admin/redirects/").status_code == 200
    response = editor.post(
        "/admin/redirects/add/",
        {
            "old_path": "/tosho/",
            "site": "",
            "is_permanent": "on",
            "redirect_link": "https://library.example/",
        },
    )
    assert response.status_code == 302
    assert client.get("/tosho/").headers["Location"] == "https://library.example/"
    operator = cast.sign_in(cast.portal_client(), cast.operator())
    assert operator.get("/admin/redirects/").status_code == 302
