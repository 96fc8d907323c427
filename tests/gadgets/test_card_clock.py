"""The times of a card are held against our own clock, at a fetch and in the checks alike."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from examples.kit.web import Request, Response
from gadgets.errors import CardError
from gadgets.protocol import card
from gadgets.protocol.cards import card_clock
from tests.gadgets import whole
from tests.gadgets.providers import card_bytes
from tests.gadgets.samples import info
from tests.gadgets.whole import Handler, Whole

NOW = datetime(2026, 10, 5, 0, 0, tzinfo=UTC)
METRIC = {"type": "metric", "label": "水位", "value": 1, "unit": "m", "status": "current"}


def made(updated: datetime, valid_until: datetime, *observed: datetime) -> card.Card:
    raw = card_bytes(
        updated=updated.isoformat(),
        valid_until=valid_until.isoformat(),
        blocks=[{**METRIC, "observed": at.isoformat()} for at in observed]
        or [{"type": "text", "text": "あす"}],
    )
    return card.parse(raw, manifest=info())


def hours(number: float) -> datetime:
    return NOW + timedelta(hours=number)


@pytest.mark.parametrize(
    ("updated", "valid_until", "observed"),
    [
        (NOW, hours(1), ()),
        (NOW + card_clock.TOLERANCE, hours(1), (NOW + card_clock.TOLERANCE,)),
        (card_clock.EARLIEST, hours(-1), ()),
        (hours(-24 * 365 * 3), hours(24 * 365 * 150), (hours(-24 * 365 * 3),)),
    ],
    ids=["now", "just tolerated", "long over", "old and for ever"],
)
def test_what_can_be_true_is_taken(
    updated: datetime, valid_until: datetime, observed: tuple[datetime, ...]
) -> None:
    given = made(updated, valid_until, *observed)
    assert card_clock.check(given, NOW) is given


A_MOMENT = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("updated", "valid_until", "observed", "places"),
    [
        (NOW + card_clock.TOLERANCE + A_MOMENT, hours(9), (), ["$.updated"]),
        (card_clock.EARLIEST - A_MOMENT, hours(9), (), ["$.updated"]),
        (NOW, hours(9), (hours(-1), hours(1)), ["$.blocks[1].observed"]),
        (NOW, hours(9), (datetime(1970, 1, 1, tzinfo=UTC),), ["$.blocks[0].observed"]),
        (NOW, NOW, (), ["$.valid_until"]),
        (hours(2), hours(1), (hours(3),), ["$.updated", "$.blocks[0].observed", "$.valid_until"]),
    ],
    ids=["ahead", "never set", "seen ahead", "seen in 1970", "over at once", "all of it"],
)
def test_what_cannot_be_true_is_named_with_its_place_and_a_remedy(
    updated: datetime, valid_until: datetime, observed: tuple[datetime, ...], places: list[str]
) -> None:
    with pytest.raises(CardError) as refused:
        card_clock.check(made(updated, valid_until, *observed), NOW)
    assert [problem.path for problem in refused.value.problems] == places
    for problem in refused.value.problems:
        assert all(problem.remedy[language] for language in ("ja", "en"))


# --- the checks say so before anybody reviews it ---------------------------------------------------------------


def told(change: dict[str, object], cookie: str = "") -> str:
    """What check 4 says of a provider whose cards are good but for this."""

    def wrap(inner: Handler) -> Handler:
        def answer(request: Request) -> Response:
            response = inner(request)
            if response.status == 200:
                response.body = json.dumps({**json.loads(response.body), **change}).encode()
                response.headers += [("Set-Cookie", cookie)] if cookie else []
            return response

        return answer

    lines = whole.failing(whole.report(Whole(routes={("GET", "/g/card"): wrap})))
    assert 4 in {line.number for line in lines}
    return " ".join(text["ja"] for line in lines if line.number == 4 for text in (line.message, line.remedy))


def test_the_checks_read_the_clock() -> None:
    assert "まだ来ていない時刻" in told(
        {"updated": "2199-01-01T00:00:00+00:00", "valid_until": "2200-01-01T00:00:00+00:00"}
    )


def test_the_checks_refuse_a_cookie() -> None:
    assert "Set-Cookie を付けないでください" in told({}, cookie="session=1")
