"""Attributes, roles, consent and ID providers: the reference says what the code has, and nothing else."""

import re
import subprocess
import sys

import pytest
from django.conf import settings

from identity import idp
from identity.audit import chain
from identity.domain import attributes, consent, roles
from identity.embedded.driver import EmbeddedProvider
from identity.keycloak.driver import KeycloakProvider
from identity.models import AccessLog, AuditEntry, ConsentReceipt
from tests.architecture.tables import REFERENCE, ROOT, codes, first_codes, rows

PAGE = REFERENCE / "attributes.md"


def test_every_attribute_stands_in_the_table_with_who_may_ask() -> None:
    told = {codes(cells[0])[0]: cells for heading, cells in rows(PAGE) if heading == "Attributes"}
    assert list(told) == list(attributes.KEYS)
    for key, known in attributes.DEFINITIONS.items():
        _, label, _, set_by_resident, may_ask = told[key]
        assert label == known.label["ja"]
        assert set_by_resident.startswith("no") is known.derived
        assert (may_ask == "yes") is (key in attributes.CLAIMS)


def test_every_code_of_every_vocabulary_stands_on_the_page() -> None:
    for key, known in attributes.DEFINITIONS.items():
        if known.kind == "bool" or known.derived:
            continue
        told = {codes(cells[0])[0]: cells for heading, cells in rows(PAGE) if f"`{key}`" in heading}
        assert list(told) == list(known.options), key
        assert [cells[1] for cells in told.values()] == [texts["ja"] for texts in known.options.values()]


def test_every_district_has_its_zone() -> None:
    told = {
        codes(cells[0])[0]: codes(cells[3])[0]
        for heading, cells in rows(PAGE)
        if "`area.district`" in heading
    }
    assert told == {code: district.waste_zone for code, district in attributes.DISTRICTS.items()}


def test_every_role_and_its_group_stand_on_the_page() -> None:
    told = {
        codes(cells[0])[0]: cells
        for heading, cells in rows(REFERENCE / "roles.md")
        if heading != "Permissions in the admin"
    }
    assert set(told) == roles.ROLES
    for role in roles.ROLES:
        assert told[role][1] == roles.GROUPS.get(role, "none")
        assert ("enter `/admin/`" in told[role][2]) is (role in roles.ADMIN_ROLES)


def test_recipients_purposes_levels_and_decisions_stand_on_the_page() -> None:
    page = REFERENCE / "consent.md"
    assert first_codes(page, "Levels") == list(consent.LEVELS)
    assert first_codes(page, "What was decided") == [consent.GRANTED, consent.REFUSED, consent.WITHDRAWN]
    pairs = [cells[:2] for heading, cells in rows(page) if heading == "Recipients and purposes"]
    assert pairs == [
        (f"`{consent.RECOMMENDER}`", f"`{consent.PURPOSE_RANKING}`"),
        (f"`{consent.LEARNING}`", f"`{consent.PURPOSE_LEARNING}`"),
        ("a gadget's id", f"`{consent.PURPOSE_CARD}`"),
    ]


def test_every_field_of_a_receipt_stands_on_the_page() -> None:
    fields = [field.name for field in ConsentReceipt._meta.concrete_fields]
    assert first_codes(REFERENCE / "consent.md", "A receipt") == fields


def test_every_field_and_kind_of_the_audit_chain_stands_on_the_page() -> None:
    page = REFERENCE / "consent.md"
    assert first_codes(page, "Fields") == [field.name for field in AuditEntry._meta.concrete_fields]
    told = [code for heading, cells in rows(page) if heading == "Kinds" for code in codes(cells[0])]
    assert sorted(told) == sorted(chain.KINDS)


def test_every_door_of_a_release_stands_on_the_page() -> None:
    doors = set()
    for path in (*(ROOT / "gadgets").rglob("*.py"), *(ROOT / "identity").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        doors |= {part.split('"')[0] for part in text.split('via="')[1:]}
    assert set(first_codes(REFERENCE / "consent.md", "What left")) == doors
    assert AccessLog._meta.get_field("via").max_length == 16


def test_the_table_of_id_providers_is_what_the_drivers_say() -> None:
    known = {value for name, value in vars(idp).items() if name.isupper() and isinstance(value, str)}
    told = {
        codes(cells[0])[0]: cells
        for heading, cells in rows(REFERENCE / "id-providers.md")
        if codes(cells[0]) and heading == "ID providers"
    }
    assert set(told) == known
    for capability in known:
        _, keycloak, embedded, _ = told[capability]
        assert (keycloak == "yes") is (capability in KeycloakProvider.capabilities), capability
        assert (embedded == "yes") is (capability in EmbeddedProvider.capabilities), capability


@pytest.mark.parametrize(("column", "chosen"), [(1, "keycloak"), (2, "not keycloak")])
def test_the_table_of_journeys_says_which_run_against_which_provider(column: int, chosen: str) -> None:
    """By what pytest itself collects, in a process of its own."""
    collected = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.early", "tests/journeys", "--collect-only", "-q", "--full", "-m", chosen],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    ran = set(re.findall(r"^(tests/journeys/test_\w+\.py)::", collected, re.MULTILINE))
    told = {
        codes(cells[0])[0]: cells[column]
        for heading, cells in rows(REFERENCE / "id-providers.md")
        if heading == "Journeys in a browser"
    }
    assert set(told) == {
        f"tests/journeys/{path.name}" for path in (ROOT / "tests/journeys").glob("test_*.py")
    }
    assert {name for name, said in told.items() if said == "yes"} == ran


def test_the_embedded_screens_speak_the_languages_that_the_page_says() -> None:
    assert [code for code, _ in settings.LANGUAGES] == ["ja", "en", "ja-simple"]
