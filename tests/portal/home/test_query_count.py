"""A signed-in home costs the same few queries with 200, 2,000 and 20,000 items and with eight gadgets."""

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bench import rows
from identity.domain.roles import Actor
from identity.household import authority, guardianships
from identity.models import Resident
from portal.home.index import content_index
from tests import cast
from tests.portal.home.conftest import browser

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clean():
    cache.clear()
    yield
    cache.clear()


def signed_in() -> Client:
    return cast.sign_in(browser(), Resident.objects.get(id=rows.RESIDENT))


def queries(client: Client) -> list[str]:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        response = client.get("/")
    assert response.status_code == 200
    assert response.content.count(b"data-gadget=") == 8
    assert response.content.count(b'class="entry__why"') == 12
    assert response.content.count("次の収集は燃えるごみ".encode()) == 8 * 5
    # A session is noted as used once in a while, which a long run of tests meets.
    kept = ("django_session", 'UPDATE "identity_oidcsession" SET "seen_at"')
    return [query["sql"] for query in captured if not any(part in query["sql"] for part in kept)]


@pytest.mark.parametrize("items", [200, 2_000, pytest.param(20_000, marks=pytest.mark.full)])
def test_a_warm_home_takes_two_queries_whatever_it_chooses_from(items):
    now = timezone.now()
    ids = rows.gadgets(8, now=now)
    rows.resident(ids, now=now)
    rows.pages(items, now=now)
    client = signed_in()
    queries(client)
    assert len(content_index.current().entries) == items + 8
    found = queries(client)
    assert len(found) == 2, found
    assert "identity_resident" in found[0]
    assert "gadgets_placement" in found[1]


def test_while_acting_for_a_ward_it_takes_one_query_more_and_without_a_ward_none():
    now = timezone.now()
    ids = rows.gadgets(8, now=now)
    rows.resident(ids, now=now)
    rows.pages(50, now=now)
    client, by = signed_in(), Actor(id=rows.RESIDENT)
    ward = guardianships.add_child(
        guardian=rows.RESIDENT,
        name="はな",
        ends_on=authority.end_of_school(timezone.localdate(), ("e3",)),
        values={"area.district": "busshozan"},
        by=by,
    )
    client.get("/")

    def home() -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            assert client.get("/").status_code == 200
        return [query["sql"] for query in captured if "django_session" not in query["sql"]]

    assert len(home()) == 2
    client.post("/my-data/household/act/", {"ward": str(ward)})
    home()
    found = home()
    assert len(found) == 3, found
    assert "identity_guardianship" in found[0]


def test_a_guests_warm_home_takes_no_query():
    now = timezone.now()
    rows.pages(50, now=now)
    guest = browser()
    guest.get("/")
    with CaptureQueriesContext(connection) as captured:
        assert guest.get("/").status_code == 200
    assert [query["sql"] for query in captured] == []


def test_after_something_was_published_the_next_home_takes_few_queries_and_shows_it():
    now = timezone.now()
    ids = rows.gadgets(8, now=now)
    rows.resident(ids, now=now)
    rows.pages(200, now=now)
    client = signed_in()
    queries(client)
    rows.pages(20, now=now)
    cache.delete("content:version")
    assert len(queries(client)) <= 14
    assert len(content_index.current().entries) == 220 + 8
    assert len(queries(client)) == 2
