"""The checks find what is wrong with a provider, say where and how to put it right, and let a good one pass."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from examples.cityos import provider as city_os
from examples.fourth.provider import build as build_fourth
from examples.kit.config import Config, read
from examples.kit.provider import Provider as ExampleProvider
from examples.kit.web import Server, Site
from examples.lunch.provider import build as build_lunch
from examples.river.provider import build as build_river
from examples.shelter.provider import build as build_shelter
from examples.waste.provider import build as build_waste
from gadgets import conformance
from gadgets.conformance import Subject, command
from gadgets.conformance.checks import speed
from gadgets.protocol.conformance_lines import Line
from gadgets.registration import manifest_source
from tests.gadgets import life, whole
from tests.gadgets.providers import Handler, card_document, reply

BUILT = {
    "waste": build_waste,
    "shelter": build_shelter,
    "lunch": build_lunch,
    "river": build_river,
    "fourth": build_fourth,
}


@contextmanager
def city_os_files() -> Iterator[Config]:
    """The City OS of the examples, where the manifests of two queries lie."""
    probe = Server(Site(), 0)
    port = probe.port
    probe.server_close()
    built = city_os.build(read({"PORT": str(port)}, default_port=port, name="cityos"))
    server = Server(built.site, port)
    thread = server.start()
    try:
        yield built.config
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def lines_of(
    provider: ExampleProvider | life.Careless,
    previous: str | None = None,
    env: conformance.Environment | None = None,
) -> list[Line]:
    url = provider.url if isinstance(provider, life.Careless) else provider.config.url("/gadget.json")
    fetched = manifest_source.fetch(url)
    return list(
        conformance.check(
            Subject(fetched.raw, url, fetched.manifest.id, previous), env or whole.environment()
        )
    )


def failed(lines: list[Line]) -> dict[int, list[Line]]:
    found: dict[int, list[Line]] = {}
    for line in lines:
        if line.ok is False:
            found.setdefault(line.number, []).append(line)
    return found


@pytest.mark.parametrize("name", ["waste", "lunch", "river", "fourth", "shelter"])
def test_each_example_provider_passes_every_check(name: str, waste: ExampleProvider) -> None:
    if name == "waste":
        lines = lines_of(waste)
    else:
        with life.example(BUILT[name], name) as provider:
            lines = lines_of(provider)
    assert failed(lines) == {}
    assert {line.number for line in lines} == set(range(1, 15))
    assert sum(line.number == 3 for line in lines) == 12


@pytest.mark.parametrize("name", city_os.GADGETS)
def test_each_gadget_of_the_city_os_passes_every_check(name: str) -> None:
    with city_os_files() as config:
        url = config.url(f"/{name}")
        fetched = manifest_source.fetch(url)
        subject = Subject(fetched.raw, url, fetched.manifest.id)
        lines = list(conformance.check(subject, whole.environment("", "ja", "en", "ja-simple")))
    assert failed(lines) == {}
    assert {line.number for line in lines} == set(range(1, 15))


@pytest.mark.browser
@pytest.mark.parametrize("name", ["waste", "lunch", "river", "fourth", "shelter"])
def test_the_cards_of_each_example_are_accessible(name: str) -> None:
    chromium = shutil.which("chromium")
    assert chromium, "Chromium is missing: sudo apt-get install chromium, or run bin/test."
    with life.example(BUILT[name], name) as provider:
        lines = lines_of(provider, env=whole.environment(chromium, "ja"))
    (line,) = (line for line in lines if line.number == 10)
    assert line.ok, line.message["en"]


def test_the_loopback_exception_is_said_in_words(waste: ExampleProvider) -> None:
    line = next(line for line in lines_of(waste) if line.number == 2)
    assert line.ok
    assert "例外" in line.message["ja"]
    assert "exception" in line.message["en"]


def test_a_provider_that_verifies_nothing_fails_each_bad_token(careless: life.Careless) -> None:
    wrong = failed(lines_of(careless))
    assert set(wrong) == {3}
    titles = {line.title["en"] for line in wrong[3]}
    assert titles == {
        "Refuses an expired token",
        "Refuses a token of the future",
        "Refuses a token that lives too long",
        "Refuses another iss",
        "Refuses a wrong audience",
        "Refuses a wrong htu",
        "Refuses a wrong htm",
        "Refuses another typ",
        "Refuses alg: none",
        "Refuses an unknown key",
        "Refuses a replay",
    }
    assert all(line.remedy["ja"] and line.remedy["en"] for line in wrong[3])


def test_an_invalid_card_is_named_by_persona_place_and_remedy(careless: life.Careless) -> None:
    careless.card = card_document(blocks=[{"type": "text", "text": "<b>太字</b>"}])
    wrong = failed(lines_of(careless))
    assert "[hanako/ja/S]" in wrong[4][0].message["ja"]
    assert "$.blocks[0].text" in wrong[4][0].message["ja"]
    assert 5 in wrong


def test_a_link_outside_of_the_declared_origins_fails_check_11_only_there(careless: life.Careless) -> None:
    href = "https://elsewhere.example/"
    careless.card = card_document(
        blocks=[{"type": "actions", "items": [{"type": "open", "label": "開く", "href": href}]}]
    )
    wrong = failed(lines_of(careless))
    assert set(wrong) == {3, 11}
    assert href in wrong[11][0].message["ja"]


def test_a_slow_provider_fails_the_speed_check(
    careless: life.Careless, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speed, "SPEED_CALLS", 2)
    monkeypatch.setattr(speed, "SPEED_LIMIT", 0.02)
    plain = reply_with_card()

    def slow(handler: Handler) -> None:
        time.sleep(0.03)
        plain(handler)

    careless.card = slow
    assert "1000" not in failed(lines_of(careless))[8][0].remedy["ja"]


def test_a_provider_that_is_slow_throughout_ends_within_the_budget(careless: life.Careless) -> None:
    env = replace(whole.environment(), seconds=0.5)
    plain = reply_with_card()

    def slow(handler: Handler) -> None:
        time.sleep(0.3)
        plain(handler)

    careless.card = slow
    started = time.monotonic()
    wrong = failed(lines_of(careless, env=env))
    assert time.monotonic() - started < 4
    assert "制限時間" in wrong[4][0].message["ja"]


def test_a_card_over_the_limit_is_refused_with_the_limit(careless: life.Careless) -> None:
    careless.card = card_document(blocks=[{"type": "text", "text": "あ" * 30000}])
    wrong = failed(lines_of(careless))
    assert "65536" in wrong[4][0].message["ja"]


def test_a_provider_that_answers_with_500_reads_the_status(careless: life.Careless) -> None:
    careless.card = reply(b"{}", status=500)
    wrong = failed(lines_of(careless))
    assert "500" in wrong[3][0].message["ja"]
    assert "500" in wrong[5][0].message["ja"]
    assert wrong[11][0].message["ja"].startswith("カードが一枚も")


def test_a_broken_manifest_gives_one_line_for_each_problem(careless: life.Careless) -> None:
    careless.document["colour"] = "red"
    careless.document["version"] = "one"
    raw = life.json.dumps(careless.document).encode()
    lines = list(conformance.check(Subject(raw, careless.url), whole.environment()))
    assert {line.title["ja"] for line in lines} == {"マニフェスト $.colour", "マニフェスト $.version"}
    assert not any(line.ok for line in lines)


def test_the_version_must_rise(careless: life.Careless) -> None:
    wrong = failed(lines_of(careless, previous="1.0.0"))
    assert "1.0.0" in wrong[1][0].message["ja"]


def test_a_purpose_without_the_languages_of_the_title_is_named(careless: life.Careless) -> None:
    del careless.document["summary"]["en"]
    wrong = failed(lines_of(careless))
    assert "summary (en)" in wrong[1][0].message["ja"]


def test_a_provider_that_is_away_fails_check_2(careless: life.Careless) -> None:
    raw = life.json.dumps(
        {
            **careless.document,
            "endpoints": {
                name: url.replace(str(careless.provider.port), "9")
                for name, url in careless.document["endpoints"].items()
            },
        }
    ).encode()
    url = careless.url.replace(str(careless.provider.port), "9")
    raw = raw.replace(str(careless.provider.port).encode(), b"9")
    line = next(
        line for line in conformance.check(Subject(raw, url), whole.environment()) if line.number == 2
    )
    assert not line.ok
    assert "9" in line.message["ja"]


def test_a_link_needs_no_card(careless: life.Careless) -> None:
    careless.document["kind"] = "link"
    careless.document["endpoints"] = {"login": f"{careless.provider.origin}/oidc/start"}
    lines = lines_of(careless)
    assert failed(lines) == {}
    assert {line.number for line in lines} == set(range(1, 15))
    assert [line.number for line in lines if line.message["en"].startswith("Does not apply: this link")] == [
        *range(3, 12)
    ]


def test_the_command_prints_each_line_and_its_result(
    clean: None, db: None, careless: life.Careless, waste: ExampleProvider, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.run([waste.config.url("/gadget.json")]) == 0
    assert "✔  3 正しいトークンを受け入れる" in capsys.readouterr().out
    assert command.run([careless.url, "--language", "en"]) == 1
    out = capsys.readouterr().out
    assert "✘  3 Refuses alg: none" in out
    assert "11 to fix" in out
    careless.listed = {"gadgets": []}
    assert command.run([careless.url]) == 2
    assert "region-gadget.json" in capsys.readouterr().err


def reply_with_card() -> life.Answer:
    """The plain card, for an answer that does something before it."""
    return reply(life.json.dumps(card_document(), ensure_ascii=False).encode())
