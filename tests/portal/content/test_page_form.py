"""An editor needs no address by hand; one that was given is kept."""

from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from portal.content.models import IndexPage, NewsPage
from tests import cast
from tests.portal.content.test_editor import add_url, form

pytestmark = pytest.mark.django_db


@pytest.fixture
def editor(client: Client) -> Client:
    return cast.sign_in(client, cast.editor())


def added(editor: Client, **fields: Any) -> NewsPage:
    response = editor.post(add_url("newspage", "news"), form(**fields))
    assert response.status_code == 302, response.context["form"].errors
    page: NewsPage = NewsPage.objects.latest("pk")
    return page


def test_a_japanese_title_gets_the_day_as_its_address_and_the_next_one_a_number(editor: Client) -> None:
    today = f"{timezone.localdate():%Y%m%d}"
    assert added(editor, slug="").slug == today
    assert added(editor, slug="").slug == f"{today}-2"


def test_an_english_title_gives_its_words(editor: Client) -> None:
    assert added(editor, slug="", title_en="Playroom: opens in May!").slug == "playroom-opens-in-may"


def test_an_address_of_ones_own_is_kept(editor: Client) -> None:
    assert added(editor, slug="hiroba", title_en="Playroom").slug == "hiroba"


def test_the_address_stays_when_the_form_is_sent_without_it_again(editor: Client, now: datetime) -> None:
    page = added(editor, slug="hiroba")
    response = editor.post(f"/admin/pages/{page.pk}/edit/", form(slug="", title="新しい題名"))
    assert response.status_code == 302
    page.refresh_from_db()
    assert (page.slug, page.title) == ("hiroba", "新しい題名")


def test_a_taken_address_is_told(editor: Client) -> None:
    added(editor, slug="hiroba")
    response = editor.post(add_url("newspage", "news"), form(slug="hiroba"))
    assert response.context["form"].errors["slug"]
    assert NewsPage.objects.count() == 1


def test_each_list_offers_its_own_kind_only(editor: Client) -> None:
    lists = {index.lists: index.pk for index in IndexPage.objects.all()}
    for kind, number in lists.items():
        for other in lists:
            response = editor.get(f"/admin/pages/add/content/{other}page/{number}/")
            assert (response.status_code == 200) is (other == kind)
