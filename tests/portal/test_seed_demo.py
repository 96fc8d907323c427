"""The demo's seed: a second run changes nothing, and it tells the story that the cast tells."""

import io
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.core.management import CommandError, call_command

from core import versions
from demo.cast import CAST, HANAKO, LINH, TARO
from identity import queries as identity_queries
from identity.domain.attributes import DISTRICTS
from identity.domain.audience import Audience, matches
from identity.household import authority
from portal.alerts import alert_files
from portal.content import queries
from portal.content import queries as content_queries


def seed(*arguments: str) -> str:
    out = io.StringIO()
    call_command("seed_demo", "--no-gadgets", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture(autouse=True)
def own_files(tmp_path: Path, settings: Any) -> None:
    cache.clear()
    settings.ALERTS_DIR = tmp_path / "alerts"
    settings.ID_PROVIDER = "embedded"
    settings.LOOPBACK_NAMES = True


@pytest.mark.django_db
def test_the_seed_tells_the_story_and_a_second_run_changes_nothing(
    now: datetime, django_capture_on_commit_callbacks: Any, settings: Any
) -> None:
    with time_machine.travel(now, tick=True), django_capture_on_commit_callbacks(execute=True):
        said = seed("--synthetic", "60")
    assert "cast: 14\npersonas: 3\nsample pages: 36\nevents: 490\nmade-up residents: 60\n" in said
    people = {key: identity_queries.bundle(person.id) for key, person in CAST.items()}
    assert all(people.values())
    assert {key for key, bundle in people.items() if bundle and bundle.personalised} == {
        "hanako",
        "taro",
        "linh",
    }
    assert people["editor"].roles == {"editor"}  # type: ignore[union-attr]
    items = queries.items(now)
    assert [item.level for item in items if item.kind == "alert" and item.urgent] == [4]
    assert [alert.urgent for alert in alert_files.read_files(settings.ALERTS_DIR)] == [True, False]
    assert all(item.sample for item in items if item.kind != "event")
    only = {
        person.key: {
            item.path for item in items if item.audience and matches(item.audience, bundle.attributes)
        }
        for person in (HANAKO, TARO, LINH)
        if (bundle := people[person.key])
    }
    assert "/news/busshozan-playroom/" in only["hanako"] - only["taro"] - only["linh"]
    assert "/news/yashima-watch/" in only["taro"] - only["hanako"] - only["linh"]
    assert "/news/japanese-class/" in only["linh"] - only["hanako"] - only["taro"]
    everybody = Audience.parse({"area.district": list(DISTRICTS)})
    assert identity_queries.audience_counts(everybody) == 60

    wards = authority.wards(HANAKO.id, now)
    assert [(ward.name, ward.holds) for ward in wards] == [("高松 はな", True), ("高松 そら", True)]
    years = [identity_queries.bundle(ward.ward).attributes["household.school_years"] for ward in wards]  # type: ignore[union-attr]
    assert years == [("e3",), ("preschool",)]

    version, residents = versions.read(content_queries.VERSION_KEY), get_user_model().objects.count()
    with time_machine.travel(now, tick=True):
        again = seed("--synthetic", "60")
    assert "sample pages: 0\nevents: 0\nmade-up residents: 0\n" in again
    assert versions.read(content_queries.VERSION_KEY) == version
    assert get_user_model().objects.count() == residents


@pytest.mark.django_db
def test_a_made_up_resident_can_sign_in_nowhere(now: datetime) -> None:
    from demo.seed import make_synthetic

    assert make_synthetic(40) == 40
    assert make_synthetic(40) == 0
    made = get_user_model().objects.filter(issuer="synthetic")
    assert made.count() == 40
    assert not any(resident.has_usable_password() for resident in made)


def test_it_refuses_to_run_in_a_city(settings: Any) -> None:
    settings.DEMO = settings.LOOPBACK_NAMES = False
    with pytest.raises(CommandError, match="見本"):
        seed()


@pytest.mark.django_db
def test_a_broken_list_of_events_ends_it_with_a_sentence(monkeypatch: Any, tmp_path: Path) -> None:
    from demo import seed as sown

    broken = tmp_path / "events.csv"
    broken.write_text("名称\n図書館\n")
    monkeypatch.setattr(sown, "EVENTS", broken)
    with pytest.raises(CommandError, match="列名"):
        seed("--synthetic", "0")


def test_a_keycloak_that_does_not_answer_is_named(settings: Any) -> None:
    from demo.seed import make_cast

    settings.ID_PROVIDER, settings.KEYCLOAK_URL = "keycloak", "http://127.0.0.1:9"
    with pytest.raises(CommandError, match="did not give the cast"):
        make_cast()
