"""What counts as a difference between the realm file and a Keycloak, and what does not."""

import json
from pathlib import Path
from typing import Any

import pytest

from identity.errors import RealmFileProblem
from identity.keycloak.realm_file import MASK, UNKNOWN, Change, complete, differences, merged, read, too_many
from identity.keycloak.sync import FILE


def changed(wanted: Any, found: Any) -> list[str]:
    return [change.path for change in differences(wanted, found, "realm")]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": ["x", "y"]}, {"a": ["y", "x"]}),
        ({"a": "true"}, {"a": True}),
        ({"a": 120}, {"a": "120"}),
        ({"a": ""}, {}),
        ({"a": []}, {"a": None}),
        ({"a": False}, {}),
        ({"a": "x##y"}, {"a": "y##x"}),
        ({"secret": "one"}, {"secret": "another"}),
        ({"id": "one"}, {"id": "another"}),
        ({"a": "known here"}, {"a": MASK}),
        ({"a": UNKNOWN}, {"a": "anything"}),
        ({"a": [{"name": "x", "on": True}]}, {"a": [{"name": "y"}, {"name": "x", "on": True, "id": "7"}]}),
    ],
    ids=lambda value: json.dumps(value, default=repr)[:40],
)
def test_what_keycloak_adds_or_writes_otherwise_is_no_difference(wanted: Any, found: Any) -> None:
    assert changed(wanted, found) == []


@pytest.mark.parametrize(
    ("wanted", "found", "path"),
    [
        ({"a": 1}, {"a": 2}, "realm.a"),
        ({"a": True}, {}, "realm.a"),
        ({"a": {"b": "x"}}, {"a": {"b": "y"}}, "realm.a.b"),
        ({"a": {"b": "x"}}, {}, "realm.a.b"),
        ({"a": ["x"]}, {"a": ["x", "y"]}, "realm.a"),
        ({"a": []}, {"a": ["y"]}, "realm.a"),
        ({"a": "x"}, {"a": "x##*"}, "realm.a"),
        ({"a": [{"name": "x"}]}, {"a": []}, "realm.a.x"),
        ({"a": [{"name": "x", "on": True}]}, {"a": [{"name": "x", "on": False}]}, "realm.a.x.on"),
    ],
    ids=lambda value: json.dumps(value)[:40],
)
def test_a_difference_is_named_by_its_place(wanted: Any, found: Any, path: str) -> None:
    assert changed(wanted, found) == [path]


def test_a_list_that_the_file_holds_whole_has_nothing_more() -> None:
    (change,) = too_many([{"name": "x"}], [{"name": "x"}, {"name": "y"}], "mappers")
    assert str(change) == "- mappers.y: あり → なし"


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (Change("realm.accessTokenLifespan", 300, 120), "- realm.accessTokenLifespan: 300 → 120"),
        (Change("realm.verifyEmail", None, True), "- realm.verifyEmail: なし → true"),
        (Change("clients.x.redirectUris", ["a", "b"], ["a", "c"]), "- clients.x.redirectUris: −b +c"),
        (Change("clients.x.config.pairwiseSubAlgorithmSalt", "old", "new"), "別の値です"),
        (Change("idp.config.clientSecret", "old", "new"), "別の値です"),
    ],
)
def test_a_person_understands_the_line_and_reads_no_secret(change: Change, line: str) -> None:
    assert line in str(change)
    assert "別の値" not in line or not {"old", "new"} & set(str(change).split())


def test_placeholders_come_from_outside_and_keycloaks_own_stay(tmp_path: Path) -> None:
    file = tmp_path / "realm.json"
    text = {"realm": "r", "a": "${HOST}/x", "b": "${MISSING}", "c": "${username}", "d": "${PORT:25}"}
    file.write_text(json.dumps(text))
    found = read(file, {"HOST": "https://portal"}.get)
    assert found == {"realm": "r", "a": "https://portal/x", "b": UNKNOWN, "c": "${username}", "d": "25"}


@pytest.mark.parametrize(
    ("text", "says"),
    [(None, "読めません"), ("{", "正しいJSONではありません"), ("[]", "レルムのファイルではありません")],
)
def test_a_file_that_cannot_be_used_is_said_in_a_sentence(
    tmp_path: Path, text: str | None, says: str
) -> None:
    file = tmp_path / "realm.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(RealmFileProblem, match=says):
        read(file, {}.get)


def test_what_is_written_keeps_what_the_file_does_not_name() -> None:
    found = {"a": 1, "b": {"c": 1, "d": 2}, "secret": "kept", "e": "kept"}
    assert merged({"b": {"c": 9}, "secret": "other", "e": UNKNOWN}, found) == {
        "a": 1,
        "b": {"c": 9, "d": 2},
        "secret": "kept",
        "e": "kept",
    }


def test_nothing_is_made_with_a_value_that_is_not_known() -> None:
    assert complete({"a": [1], "secret": UNKNOWN}, "x") == {"a": [1]}
    with pytest.raises(RealmFileProblem, match=r"x\.config\.issuer"):
        complete({"config": {"issuer": UNKNOWN}}, "x")


def test_the_file_of_the_repository_gives_the_everyday_account_no_power_over_the_realm() -> None:
    file = json.loads(FILE.read_text(encoding="utf-8"))
    (account,) = [one for one in file["users"] if one.get("serviceAccountClientId")]
    roles = set(account["clientRoles"]["realm-management"])
    assert account["serviceAccountClientId"] == "portal-admin"
    assert {role for role in roles if role.startswith("manage-")} == {"manage-clients", "manage-users"}
    assert not roles & {"realm-admin", "impersonation", "create-client"}
    services = [one["clientId"] for one in file["clients"] if one.get("serviceAccountsEnabled")]
    assert services == ["portal-admin"], "an account with more rights stands where clients can be managed"
