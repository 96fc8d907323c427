"""Whatever an editor does to zones, home and lists, the home answers and an alert can be published."""

import itertools
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import resolve
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from identity.domain.roles import SYSTEM
from portal.content import actions, queries
from portal.content.editing.blocks import ZONES
from portal.content.editing.fixed_pages import reserved
from portal.content.models import AlertPage, HomePage, IndexPage
from portal.content.queries import DEFAULT_TITLES, HomeLayout
from portal.home.page.compose import Reader, compose
from portal.home.page.render import render
from tests import cast
from tests.portal.content.pages import publish
from tests.portal.content.test_alert_files import an_alert
from tests.portal.home.samples import NOW, catalogue, entry

SUBSETS = [order for size in range(len(ZONES) + 1) for order in itertools.permutations(ZONES, size)]


@pytest.fixture
def editor(client: Client) -> Client:
    return cast.sign_in(client, cast.editor())


@given(
    order=st.sampled_from(SUBSETS),
    titles=st.fixed_dictionaries({}, optional={zone: st.just({"ja": "見出し"}) for zone in ZONES}),
    locale=st.sampled_from(["ja", "en", "ja-simple"]),
    mode=st.sampled_from(["guest", "resident", "preview"]),
)
def test_every_subset_and_order_of_zones_draws_the_alerts_above_them(
    order: tuple[str, ...], titles: dict[str, Any], locale: str, mode: Any
) -> None:
    from django.test import RequestFactory
    from django.utils import translation

    found = catalogue([entry("flood", kind="alert", urgent=True, level=4), entry("news", kind="news")])
    layout = HomeLayout(order, (), {**DEFAULT_TITLES, **titles})
    request = RequestFactory().get("/")
    request.session = {}  # type: ignore[assignment]
    with translation.override(locale):
        view = compose(layout, Reader(mode=mode, locale=locale), NOW, catalogue=found)
        html = render(view, request=request)
    assert html.count('class="alert alert--urgent"') == 1
    first = min((html.find(f'id="zone-{zone.replace("_", "-")}"') for zone in order), default=-1)
    assert first == -1 or html.index('class="alerts"') < first


@pytest.mark.django_db
@pytest.mark.parametrize("order", [(), ("news",), ("gadgets", "for_you"), tuple(reversed(ZONES))])
def test_the_home_answers_over_http_whatever_the_zones(client: Client, order: tuple[str, ...]) -> None:
    publish("alert", "flood", now=timezone.now(), urgent=True, level=4, alert_kind="flood")
    home = HomePage.objects.get()
    home.zones = [(zone, {}) for zone in order]
    home.save_revision().publish()
    for address in ("/", "/en/", "/ja-simple/"):
        response = client.get(address)
        assert response.status_code == 200
        assert 'class="alert alert--urgent"' in response.content.decode()


@pytest.mark.django_db
def test_a_home_that_still_holds_the_zone_of_alerts_goes_on_working(client: Client) -> None:
    old = [{"type": zone, "value": {}, "id": str(number)} for number, zone in enumerate(("alerts", "news"))]
    HomePage.objects.update(zones=__import__("json").dumps(old))
    publish("alert", "flood", now=timezone.now(), urgent=True)
    assert queries.home_layout().zones == ("news",)
    assert 'class="alert alert--urgent"' in client.get("/").content.decode()


def fixed() -> list[Any]:
    return [HomePage.objects.get(), *IndexPage.objects.all()]


@pytest.mark.django_db
def test_an_editor_cannot_take_home_and_lists_away_by_any_way(editor: Client) -> None:
    before = {page.pk: (page.live, page.path) for page in fixed()}
    other = IndexPage.objects.get(lists="news")
    for page in fixed():
        for address in (
            f"/admin/pages/{page.pk}/delete/",
            f"/admin/pages/{page.pk}/unpublish/",
            f"/admin/pages/{page.pk}/move/{other.pk}/confirm/",
            f"/admin/pages/{page.pk}/move/",
            f"/admin/pages/{page.pk}/copy/",
        ):
            sent = {"gone_asked": "1", "explanation": "x", "new_slug": "zwei", "new_title": "x"}
            response = editor.post(address, sent | {"new_parent_page": page.get_parent().pk})
            assert response.status_code in {302, 403}, address
        for action in ("delete", "unpublish", "move"):
            answer = editor.post(
                f"/admin/bulk/wagtailcore/page/{action}/?id={page.pk}", {"chooser": other.pk}
            )
            assert answer.status_code in {302, 403, 404, 200}, (action, answer.status_code)
    assert {page.pk: (page.live, page.path) for page in fixed()} == before


def list_form(**fields: Any) -> dict[str, Any]:
    return {
        "title": "一覧", "slug": "liste", "lists": "news", "action-publish": "1", "comments-TOTAL_FORMS": "0",
        "comments-INITIAL_FORMS": "0", **fields,
    }  # fmt: skip


@pytest.mark.django_db
def test_a_second_list_a_change_of_its_kind_and_a_taken_address_are_refused_at_the_field(
    editor: Client,
) -> None:
    home, news = HomePage.objects.get(), IndexPage.objects.get(lists="news")
    response = editor.post(f"/admin/pages/add/content/indexpage/{home.pk}/", list_form())
    assert "すでにあります" in str(response.context["form"].errors["lists"])
    response = editor.post(f"/admin/pages/{news.pk}/edit/", list_form(slug="news", lists="event"))
    assert "変えられません" in str(response.context["form"].errors["lists"])
    for slug in ("gadgets", "en", "admin", "sign-in", "static", "my-data"):
        response = editor.post(f"/admin/pages/{news.pk}/edit/", list_form(slug=slug))
        assert "プログラムが使っています" in str(response.context["form"].errors["slug"]), slug
    scheduled = list_form(slug="news", expire_at="2099-01-01 10:00")
    editor.post(f"/admin/pages/{news.pk}/edit/", scheduled)
    assert IndexPage.objects.count() == 4
    news.refresh_from_db()
    assert (news.slug, news.lists, news.expire_at) == ("news", "news", None)


@pytest.mark.django_db
def test_the_reserved_addresses_are_those_of_the_program(client: Client) -> None:
    """Every address that the program answers, with or without a language, begins with a reserved part or none."""
    from django.urls import get_resolver

    seen = set()
    for name, found in get_resolver(settings.ROOT_URLCONF).reverse_dict.lists():
        for forms, _pattern, _defaults, _converters in found if isinstance(found, list) else [found]:
            for route, _parameters in forms:
                first = re.match(r"([^/%]+)/", route)
                if first and callable(name):
                    seen.add(first[1])
    assert seen - {"ja", "en", "ja-simple"} <= reserved() | {"ja", "en", "ja-simple"}
    assert {"gadgets", "admin", "sign-in", "en", "ja-simple", "my-data", "all-news"} <= reserved()
    for slug in ("news", "events", "alerts", "services", "liste"):
        assert slug not in reserved()
        assert resolve(f"/{slug}/").url_name == "wagtail_serve"


@pytest.mark.django_db(transaction=True)
def test_an_alert_is_published_even_without_home_and_lists(own_files: Path) -> None:
    IndexPage.objects.get(lists="alert").delete()
    now = timezone.now()
    alert = an_alert(valid_until=now + timedelta(hours=1))
    actions.publish_alert(alert=alert, by=SYSTEM, now=now)
    assert AlertPage.objects.get().live
    HomePage.objects.get().delete()
    actions.publish_alert(alert=an_alert(2, valid_until=now + timedelta(hours=1)), by=SYSTEM, now=now)
    assert AlertPage.objects.get().live
