"""The checks' own ways to fail: a provider that breaks off, a run without time, a browser that is not there."""

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import override_settings

from core.texts import pick
from examples.kit.errors import TokenError
from examples.kit.provider import Provider as ExampleProvider
from examples.kit.web import Request, Response
from gadgets.cards import drawing
from gadgets.conformance import compare, fault_server, frame_browser
from gadgets.conformance.bench import Bench
from gadgets.conformance.checks import accessibility, faults, interference, privacy, speed
from gadgets.errors import StatusError
from gadgets.outbound.http import Door
from gadgets.protocol import card, manifest
from gadgets.protocol.conformance_lines import Line
from gadgets.registration import check_environment
from gadgets.types import FrameSpec
from tests.gadgets import life, samples, whole
from tests.gadgets.providers import Provider, card_bytes, reply
from tests.gadgets.whole import Handler, Whole

MANIFEST = manifest.parse(samples.document(), url=samples.URL)
HUGE = "x" * (card.MAX_BYTES + 1)


def failing_of(broken: Whole, number: int) -> list[Line]:
    return [line for line in whole.failing(whole.report(broken)) if line.number == number]


def when(reads: Callable[[Request], bool], body: str, status: int = 200) -> Callable[[Handler], Handler]:
    """The provider's own answer, but this one for some requests."""

    def wrap(inner: Handler) -> Handler:
        def answer(request: Request) -> Response:
            return Response(body, status, card.MEDIA_TYPE) if reads(request) else inner(request)

        return answer

    return wrap


# --- 6 -------------------------------------------------------------------------------------------------------


def test_6_a_status_that_changes_is_told() -> None:
    broken = Whole(
        routes={("GET", "/g/card"): when(lambda request: "x-forwarded-for" in request.headers, "", 500)}
    )
    (line,) = failing_of(broken, 6)
    assert "from 200 to 500" in line.message["en"]
    assert "200 から 500" in line.message["ja"]


def test_6_an_answer_that_breaks_is_told() -> None:
    broken = Whole(routes={("GET", "/g/card"): when(lambda request: "cookie" in request.headers, HUGE)})
    (line,) = failing_of(broken, 6)
    assert "65536" in line.message["en"]


def test_6_refusing_what_was_not_declared_is_no_fault() -> None:
    declared = {"area.waste_zone", "age_band"}

    def strict(provider: ExampleProvider) -> None:
        plain = provider.verifier.verify

        def verify(authorization: str | None, *, method: str, url: str) -> Any:
            token = plain(authorization, method=method, url=url)
            if set(token.claims) - declared or token.sub:
                raise TokenError("not declared")
            return token

        provider.verifier.verify = verify  # type: ignore[method-assign]

    assert whole.failing(whole.report(Whole(built=strict))) == []


# --- 7 and 8 -------------------------------------------------------------------------------------------------


def test_8_an_answer_to_if_none_match_that_breaks_is_told() -> None:
    broken = Whole(
        routes={("GET", "/g/card"): when(lambda request: "if-none-match" in request.headers, HUGE)}
    )
    (line,) = failing_of(broken, 8)
    assert "65536" in line.message["en"]
    assert "304" in line.remedy["en"]


def test_8_an_answer_that_breaks_during_the_calls_ends_them(careless: life.Careless) -> None:
    bench = Bench(_parsed(careless), whole.environment(), time.monotonic() + 60)
    careless.card = reply(HUGE.encode())
    (line,) = speed.check(bench)
    assert (line.number, line.ok) == (8, False)
    assert "65536" in line.message["ja"]


def test_compare_names_places_and_leaves_the_moment_out() -> None:
    one = b'{"updated": "a", "valid_until": "b", "blocks": [{"text": "x"}, 1]}'
    assert compare.same(one, one.replace(b'"a"', b'"c"'))
    assert compare.places(one, b'{"blocks": [{"text": "y"}, 1], "lang": "ja"}') == "$.blocks[0].text, $.lang"
    assert compare.places(one, b'{"blocks": []}') == "$.blocks"
    assert compare.places(one, b"no json") == "$"
    assert compare.same(b"no json", b"no json")
    assert compare.same(b"[1]", b"[1]")
    assert compare.places(b'{"a":1,"b":1,"c":1,"d":1}', b'{"a":2,"b":2,"c":2,"d":2}').endswith("…")


# --- time ----------------------------------------------------------------------------------------------------


def _parsed(careless: life.Careless) -> manifest.Manifest:
    return manifest.parse(careless.document, url=careless.url)


def test_checks_that_find_no_time_left_say_so(careless: life.Careless) -> None:
    bench = Bench(_parsed(careless), whole.environment(), time.monotonic() + 60)
    assert bench.fault(bench.cases()[0]) is None
    bench.until = time.monotonic() - 1
    for line in (interference.check(bench), *speed.check(bench)):
        assert line.ok is False
        assert "60 秒" in line.message["ja"]


# --- 9 -------------------------------------------------------------------------------------------------------


def test_9_each_fault_is_refused_by_the_door_or_the_parser() -> None:
    told = {}
    with fault_server.running() as address:
        for name in fault_server.FAULTS:
            error = faults._fails(Door(loopback_names=True), address + name, MANIFEST)
            told[name] = error.code if error is not None else None
    assert told == {
        "404": "bad_status",
        "500": "bad_status",
        "slow": "deadline_passed",
        "huge": "answer_too_large",
        "html": "wrong_content_type",
        "no-json": "card",
        "no-card": "card",
        "cut": "answer_broken",
    }


def test_9_a_good_card_is_no_fault() -> None:
    with Provider.running(reply(card_bytes())) as provider:
        assert faults._fails(Door(loopback_names=True), provider.card_url, MANIFEST) is None


def test_9_a_tile_that_is_not_whole_is_found() -> None:
    error = StatusError("https://waste.example/g/card", 500)
    now = datetime.now(UTC)
    tile = drawing.tile(MANIFEST, None, locale="ja", size="S", now=now)
    title, provider = pick(MANIFEST.title, "ja"), MANIFEST.provider.name

    def trouble(html: str) -> str:
        return faults.faults_of(html, MANIFEST, "ja", error)

    assert trouble(tile) == ""
    assert "title" in trouble(tile.replace(title, ""))
    assert "provider" in trouble(tile.replace(provider, ""))
    assert "status" in trouble(tile.replace("取得できません", ""))
    assert "status" in trouble(tile.replace("card__status", "x"))
    for raw in (fault_server.MARK, "Traceback", str(error), error.provider_message):
        assert "shows" in trouble(tile + raw)


def test_9_a_tile_that_is_not_whole_is_the_portals_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "tile", lambda *_, **__: "<article></article>")
    (line,) = failing_of(Whole(), 9)
    assert "the title is missing" in line.message["en"]
    assert "operator" in line.remedy["en"]
    assert "運用者" in line.remedy["ja"]


# --- 10 and 12 -----------------------------------------------------------------------------------------------

FRAME = FrameSpec("http://map.whole.localhost:9/frame", (), (), (), (), 200, 400)


def left_to(lines: Iterator[Line], word: str) -> None:
    found = list(lines)
    assert found
    for line in found:
        assert line.ok is None
        assert word in line.message["en"]
        assert word in line.message["ja"]
        assert "rgadget test" in line.remedy["ja"]
        assert "rgadget test" in line.remedy["en"]


@pytest.fixture
def bench(careless: life.Careless) -> Bench:
    """A run that has seen one card."""
    made = Bench(_parsed(careless), whole.environment(), time.monotonic() + 60)
    assert made.fault(made.cases()[0]) is None
    return made


@pytest.mark.parametrize("chromium", ["", "/nowhere/chromium"], ids=["none", "gone"])
def test_without_a_browser_its_lines_say_where_they_can_be_run(bench: Bench, chromium: str) -> None:
    bench.env = replace(bench.env, chromium=chromium)
    left_to(accessibility.check(bench), "Chromium")
    left_to(frame_browser.check(FRAME, bench.env), "Chromium")


@pytest.mark.parametrize("module", ["playwright.sync_api", "axe_playwright_python.sync_playwright"])
def test_without_its_libraries_the_line_names_them(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    bench.env = replace(bench.env, chromium=sys.executable)
    left_to(accessibility.check(bench), module.partition(".")[0])


@pytest.mark.browser
def test_a_browser_that_does_not_start_is_told(bench: Bench) -> None:
    bench.env = replace(bench.env, chromium="/bin/false")
    left_to(accessibility.check(bench), "launch")
    left_to(frame_browser.check(FRAME, bench.env), "launch")


def test_10_known_rules_name_the_field_and_others_the_rule() -> None:
    view = accessibility.VIEWS[0]
    for rule, field in (("link-name", "label"), ("image-alt", "alt"), ("empty-table-header", "columns")):
        line = accessibility._told([accessibility.Found(rule, "Help", "<a>", view, "ja")], 1)
        assert line.ok is False
        assert field in line.remedy["ja"]
        assert field in line.remedy["en"]
    line = accessibility._told([accessibility.Found("target-size", "Help", "<a>", view, "ja")], 1)
    assert "target-size" in line.remedy["ja"]
    assert "[ja, light] target-size: Help <a>" in line.message["en"]


def test_10_a_page_holds_each_different_card_once(bench: Bench) -> None:
    again = bench.seen[0]
    bench.seen = [again, again, replace(again, card=replace(again.card, lang="en"))]
    ((locale, cards),) = accessibility._by_language(bench).items()
    page = accessibility.page_of(bench, cards, locale)
    assert page.count("<article") == 2
    assert page.count('id="title-card-0"') == page.count('id="title-card-1"') == 1


# --- 13 ------------------------------------------------------------------------------------------------------


def test_13_only_what_a_reader_sees_counts() -> None:
    html = "<!doctype html><head><title>T</title></head><body><style>a{}</style><p>一 <b>二</b></p><script>x</script></p>"
    assert privacy.visible(html) == "一 二"
    assert privacy.visible("</script>三") == "三"


# --- the portal's surroundings -------------------------------------------------------------------------------


def test_the_portal_hands_in_its_other_gadgets_and_its_browser(
    published: str, waste: ExampleProvider
) -> None:
    with override_settings(CHROMIUM="/usr/bin/chromium"):
        env = check_environment.environment("localhost.else.gadget")
    assert env.others == {waste.config.public_origin}
    assert env.chromium == "/usr/bin/chromium"
    assert "--color-primitive-blue-900" in env.stylesheet
    assert ".rc-card" in env.stylesheet
    assert check_environment.environment(published).others == frozenset()


def test_a_card_that_is_kept_is_old_once_its_time_has_passed() -> None:
    parsed = card.parse(card_bytes(), manifest=MANIFEST)
    now = datetime.now(UTC)
    fresh = drawing.stored(parsed, MANIFEST, locale="ja", now=now)
    old = drawing.stored(parsed, MANIFEST, locale="ja", now=now, old=True)
    assert (fresh.status(now), old.status(now)) == ("current", "old")
    assert old.stale_until - now >= timedelta(seconds=MANIFEST.stale - 1)
    assert "古い" in drawing.tile(MANIFEST, old, locale="ja", size="S", now=now)
