"""For each of the fourteen checks a provider that fails exactly this one and reads what to change, in two languages."""

import itertools
import random
import shutil
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.conf import settings

from examples.kit.provider import Provider
from examples.kit.request_token import RequestToken
from examples.kit.web import Request, Response
from gadgets import conformance
from gadgets.conformance import Environment, Subject
from gadgets.protocol.conformance_lines import Line
from gadgets.protocol.manifest import origin_of
from gadgets.registration import manifest_source
from tests.gadgets import whole
from tests.gadgets.whole import Document, Handler, Whole

NEEDS_A_BROWSER = {10}
LANGUAGES = ("ja", "en")


def exactly(lines: list[Line], number: int, *named: str) -> None:
    """Only this check fails, and its remedy names these words in both languages."""
    wrong = whole.failing(lines)
    assert {line.number for line in wrong} == {number}, [(line.number, line.message["en"]) for line in wrong]
    assert {line.number for line in lines} == set(range(1, 15))
    for line, language in itertools.product(wrong, LANGUAGES):
        assert line.title[language]
        assert line.message[language]
        for word in named:
            assert word in line.remedy[language], (language, line.remedy[language])


@pytest.fixture(scope="module")
def chromium() -> str:
    found = shutil.which("chromium")
    assert found, "Chromium is missing: sudo apt-get install chromium, or run bin/test."
    return found


@pytest.mark.parametrize("pairwise", [False, True], ids=["audience", "pairwise"])
def test_the_provider_that_is_not_broken_fails_nothing(pairwise: bool) -> None:
    lines = whole.report(Whole(pairwise=pairwise))
    assert [(line.number, line.message["en"]) for line in lines if line.ok is False] == []
    assert {line.number for line in lines if line.ok is None} == NEEDS_A_BROWSER
    assert {line.number for line in lines} == set(range(1, 15))


# --- 1 -------------------------------------------------------------------------------------------------------


def test_1_a_version_that_does_not_rise() -> None:
    exactly(whole.report(Whole(), previous="1.0.0"), 1, "version")


def test_1_an_id_that_is_not_the_one_that_was_registered() -> None:
    exactly(whole.report(Whole(), gadget_id="localhost.whole.boxes"), 1, "id", "localhost.whole.boxes")


def _no_english_summary(manifest: Document) -> None:
    del manifest["summary"]["en"]


def _no_english_purpose(manifest: Document) -> None:
    del manifest["claims"][0]["purpose"]["en"]


def _no_english_setting(manifest: Document) -> None:
    manifest["settings"]["properties"] = {
        "bins": {"enum": ["all", "paper"], "title": {"ja": "種類", "en": "Kind"}, "labels": {}}
    }
    manifest["settings"]["properties"]["bins"]["labels"] = {
        "all": {"ja": "全部", "en": "All"},
        "paper": {"ja": "紙"},
    }


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (_no_english_summary, "summary"),
        (_no_english_purpose, "claims.area.waste_zone.purpose"),
        (_no_english_setting, "settings.bins.labels.paper"),
    ],
    ids=["summary", "purpose", "label"],
)
def test_1_a_text_without_a_language_of_the_title(change: Callable[[Document], None], place: str) -> None:
    exactly(whole.report(Whole(manifest=change)), 1, place, "title")


# --- 2 -------------------------------------------------------------------------------------------------------


def test_2_a_health_address_that_does_not_answer() -> None:
    broken = Whole(routes={("GET", "/g/health"): whole.answer("", 503)})
    exactly(whole.report(broken), 2, "endpoints.health")


# --- 3 -------------------------------------------------------------------------------------------------------


def _forgets(provider: Provider) -> None:
    class Forgetful:
        def first_use(self, *_: Any, **__: Any) -> bool:
            return True

    provider.verifier._replays = Forgetful()  # type: ignore[assignment]


def test_3_a_token_that_is_taken_twice() -> None:
    exactly(whole.report(Whole(built=_forgets)), 3, "jti")


def _takes_any(name: str) -> Callable[[Provider], None]:
    def change(provider: Provider) -> None:
        plain = provider.verifier._check

        def check(claims: Document, *, method: str, url: str) -> None:
            right = {"aud": provider.verifier._audience, "htu": url}[name]
            plain({**claims, name: right}, method=method, url=url)

        provider.verifier._check = check  # type: ignore[method-assign]

    return change


@pytest.mark.parametrize("name", ["aud", "htu"])
def test_3_a_token_that_is_for_another(name: str) -> None:
    exactly(whole.report(Whole(built=_takes_any(name))), 3, name)


# --- 4 -------------------------------------------------------------------------------------------------------


def _html_in_english(card: Document, token: RequestToken, _: Request) -> None:
    if token.locale == "en":
        card["blocks"][1]["items"][0]["colour"] = "red"


def test_4_a_card_against_the_schema_in_one_language() -> None:
    lines = whole.report(Whole(card=_html_in_english))
    exactly(lines, 4, "card-1.0.json")
    (line,) = whole.failing(lines)
    assert "[hanako/en/S] $.blocks[1].items[0].colour" in line.message["ja"]


# --- 5 -------------------------------------------------------------------------------------------------------


def _needs_the_optional(card: Document, token: RequestToken, _: Request) -> None:
    if token.granted and "age_band" not in token.granted:
        raise KeyError("age_band")


def test_5_a_provider_that_needs_what_is_optional() -> None:
    lines = whole.report(Whole(card=_needs_the_optional))
    exactly(lines, 5, "granted")
    assert [line.title["en"] for line in whole.failing(lines)] == ["Works with the required claims only"]


@pytest.mark.parametrize("pairwise", [False, True], ids=["audience", "pairwise"])
def test_5_an_attribute_that_changes_nothing_is_named(pairwise: bool) -> None:
    def ignores(card: Document, token: RequestToken, _: Request) -> None:
        card["summary"] = card["blocks"][0]["text"] = str(token.claims.get("area.waste_zone", "-"))

    lines = whole.report(Whole(card=ignores, pairwise=pairwise))
    exactly(lines, 5, "claims")
    assert "age_band" in whole.failing(lines)[0].message["en"]
    assert "area.waste_zone" not in whole.failing(lines)[0].message["en"]


def test_5_what_a_frame_may_use_is_left_to_the_review() -> None:
    def ignores(card: Document, token: RequestToken, _: Request) -> None:
        card["summary"] = card["blocks"][0]["text"] = str(token.claims.get("area.waste_zone", "-"))

    lines = whole.report(Whole(card=ignores, frame=True))
    told = [line for line in lines if line.number == 5 and line.ok is None]
    assert [line for line in whole.failing(lines) if line.number == 5] == []
    assert len(told) == 1
    assert "purpose" in told[0].remedy["en"]


# --- 6 -------------------------------------------------------------------------------------------------------


def _reads(header: str) -> Callable[..., None]:
    def change(card: Document, token: RequestToken, request: Request) -> None:
        card["blocks"][0]["text"] += f" ({request.headers.get(header, '-')})"

    return change


def _reads_undeclared(card: Document, token: RequestToken, _: Request) -> None:
    card["summary"] += str(token.claims.get("household.school_years", ""))


def _reads_sub(card: Document, token: RequestToken, _: Request) -> None:
    card["blocks"][0]["text"] += token.sub or ""


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (_reads("user-agent"), "User-Agent"),
        (_reads("accept-language"), "ctx.locale"),
        (_reads("x-forwarded-for"), "X-Forwarded-For"),
        (_reads_undeclared, "claims"),
        (_reads_sub, "identity"),
    ],
    ids=["user-agent", "accept-language", "forwarded-for", "undeclared-claim", "sub"],
)
def test_6_a_card_that_changes_with_what_was_not_declared(change: Callable[..., None], named: str) -> None:
    lines = whole.report(Whole(card=change))
    exactly(lines, 6, named)
    (line,) = whole.failing(lines)
    assert "$." in line.message["en"]


def test_6_a_cookie_is_named() -> None:
    lines = whole.report(Whole(card=_reads("cookie")))
    exactly(lines, 6)
    (line,) = whole.failing(lines)
    assert "クッキー" in line.remedy["ja"]
    assert "cookies" in line.remedy["en"]


# --- 7 -------------------------------------------------------------------------------------------------------


def _rolls_dice(card: Document, *_: object) -> None:
    card["blocks"][0]["text"] += f" {random.random()}"  # noqa: S311


def test_7_a_card_that_is_another_each_time() -> None:
    lines = whole.report(Whole(card=_rolls_dice))
    exactly(lines, 7, "updated")
    (line,) = whole.failing(lines)
    assert "$.blocks[0].text" in line.message["ja"]
    untold = [line for line in lines if line.ok is None and line.number not in NEEDS_A_BROWSER]
    assert {line.number for line in untold} == {6, 8}
    assert all("7" in line.remedy[language] for line in untold for language in LANGUAGES)


def test_7_new_data_once_in_between_is_no_fault() -> None:
    calls = itertools.count()

    def change(card: Document, *_: object) -> None:
        card["blocks"][0]["text"] += " later" if next(calls) > 40 else ""

    assert whole.failing(whole.report(Whole(card=change))) == []


# --- 8 -------------------------------------------------------------------------------------------------------


def _never_304(inner: Handler) -> Handler:
    def answer(request: Request) -> Response:
        asked = {name: value for name, value in request.headers.items() if name != "if-none-match"}
        return inner(
            Request(request.method, request.path, request.query, request.form, asked, request.cookies)
        )

    return answer


def test_8_a_card_that_is_sent_again_though_nothing_changed() -> None:
    exactly(whole.report(Whole(routes={("GET", "/g/card"): _never_304})), 8, "If-None-Match", "304", "ETag")


def test_8_without_an_etag_a_hint_and_no_fault() -> None:
    def bare(inner: Handler) -> Handler:
        def answer(request: Request) -> Response:
            made = inner(request)
            made.headers = [(name, value) for name, value in made.headers if name != "ETag"]
            return made

        return answer

    lines = whole.report(Whole(routes={("GET", "/g/card"): bare}))
    assert whole.failing(lines) == []
    assert any(line.number == 8 and "optional" in line.message["en"] for line in lines)


# --- 9 -------------------------------------------------------------------------------------------------------


def _keeps_nothing(manifest: Document) -> None:
    manifest["cache"]["stale"] = 0


def test_9_a_provider_that_leaves_nothing_while_it_is_broken() -> None:
    exactly(whole.report(Whole(manifest=_keeps_nothing)), 9, "cache.stale", "endpoints.login")


def test_9_no_store_forbids_the_last_good_card() -> None:
    def forbidding(inner: Handler) -> Handler:
        def answer(request: Request) -> Response:
            made = inner(request)
            made.headers = [
                (name, "no-store" if name == "Cache-Control" else value) for name, value in made.headers
            ]
            return made

        return answer

    exactly(whole.report(Whole(routes={("GET", "/g/card"): forbidding})), 9, "no-store")


def test_9_a_way_to_the_site_is_enough() -> None:
    def change(manifest: Document) -> None:
        _keeps_nothing(manifest)
        origin = manifest["link_origins"][0]
        manifest["endpoints"]["login"] = f"{origin}/oidc/start"

    lines = whole.report(Whole(manifest=change))
    assert whole.failing(lines) == []
    assert any(line.number == 9 and "endpoints.login" in line.message["en"] for line in lines)


# --- 10 ------------------------------------------------------------------------------------------------------


def _no_language(card: Document, *_: object) -> None:
    card["lang"] = "qq"


def _no_break(card: Document, *_: object) -> None:
    card["blocks"] = [
        {"type": "table", "caption": "表", "columns": [{"label": ""}], "rows": [["x"]], "row_headers": False}
    ]


@pytest.mark.browser
def test_10_a_language_that_does_not_exist(chromium: str) -> None:
    lines = whole.report(Whole(card=_no_language), env=whole.environment(chromium, "ja"))
    exactly(lines, 10, "lang")
    (line,) = whole.failing(lines)
    assert "valid-lang" in line.message["en"]


@pytest.mark.browser
def test_10_passes_in_every_view(chromium: str) -> None:
    lines = whole.report(Whole(), env=whole.environment(chromium, "ja"))
    assert [line for line in lines if line.ok is not True] == []
    (line,) = (line for line in lines if line.number == 10)
    for view in ("light", "dark", "200 %", "320 px"):
        assert view in line.message["en"]


# --- 11 ------------------------------------------------------------------------------------------------------


def _leads_away(card: Document, *_: object) -> None:
    card["blocks"][1]["items"][0]["href"] = "https://elsewhere.example/"


def test_11_a_link_that_leads_elsewhere() -> None:
    exactly(whole.report(Whole(card=_leads_away)), 11, "link_origins")


# --- 12 ------------------------------------------------------------------------------------------------------

PORTAL = settings.PORTAL_URL


def test_12_a_frame_that_is_whole_leaves_two_lines_to_a_browser() -> None:
    lines = whole.report(Whole(frame=True))
    assert whole.failing(lines) == []
    left = [line.title["en"] for line in lines if line.number == 12 and line.ok is None]
    assert left == ["Works with third-party cookies blocked", "Keyboard exit"]


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ("default-src 'self'", "no frame-ancestors"),
        ("default-src 'self'; frame-ancestors 'none'", "'none'"),
        ("default-src 'self'; frame-ancestors https://other.example", "https://other.example"),
        (f"default-src 'self'; frame-ancestors * {PORTAL}", "Anybody"),
        (f"default-src 'self'; frame-ancestors {PORTAL}, frame-ancestors 'self'", "'self'"),
        ("", "no frame-ancestors"),
    ],
    ids=["missing", "none", "another", "anybody", "two-policies", "no-policy"],
)
def test_12_a_frame_that_names_not_us_alone(policy: str, said: str) -> None:
    lines = whole.report(Whole(frame=True, policy=policy))
    exactly(lines, 12, *(() if policy == "" else ("frame-ancestors", PORTAL)))
    assert any(said in line.message["en"] for line in whole.failing(lines))


@pytest.mark.parametrize(
    "policy",
    [
        f"script-src 'self' 'unsafe-eval'; frame-ancestors {PORTAL}",
        f"default-src 'unsafe-eval'; frame-ancestors {PORTAL}",
        f"img-src 'self'; frame-ancestors {PORTAL}",
    ],
    ids=["script-src", "default-src", "none"],
)
def test_12_text_that_may_run_as_code(policy: str) -> None:
    exactly(whole.report(Whole(frame=True, policy=policy)), 12, "'unsafe-eval'", "script-src")


def _on_the_portal(env: Environment, src: str) -> Environment:
    return replace(env, others=frozenset({origin_of(src)}))


def test_12_an_origin_that_another_gadget_has_too() -> None:
    broken = Whole(frame=True)
    with whole.running(broken) as url:
        fetched = manifest_source.fetch(url)
        assert fetched.manifest.frame is not None
        env = _on_the_portal(whole.environment(), fetched.manifest.frame.src)
        lines = list(conformance.check(Subject(fetched.raw, url, fetched.manifest.id), env))
    exactly(lines, 12, "frame.src", "map.map.whole.localhost")


def test_12_a_page_that_is_not_there() -> None:
    broken = Whole(frame=True, routes={("GET", "/frame"): whole.answer("", 404)})
    exactly(whole.report(broken), 12, "frame.src")


@pytest.mark.browser
def test_12_passes_in_a_browser(chromium: str) -> None:
    lines = whole.report(Whole(frame=True), env=whole.environment(chromium, "ja"))
    assert [line for line in lines if line.ok is not True] == []


@pytest.mark.browser
@pytest.mark.parametrize(
    ("script", "named"),
    [
        (
            "document.cookie = 'a=b'; if (document.cookie) parent.postMessage({method: 'ready'}, '*');",
            "parent",
        ),
        (
            "addEventListener('load', () => parent.postMessage({method: 'ready'}, '*'));"
            "addEventListener('keydown', event => event.preventDefault());",
            "preventDefault",
        ),
    ],
    ids=["cookies", "keyboard-trap"],
)
def test_12_a_frame_that_needs_cookies_or_keeps_the_focus(chromium: str, script: str, named: str) -> None:
    lines = whole.report(Whole(frame=True, script=script), env=whole.environment(chromium, "ja"))
    exactly(lines, 12, "frame.src", named)


# --- 13 ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        whole.answer("gone", 404),
        whole.answer("moved", 302),
        whole.answer("ここには何でも書けます。" * 3, content_type="application/pdf"),
        whole.answer(
            "<!doctype html><title>…</title><script>" + "x" * 99 + "</script>", content_type="text/html"
        ),
    ],
    ids=["404", "redirect", "pdf", "empty"],
)
def test_13_a_privacy_page_that_cannot_be_read(answer: Callable[[Handler], Handler]) -> None:
    exactly(whole.report(Whole(routes={("GET", "/privacy"): answer})), 13, "provider.privacy")


# --- 14 ------------------------------------------------------------------------------------------------------


def test_14_an_erasure_that_is_not_answered() -> None:
    broken = Whole(pairwise=True, routes={("POST", "/g/events"): whole.answer("", 404)})
    lines = whole.report(broken)
    wrong = whole.failing(lines)
    assert {line.number for line in wrong} == {14}
    erasure = next(line for line in wrong if line.title["en"] == "Answers an erasure")
    assert all("endpoints.events" in erasure.remedy[language] for language in LANGUAGES)
