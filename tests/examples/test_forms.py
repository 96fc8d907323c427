"""Lunch takes the form of its card: for a subject, bound to its body, done once for each key."""

import json
from typing import Any

import pytest
import requests

from examples.kit.forms import REMEMBERED, FormDesk, FormRefusedError
from examples.kit.loopback import new_session
from examples.kit.request_token import digest
from tests.examples.support import Running

HANAKO = "pairwise-hanako"


def body(form: str = "ingredients", **values: Any) -> bytes:
    return json.dumps({"form": form, "values": values}).encode()


def send(lunch: Running, raw: bytes, *, key: str | None = '"one"', **over: Any) -> requests.Response:
    claims = {"sub": HANAKO, "htm": "POST", "digest": digest(raw)} | over
    token = lunch.world.request_token(aud=lunch.gadget_id, htu=lunch.origin + "/g/action", **claims)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    headers |= {"Idempotency-Key": key} if key is not None else {}
    with new_session() as session:
        return session.post(lunch.origin + "/g/action", data=raw, headers=headers, timeout=5)


def ticked(card: dict[str, Any]) -> list[str]:
    (form,) = [block for block in card["blocks"] if block["type"] == "form"]
    return [field["name"] for field in form["fields"] if field["value"]]


def test_the_answer_is_the_card_as_it_is_now(lunch: Running) -> None:
    assert ticked(lunch.card(sub=HANAKO).json()) == []
    answer = send(lunch, body(wheat=True, pork=True, egg=False, gravel=True))
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("application/vnd.region-card+json")
    assert ticked(answer.json()) == ["wheat", "pork"]
    assert any(block.get("level") == "warning" for block in answer.json()["blocks"])
    assert ticked(lunch.card(sub=HANAKO).json()) == ["wheat", "pork"]
    assert ticked(lunch.card(sub="pairwise-taro").json()) == []
    assert not [block for block in lunch.card().json()["blocks"] if block["type"] == "form"]


def test_a_key_that_was_used_changes_nothing(lunch: Running) -> None:
    send(lunch, body(egg=True))
    assert ticked(send(lunch, body(milk=True)).json()) == ["egg"]
    assert ticked(send(lunch, body(milk=True), key='"two"').json()) == ["milk"]


def test_a_form_that_it_does_not_know_changes_nothing(lunch: Running) -> None:
    assert ticked(send(lunch, body("other", egg=True)).json()) == []


@pytest.mark.parametrize(
    "over",
    [
        {"digest": None},
        {"digest": digest(b"another body")},
        {"htm": "GET"},
        {"aud": "localhost.waste.calendar"},
    ],
)
def test_a_token_that_is_not_for_this_body_is_refused(lunch: Running, over: dict[str, Any]) -> None:
    good = {"aud": lunch.gadget_id, "sub": HANAKO, "htm": "POST", "digest": digest(body(egg=True))}
    token = lunch.world.request_token(**{**good, "htu": lunch.origin + "/g/action", **over})
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/json",
        "Idempotency-Key": '"x"',
    }
    with new_session() as session:
        answer = session.post(lunch.origin + "/g/action", data=body(egg=True), headers=headers, timeout=5)
    assert answer.status_code == 401
    assert ticked(lunch.card(sub=HANAKO).json()) == []


@pytest.mark.parametrize(
    "raw", [b"x", b"[]", b"{}", b'{"form": 3, "values": {}}', b'{"form": "a", "values": []}']
)
def test_a_body_of_another_form_is_refused(lunch: Running, raw: bytes) -> None:
    assert send(lunch, raw).status_code == 400


def test_a_form_needs_a_subject_and_a_key(lunch: Running) -> None:
    assert send(lunch, body(egg=True), key=None).status_code == 400
    assert send(lunch, body(egg=True), sub=None).status_code == 400


def test_a_refusal_leaves_the_key_unused_and_old_keys_are_forgotten() -> None:
    desk, done = FormDesk(), []

    def refuse() -> None:
        raise FormRefusedError("full")

    with pytest.raises(FormRefusedError):
        desk.take("s", "k", refuse)
    for _ in range(2):
        desk.take("s", "k", lambda: done.append("k"))
    desk.take("t", "k", lambda: done.append("t"))
    assert done == ["k", "t"]
    for number in range(REMEMBERED):
        desk.take("u", str(number), lambda: None)
    desk.take("s", "k", lambda: done.append("again"))
    assert done[-1] == "again"
