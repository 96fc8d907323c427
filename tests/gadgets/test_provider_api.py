"""`/api/provider/`: a tool registers, hands in and asks with a key; every refusal names code, place and remedy."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone

from examples.kit.provider import Provider as ExampleProvider
from gadgets import actions
from gadgets.errors import LifeError, NotPermittedError
from gadgets.models import ApiToken, CheckRun, Gadget, Membership
from gadgets.providers import api_keys
from gadgets.registration import check_runs, registering
from identity import rate
from identity.models import Resident
from tests import cast
from tests.gadgets import life
from tests.gadgets.conftest import DeskFor

GADGETS = "/api/provider/gadgets"


@dataclass
class Tool:
    """A program with a key, without cookies; forms of other sites are told from its calls."""

    key: str
    capture: Any

    def __post_init__(self) -> None:
        self.client = cast.portal_client(enforce_csrf_checks=True)

    def _headers(self, language: str) -> dict[str, str]:
        return {"authorization": f"Bearer {self.key}", "accept-language": language}

    def get(self, url: str, language: str = "ja") -> HttpResponse:
        return self.client.get(url, headers=self._headers(language))

    def post(self, url: str, body: Any = None, language: str = "ja", **more: Any) -> HttpResponse:
        raw = body if isinstance(body, bytes | str) else json.dumps({} if body is None else body)
        with self.capture(execute=True):
            return self.client.post(
                url,
                raw,
                content_type=more.pop("content_type", "application/json"),
                headers=self._headers(language),
            )


@dataclass
class World:
    """BusCo, its number, its tool and a key."""

    member: Resident
    organisation: int
    tool: Tool


@pytest.fixture
def world(desk: DeskFor, django_capture_on_commit_callbacks: Any) -> World:
    member = cast.busco()
    organisation = desk(member).organisation()
    key = api_keys.make_api_key(provider_id=organisation, name="build server", by=cast.as_actor(member))
    return World(member, organisation, Tool(key, django_capture_on_commit_callbacks))


def problem(answer: HttpResponse, status: int, code: str) -> dict[str, Any]:
    """The problem document of a refusal; each says what to do."""
    assert answer.status_code == status, answer.content.decode()
    assert answer["Content-Type"] == "application/problem+json"
    document = json.loads(answer.content)
    assert (document["status"], document["code"]) == (status, code)
    assert document["title"]
    assert document["detail"]
    assert document["remedy"]
    return dict(document)


# --- the whole way -------------------------------------------------------------------------------------------


def test_a_tool_registers_reads_the_checks_and_hands_in(world: World, waste: ExampleProvider) -> None:
    url = waste.config.url("/gadget.json")
    answer = world.tool.post(GADGETS, {"url": url})
    assert answer.status_code == 201
    gadget = f"{GADGETS}/localhost.waste.calendar"
    assert answer["Location"] == gadget
    assert json.loads(answer.content)["checks"]["state"] == "waiting"
    with world.tool.capture(execute=True):
        check_runs.run_waiting()
    state = world.tool.get(gadget, "en").json()  # type: ignore[attr-defined]
    assert (state["state"], state["draft"]["state"], state["published"]) == ("checked", "checked", None)
    assert state["checks"]["ok"]
    assert "Accepts a good token" in [line["title"] for line in state["checks"]["lines"]]
    state = world.tool.post(f"{gadget}/submit").json()  # type: ignore[attr-defined]
    assert state["draft"]["state"] == "in_review"
    assert [note["decision"] for note in state["thread"]] == ["submitted", "checked", "registered"]
    assert state["console"] == reverse("gadgets:provider_gadget", args=["localhost.waste.calendar"])
    assert "Set-Cookie" not in answer


def test_failed_checks_come_with_their_remedy_and_run_again(world: World, careless: life.Careless) -> None:
    world.tool.post(GADGETS, {"url": careless.url})
    with world.tool.capture(execute=True):
        check_runs.run_waiting()
    lines = world.tool.get(f"{GADGETS}/{careless.id}").json()["checks"]["lines"]  # type: ignore[attr-defined]
    failed = [line for line in lines if line["ok"] is False]
    assert failed
    assert all(line["remedy"] for line in failed)
    problem(world.tool.post(f"{GADGETS}/{careless.id}/submit"), 409, "wrong_state")
    again = world.tool.post(f"{GADGETS}/{careless.id}/check")
    assert again.status_code == 202
    assert CheckRun.objects.filter(state="waiting").count() == 1


def test_the_reviewers_words_are_in_the_thread(world: World, careless: life.Careless) -> None:
    world.tool.post(GADGETS, {"url": careless.url})
    life.passed(careless.id)
    world.tool.post(f"{GADGETS}/{careless.id}/submit")
    actions.refuse(gadget_id=careless.id, reason="要約を直してください。", by=cast.as_actor(cast.operator()))
    state = world.tool.get(f"{GADGETS}/{careless.id}").json()  # type: ignore[attr-defined]
    assert state["draft"]["state"] == "refused"
    assert state["thread"][0]["words"] == "要約を直してください。"
    assert "who" not in state["thread"][0]


# --- refusals of a call --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        ("{", "application/json", 400, "not_json"),
        ("[]", "application/json", 400, "not_json"),
        pytest.param("[" * 4000, "application/json", 400, "not_json", id="deep"),
        ("{}", "application/json", 400, "url_missing"),
        ('{"url": 7}', "application/json", 400, "url_missing"),
        ('{"url": "x"}', "text/plain", 415, "media_type"),
        pytest.param('{"url": "' + "x" * 5000 + '"}', "application/json", 413, "too_large", id="large"),
    ],
)
def test_a_call_that_cannot_be_read(
    world: World, body: str, content_type: str, status: int, code: str
) -> None:
    problem(world.tool.post(GADGETS, body, content_type=content_type), status, code)


def test_a_wrong_method_names_the_right_one(world: World) -> None:
    answer = world.tool.get(GADGETS)
    problem(answer, 405, "method")
    assert answer["Allow"] == "POST"


def test_a_refused_address_names_it(world: World) -> None:
    found = problem(world.tool.post(GADGETS, {"url": "https://127.0.0.1/x"}), 422, "url_refused")
    assert found["place"] == "https://127.0.0.1/x"
    assert "IP アドレスは使えません" in found["detail"]
    english = problem(
        world.tool.post(GADGETS, {"url": "https://127.0.0.1/x"}, language="en"), 422, "url_refused"
    )
    assert "IP address" in english["detail"]


def test_a_broken_manifest_names_every_place(world: World, careless: life.Careless) -> None:
    careless.document["colour"] = "red"
    careless.document["version"] = "one"
    found = problem(world.tool.post(GADGETS, {"url": careless.url}, language="en"), 422, "manifest")
    assert {one["place"] for one in found["problems"]} == {"$.colour", "$.version"}
    assert all(one["remedy"] for one in found["problems"])
    assert not Gadget.objects.exists()


def test_the_same_manifest_again_is_a_conflict(world: World, careless: life.Careless) -> None:
    world.tool.post(GADGETS, {"url": careless.url})
    problem(world.tool.post(GADGETS, {"url": careless.url}), 409, "not_newer")


def test_a_gadget_of_another_organisation_is_not_there(
    world: World, careless: life.Careless, desk: DeskFor
) -> None:
    other = desk(cast.wasteco())
    other.register(careless.url, other.organisation("WasteCo"))
    for answer in (
        world.tool.get(f"{GADGETS}/{careless.id}"),
        world.tool.get(f"{GADGETS}/localhost.nobody.here"),
        world.tool.post(f"{GADGETS}/{careless.id}/submit"),
        world.tool.post(f"{GADGETS}/{careless.id}/check"),
    ):
        problem(answer, 404, "no_such_gadget")
    problem(world.tool.post(GADGETS, {"url": careless.url}), 403, "not_yours")


def test_a_key_is_of_one_organisation_though_its_maker_has_two(
    world: World, careless: life.Careless, desk: DeskFor
) -> None:
    mine = desk(world.member)
    mine.register(careless.url, mine.organisation("The other one"))
    problem(world.tool.get(f"{GADGETS}/{careless.id}"), 404, "no_such_gadget")


# --- keys ----------------------------------------------------------------------------------------------------


def _expired(world: World) -> None:
    ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))


def _revoked(world: World) -> None:
    api_keys.revoke_api_key(key_id=ApiToken.objects.get().pk, by=cast.as_actor(world.member))


def _left(world: World) -> None:
    Membership.objects.all().delete()


def _only_reads(world: World) -> None:
    Membership.objects.update(role="reader")


def _erased(world: World) -> None:
    ApiToken.objects.update(made_by=None)


def _closing(world: World) -> None:
    Resident.objects.filter(pk=world.member.pk).update(erase_at=timezone.now() + timedelta(days=14))


def _locked(world: World) -> None:
    Resident.objects.filter(pk=world.member.pk).update(is_active=False)


def _other(world: World) -> None:
    world.tool.key = world.tool.key[:-1] + ("A" if world.tool.key[-1] != "A" else "B")


def _none(world: World) -> None:
    world.tool.key = ""


def _not_ascii(world: World) -> None:
    world.tool.key = "rgk_é"


@pytest.mark.parametrize(
    "spoil",
    [_expired, _revoked, _left, _only_reads, _erased, _closing, _locked, _other, _none, _not_ascii],
)
def test_a_key_that_does_not_hold_opens_nothing(world: World, spoil: Callable[[World], None]) -> None:
    spoil(world)
    answer = world.tool.get(f"{GADGETS}/localhost.waste.calendar")
    problem(answer, 401, "key_refused")
    assert answer["WWW-Authenticate"] == 'Bearer realm="provider"'


def test_another_scheme_and_a_session_open_nothing(world: World, desk: DeskFor) -> None:
    answer = world.tool.client.get(f"{GADGETS}/x", headers={"authorization": f"Basic {world.tool.key}"})
    problem(answer, 401, "key_refused")
    signed_in = desk(world.member).get(f"{GADGETS}/x")
    problem(signed_in, 401, "key_refused")


def test_only_the_hash_is_kept_and_the_use_is_noted(world: World) -> None:
    row = ApiToken.objects.get()
    assert world.tool.key not in json.dumps(ApiToken.objects.values().get(), default=str)
    assert row.used_at is None
    assert row.expires_at - row.made_at == timedelta(days=api_keys.DAYS)
    world.tool.get(f"{GADGETS}/x")
    assert ApiToken.objects.get().used_at is not None
    (view,) = api_keys.keys_of(provider_id=world.organisation, by=cast.as_actor(world.member))
    assert view.name == "build server"
    assert view.works(timezone.now())


@dataclass
class Clock:
    """The time that the counters read."""

    now: float


@pytest.fixture
def clock() -> Clock:
    return Clock(timezone.now().timestamp())


def test_a_key_calls_sixty_times_a_minute(
    world: World, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    assert api_keys.CALLS_A_MINUTE == 60
    monkeypatch.setattr(api_keys, "CALLS_A_MINUTE", 2)
    monkeypatch.setattr(rate.time, "time", lambda: clock.now)
    assert [world.tool.get(f"{GADGETS}/x").status_code for _ in range(2)] == [404, 404]
    clock.now += 17.5
    answer = world.tool.get(f"{GADGETS}/x")
    problem(answer, 429, "too_many_calls")
    assert answer["Retry-After"] == "43"
    clock.now += 43
    assert world.tool.get(f"{GADGETS}/x").status_code == 404


def test_registrations_say_the_time_that_is_left_of_their_hour(
    world: World, careless: life.Careless, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    monkeypatch.setattr(registering, "REGISTRATIONS_AN_HOUR", 1)
    monkeypatch.setattr(rate.time, "time", lambda: clock.now)
    assert world.tool.post(GADGETS, {"url": careless.url}).status_code == 201
    clock.now += 600
    answer = world.tool.post(GADGETS, {"url": careless.url})
    problem(answer, 429, "too_often")
    assert answer["Retry-After"] == "3000"
    clock.now += 3000
    assert world.tool.post(GADGETS, {"url": careless.url}).status_code == 409


@pytest.mark.parametrize("name", ["", "  ", "x" * 61, "\0"])
def test_a_key_needs_a_name(world: World, name: str) -> None:
    with pytest.raises(LifeError, match="名前"):
        api_keys.make_api_key(provider_id=world.organisation, name=name, by=cast.as_actor(world.member))


def test_an_organisation_has_ten_keys_at_most(world: World) -> None:
    by = cast.as_actor(world.member)
    for number in range(api_keys.LIVE_AT_MOST - 1):
        api_keys.make_api_key(provider_id=world.organisation, name=f"{number}", by=by)
    with pytest.raises(LifeError, match="10 個まで"):
        api_keys.make_api_key(provider_id=world.organisation, name="eleventh", by=by)
    _revoked_one = ApiToken.objects.first()
    assert _revoked_one is not None
    api_keys.revoke_api_key(key_id=_revoked_one.pk, by=by)
    assert api_keys.make_api_key(provider_id=world.organisation, name="eleventh", by=by)


def test_strangers_and_readers_neither_make_nor_see_nor_revoke(world: World) -> None:
    stranger = cast.as_actor(cast.wasteco())
    key_id = ApiToken.objects.get().pk
    Membership.objects.update(role="reader")
    for by in (stranger, cast.as_actor(world.member)):
        for call in (
            lambda by=by: api_keys.make_api_key(provider_id=world.organisation, name="x", by=by),
            lambda by=by: api_keys.keys_of(provider_id=world.organisation, by=by),
            lambda by=by: api_keys.revoke_api_key(key_id=key_id, by=by),
            lambda by=by: api_keys.revoke_api_key(key_id=999_999, by=by),
        ):
            with pytest.raises(NotPermittedError):
                call()
    assert ApiToken.objects.get().revoked_at is None
