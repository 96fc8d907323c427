"""A provider with one hole is told of exactly that hole; a good one passes; refusals alone pass nothing."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from gadgets import conformance
from gadgets.conformance import Subject
from gadgets.protocol.conformance_lines import Line
from gadgets.registration import manifest_source
from gadgets.rgadget import provider as library
from tests.gadgets import life, whole
from tests.gadgets.providers import reply
from tests.gadgets.road import written
from tests.gadgets.test_conformance import failed, lines_of


class Written:
    """What `rgadget init --personal` wrote, running; its parts may be made worse."""

    def __init__(self, url: str, program: ModuleType) -> None:
        self.url, self.program = url, program
        self.portal = program.provider.portal

    def lines(self) -> list[Line]:
        fetched = manifest_source.fetch(self.url)
        subject = Subject(fetched.raw, self.url, fetched.manifest.id)
        return list(conformance.check(subject, whole.environment("", "ja")))

    def wrong(self) -> set[str]:
        return {line.title["en"] for line in self.lines() if line.ok is False}


@pytest.fixture
def parks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Written]:
    with written(tmp_path / "parks", "--personal") as (url, program):
        capsys.readouterr()
        yield Written(url, program)


def test_what_the_tool_writes_passes_and_keeps_nothing_of_the_checks(parks: Written) -> None:
    lines = parks.lines()
    assert failed(lines) == {}
    once = next(line for line in lines if line.title["en"] == "Does what is sent twice only once")
    assert once.ok is True
    assert parks.program.WORDS == {}


def blind_to(name: str) -> Callable[[Written, pytest.MonkeyPatch], None]:
    """Compares everything but this claim."""

    def make(parks: Written, patch: pytest.MonkeyPatch) -> None:
        right = library.Portal._is_right

        def less(said: Any, wanted: Any) -> None:
            right(said, {key: value for key, value in wanted.items() if key != name})

        patch.setattr(library.Portal, "_is_right", staticmethod(less))

    return make


def blind_to_type(parks: Written, patch: pytest.MonkeyPatch) -> None:
    signed = library.Portal._signed

    def any_type(self: Any, raw: str, kind: str) -> Any:
        try:
            return signed(self, raw, kind)
        except library.RefusedError as error:
            if "another type" not in str(error):
                raise
        for other in ("rgadget+jwt", "rgadget-frame+jwt", "rgadget-event+jwt"):
            try:
                return signed(self, raw, other)
            except library.RefusedError:
                continue
        raise library.RefusedError("no type")

    patch.setattr(library.Portal, "_signed", any_type)


def blind_to_time(parks: Written, patch: pytest.MonkeyPatch) -> None:
    """Only the single use is looked at."""

    def once(self: Any, said: Any, lifetime: int) -> None:
        if said.get("jti") in self._used:
            raise library.RefusedError("used")
        self._used[said["jti"]] = 9e9

    patch.setattr(library.Portal, "_once", once)


def forgets_tokens(parks: Written, patch: pytest.MonkeyPatch) -> None:
    once = library.Portal._once

    def never(self: Any, said: Any, lifetime: int) -> None:
        self._used.clear()
        once(self, said, lifetime)

    patch.setattr(library.Portal, "_once", never)


def does_everything_again(parks: Written, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(library.Provider, "_once", lambda _self, _key, act: act())


def adds_in_silence(parks: Written, patch: pytest.MonkeyPatch) -> None:
    """The same answer, but the thing is done again: only what is kept gives it away."""

    def once(self: Any, key: str, act: Any) -> Any:
        answer = act()
        return self._answers.setdefault(key, answer)

    patch.setattr(library.Provider, "_once", once)


HOLES: dict[str, tuple[Callable[[Written, pytest.MonkeyPatch], None], set[str]]] = {
    "iss": (blind_to("iss"), {"Refuses another iss", "Form: Refuses another iss"}),
    "aud": (
        blind_to("aud"),
        {"Refuses a wrong audience", "Form: Refuses a wrong audience", "Refuses an event for another gadget"},
    ),
    "htu": (blind_to("htu"), {"Refuses a wrong htu", "Refuses a form for another address"}),
    "htm": (blind_to("htm"), {"Refuses a wrong htm", "Refuses a card's token for a form"}),
    "digest": (blind_to("digest"), {"Refuses a form with another digest", "Refuses a form without a digest"}),
    "typ": (
        blind_to_type,
        {"Refuses another typ", "Form: Refuses another typ", "Refuses a request token as an event"},
    ),
    "times": (
        blind_to_time,
        {
            *(f"{form}{line}" for form in ("", "Form: ") for line in (
                "Refuses an expired token", "Refuses a token of the future", "Refuses a token that lives too long",
            )),
            "Refuses an expired event",
        },
    ),
    "jti": (
        forgets_tokens,
        {"Refuses a replay", "Form: refuses a replayed token", "Refuses a replayed event"},
    ),
    "twice": (does_everything_again, {"Does what is sent twice only once"}),
    "in silence": (adds_in_silence, {"Does what is sent twice only once"}),
}  # fmt: skip


@pytest.mark.parametrize("hole", HOLES)
def test_each_hole_is_told_and_nothing_else(
    parks: Written, monkeypatch: pytest.MonkeyPatch, hole: str
) -> None:
    make, told = HOLES[hole]
    make(parks, monkeypatch)
    assert parks.wrong() == told


@pytest.mark.parametrize("identity", ["none", "pairwise"])
def test_refusals_alone_pass_no_check_about_cards(careless: life.Careless, identity: str) -> None:
    if identity == "pairwise":
        careless.takes_forms()
        careless.action = reply(b"", status=401)
    careless.card = reply(b"", status=401)
    lines = lines_of(careless)
    for number in (4, 7, 8, 11):
        assert [line.ok for line in lines if line.number == number and line.ok is not False] == [], number
    if identity == "none":
        assert any(line.ok is False for line in lines if line.number == 6)


def test_a_private_card_that_promises_more_than_is_kept_is_told(careless: life.Careless) -> None:
    careless.pairwise(events=False)
    line = next(line for line in lines_of(careless) if line.title["en"] == "How long a card is kept")
    assert line.ok is True
    assert "1200 s" in line.message["en"] or "beyond 900 s" in line.message["en"]
    assert "900 秒より先は効きません" in line.message["ja"]
