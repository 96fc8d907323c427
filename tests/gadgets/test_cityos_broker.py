"""The client of the context broker and the example's broker: what is asked, and every answer that is none."""

import json
import time
from collections.abc import Iterator

import pytest

from examples.cityos.provider import CityOs
from examples.kit.web import Request
from gadgets.cityos import ngsi_ld
from gadgets.cityos.ngsi_ld import NgsiLd
from gadgets.cityos.places import Point
from gadgets.cityos.source import Wish
from gadgets.errors import BrokerError, NoCityOsError
from tests.gadgets import cityos
from tests.gadgets.providers import Answer, Handler, Provider, reply

WISH = Wish("Library", ("name", "address"), 20)
JSON = "application/json"


@pytest.fixture
def running() -> Iterator[CityOs]:
    with cityos.city_os() as found:
        yield found


def asks(answer: Answer, *, deadline: float = 5.0) -> tuple[Provider, str]:
    """What the client says of this answer; empty when it takes it."""
    with Provider.running(answer, host="127.0.0.1") as provider:
        try:
            NgsiLd(provider.origin).entities(WISH, deadline=deadline)
        except BrokerError as error:
            return provider, error.detail
        return provider, ""


def test_entities_are_read_by_type_attributes_and_distance(running: CityOs) -> None:
    client = NgsiLd(running.config.public_origin)
    everywhere = client.entities(WISH, deadline=5)
    assert len(everywhere) == 5
    assert set(everywhere[0]) == {"id", "type", "name", "address"}
    near = Wish("Library", ("name",), 20, Point(34.3414, 134.1427), 2_000)
    assert [one["name"]["value"] for one in client.entities(near, deadline=5)] == ["高松市牟礼図書館"]


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (reply(b"{}", content_type=JSON), "not a list of entities"),
        (reply(b'["a"]', content_type=JSON), "not a list of entities"),
        (reply(b"[", content_type=JSON), "not JSON"),
        (reply(b"[NaN]", content_type=JSON), "not JSON"),
        (reply(b"\xff", content_type=JSON), "not JSON"),
        (reply(b"[" * 5000 + b"]" * 5000, content_type=JSON), "not JSON"),
        (reply(b"[]", content_type="text/html"), "content type"),
        (reply(b"[]", content_type=JSON, headers={"Content-Encoding": "gzip"}), "content encoding"),
        (reply(b"[" + b" " * 1_100_000 + b"]", content_type=JSON), "too large"),
        (reply(b"[]", status=204, content_type=JSON), "status 204"),
    ],
    ids=["object", "texts", "cut", "nan", "utf8", "deep", "html", "gzip", "huge", "empty"],
)
def test_an_answer_that_is_none_is_refused(answer: Answer, detail: str) -> None:
    assert asks(answer)[1] == detail


def test_a_broker_that_sends_elsewhere_is_not_followed() -> None:
    elsewhere = reply(b"", status=302, content_type=JSON, headers={"Location": "/other"})
    provider, detail = asks(elsewhere)
    assert (detail, len(provider.seen)) == ("status 302", 1)


def test_a_byte_at_a_time_ends_at_the_deadline() -> None:
    def drip(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", JSON)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        for _ in range(60):
            handler.wfile.write(b" ")
            time.sleep(0.1)

    assert asks(drip, deadline=0.5)[1] in {"deadline", "ReadTimeoutError"}


def _broken_off(handler: Handler, *, wait: float) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", JSON)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"[")
    handler.wfile.flush()
    time.sleep(wait)
    handler.close_connection = True


def test_an_answer_that_breaks_off_is_refused() -> None:
    assert asks(lambda handler: _broken_off(handler, wait=0))[1] in {
        "IncompleteRead",
        "ProtocolError",
        "not JSON",
    }


def test_an_answer_that_stops_in_the_middle_ends_at_the_deadline() -> None:
    assert asks(lambda handler: _broken_off(handler, wait=1.5), deadline=0.4)[1] == "ReadTimeoutError"


def test_what_is_asked_holds_no_proxy_cookie_or_password_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    provider, detail = asks(reply(b"[]", content_type=JSON, headers={"Set-Cookie": "a=b"}))
    assert detail == ""
    sent = provider.seen[0].headers
    assert not {"cookie", "authorization", "link"} & set(sent)
    assert (sent["accept"], sent["accept-encoding"]) == (JSON, "identity")


def test_without_the_setting_there_is_no_city_os(settings: object) -> None:
    settings.CONTEXT_BROKER_URL = ""  # type: ignore[attr-defined]
    with pytest.raises(NoCityOsError):
        ngsi_ld.source()


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"type": "Library", "georel": "within"},
        {"type": "Library", "georel": "near;maxDistance==10", "geometry": "Polygon", "coordinates": "[1,2]"},
        {"type": "Library", "limit": "many"},
    ],
    ids=["no-type", "other-relation", "other-geometry", "no-number"],
)
def test_the_examples_broker_answers_a_bad_question_with_problem_details(
    running: CityOs, query: dict[str, str]
) -> None:
    answer = running.broker.answer(Request("GET", "/ngsi-ld/v1/entities", query, (), {}, {}))
    assert answer.status == 400
    assert json.loads(answer.body)["type"].endswith("/BadRequestData")


def test_the_examples_broker_speaks_json_ld_to_whoever_asks_for_it(running: CityOs) -> None:
    asked = Request("GET", "/", {"type": "Library"}, (), {"accept": "application/ld+json"}, {})
    answer = running.broker.answer(asked)
    assert answer.content_type == "application/ld+json"
    assert all("@context" in one for one in json.loads(answer.body))
