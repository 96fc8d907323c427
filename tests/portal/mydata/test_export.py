"""The export: everything that is held, against its published schema, for the resident or who acts for them, bounded."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from jsonschema import Draft202012Validator, FormatChecker
from pytest_django import DjangoAssertNumQueries

from identity import idp
from identity.closure import export as identity_export
from identity.domain.roles import SYSTEM
from identity.errors import NoSuchResident, NotAllowed, ProviderUnavailable
from identity.household import authority, guardianships
from identity.models import AuditEntry, Resident
from identity.sessions import portal_sessions
from portal.mydata.account import export
from tests import cast
from tests.portal.mydata.conftest import LUNCH, RIVER, WASTE
from tests.portal.mydata.everything import CHILD, NAME, Everything, fill

pytestmark = pytest.mark.django_db


@pytest.fixture
def person(settings: Any, tmp_path: Path) -> Everything:
    settings.MEDIA_ROOT = tmp_path
    return fill()


def signed_in(resident: Resident, *, fresh: bool = True) -> Client:
    client = cast.sign_in(cast.portal_client(), resident)
    if fresh:
        session = client.session
        session[portal_sessions.AUTH_TIME] = int(timezone.now().timestamp())
        session.save()
    return client


def validator() -> Draft202012Validator:
    response = cast.portal_client().get("/schemas/resident-export-1.0.json")
    assert response["Content-Type"] == "application/schema+json"
    schema = json.loads(response.content)
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=FormatChecker())


def of(resident: Resident) -> dict[str, Any]:
    return export.document(resident.pk, by=cast.as_actor(resident), now=timezone.now())


def test_the_file_holds_everything_and_follows_its_schema(person: Everything) -> None:
    response = signed_in(person.resident).post("/my-data/export/", {"form": "json"})
    assert response["Cache-Control"] == "private, no-store"
    day = timezone.localdate().isoformat()
    assert response["Content-Disposition"] == f'attachment; filename="madoguchi-export-{day}.json"'
    made = json.loads(response.content)
    assert [error.message for error in validator().iter_errors(made)] == []
    empty = [name for name, part in made.items() if part in ([], {}) and name != "left_out"]
    assert empty == [], "a part that the walk's resident has nothing of shows nothing"
    assert made["account"]["email"] == person.names["e-mail"]
    assert (made["account"]["name"], made["account"]["id"]) == (NAME, person.names["id"])
    kinds = {(row["kind"], row["recipient"]) for row in made["receipts"]}
    assert kinds == {("granted", WASTE), ("withdrawn", WASTE), ("granted", LUNCH), ("refused", RIVER)}
    granted = next(row for row in made["receipts"] if row["kind"] == "granted")
    assert made["notices"][granted["notice"]]["text"] == f"{NAME}さんに見せた文"
    assert made["pseudonyms"] == [{"recipient": LUNCH, "pseudonym": person.names["pseudonym"]}]
    assert made["accesses"][0]["items"] == ["area.waste_zone"]
    assert {row["other"] for row in made["household"]} >= {CHILD}
    assert [row["gadget"] for row in made["layout"]] == [WASTE]
    assert made["editing"][0]["title"] == "公開した仕事"
    assert all(row["about_you"] or row["by"] == "you" for row in made["audit"])
    zone = next(row for row in made["attributes"] if row["key"] == "area.waste_zone")
    assert (zone["value"], zone["derived"]) == ("7", True)


def test_a_wrong_document_does_not_follow_the_schema(person: Everything) -> None:
    made = of(person.resident)
    made["account"]["password"] = "never"
    made["receipts"][0]["kind"] = "guessed"
    assert len(list(validator().iter_errors(made))) == 2


def test_no_secret_of_the_portal_is_in_it(person: Everything) -> None:
    text = json.dumps(of(person.resident))
    for kind in ("portal session", "session at the ID", "sid", "client's sid"):
        assert person.names[kind] not in text
    assert person.resident.password not in text
    assert str(person.ward.handle) not in text


def test_making_it_is_written_down_and_needs_a_proof_of_just_now(hanako: Resident) -> None:
    response = signed_in(hanako, fresh=False).post("/my-data/export/", {"form": "json"})
    assert response.status_code == 302
    assert "fresh=1" in response["Location"]
    assert not AuditEntry.objects.filter(kind="exported").exists()
    client = signed_in(hanako)
    assert client.get("/my-data/export/").status_code == 200
    for form in ("json", "print"):
        assert client.post("/my-data/export/", {"form": form}).status_code == 200
    rows = AuditEntry.objects.filter(kind="exported", who=str(hanako.handle)).order_by("seq")
    assert [row.detail["form"] for row in rows] == ["json", "print"]


def test_an_unknown_form_makes_nothing(hanako: Resident) -> None:
    response = signed_in(hanako).post("/my-data/export/", {"form": "pdf"})
    assert response.status_code == 400
    assert "形式を選んでください" in response.content.decode()
    assert not AuditEntry.objects.filter(kind="exported").exists()


@pytest.mark.parametrize(
    ("prefix", "words"), [("", "仏生山"), ("/en", "Busshozan"), ("/ja-simple", "ぶっしょうざん")]
)
def test_the_page_to_print_says_the_same_in_the_readers_language(
    person: Everything, prefix: str, words: str
) -> None:
    html = signed_in(person.resident).post(f"{prefix}/my-data/export/", {"form": "print"}).content.decode()
    for part in (
        words,
        NAME,
        person.names["e-mail"],
        f"{NAME}さんに見せた文",
        person.names["pseudonym"],
        CHILD,
    ):
        assert part in html
    assert "style=" not in html


def test_a_guardian_exports_for_a_ward_and_nobody_else_does(hanako: Resident) -> None:
    ward = guardianships.add_child(
        guardian=hanako.id, name=CHILD, ends_on=timezone.localdate() + timedelta(days=99),
        values={"household.school_years": ["e3"]}, by=cast.as_actor(hanako),
    )  # fmt: skip
    made = export.document(ward, by=cast.as_actor(hanako), now=timezone.now())
    assert (made["account"]["name"], made["account"]["email"]) == (CHILD, "")
    assert list(validator().iter_errors(made)) == []
    for other in (cast.as_actor(cast.taro()), cast.as_actor(cast.operator()), SYSTEM):
        for subject in (ward, hanako.id):
            with pytest.raises(NotAllowed):
                export.document(subject, by=other, now=timezone.now())


def test_the_other_one_is_named_only_while_it_holds(hanako: Resident) -> None:
    def named(subject: Resident) -> list[str]:
        made = export.document(subject.id, by=cast.as_actor(subject), now=timezone.now())
        return [row["other"] for row in made["household"]]

    by, taro = cast.as_actor(hanako), cast.taro()
    ends_on = timezone.localdate() + timedelta(days=99)
    ward = guardianships.add_child(guardian=hanako.id, name=CHILD, ends_on=ends_on, values={}, by=by)
    code = guardianships.make_code(ward=ward, by=by)
    guardianships.redeem(guardian=taro.id, code=code, by=cast.as_actor(taro))
    assert (named(hanako), named(taro)) == ([CHILD], [CHILD])

    Resident.objects.filter(pk=hanako.pk).update(confidential=True)  # taro's part rests from now on
    assert (named(hanako), named(taro)) == ([CHILD], [""])

    Resident.objects.filter(pk=hanako.pk).update(confidential=False)
    guardianships.end(guardianship_id=authority.wards(taro.id, timezone.now())[0].id, by=cast.as_actor(taro))
    Resident.objects.filter(pk=ward).update(display_name="あたらしい名前")
    assert (named(hanako), named(taro)) == (["あたらしい名前"], [""])


def test_a_closed_account_has_nothing_to_export(hanako: Resident) -> None:
    Resident.objects.filter(id=hanako.id).update(is_active=False)
    with pytest.raises(NoSuchResident):
        of(hanako)


def test_an_id_that_is_away_leaves_the_address_open(
    hanako: Resident, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> str:
        raise ProviderUnavailable

    monkeypatch.setattr(type(idp.provider()), "email_of", away)
    made = of(hanako)
    assert (made["account"]["email"], made["account"]["email_known"]) == ("", False)
    assert list(validator().iter_errors(made)) == []


def test_the_number_of_queries_does_not_grow_and_long_lists_are_cut(
    person: Everything, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(QUERIES):
        of(person.resident)
    for _ in range(30):
        cast.released(person.resident, WASTE, ["area.waste_zone"], via="card")
    with django_assert_num_queries(QUERIES):
        assert len(of(person.resident)["accesses"]) == 31
    monkeypatch.setattr(identity_export, "MOST", 10)
    made = of(person.resident)
    assert len(made["accesses"]) == 10
    assert made["left_out"]["accesses"] == 21
    assert list(validator().iter_errors(made)) == []


QUERIES = 33
