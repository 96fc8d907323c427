"""A provider's own site: signed in by the regional ID under a pairwise subject, and signed out by it."""

import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc.jwk import RSAKey

from examples.lunch.provider import build as build_lunch
from examples.waste.provider import build as build_waste
from tests.examples.support import CLIENT_ID, Running, World, csrf, running

ZONE = "area.waste_zone"


def is_in(it: Running, browser: Any) -> bool:
    return 'id="subject"' in it.page(browser)


def test_the_regional_id_signs_in_and_brings_a_subject_only(waste: Running) -> None:
    with waste.browser() as browser:
        assert not is_in(waste, browser)
        done = waste.sign_in(browser, start="/oidc/start?next=/%3Fzone%3D7")
        assert (done.status_code, done.headers["Location"]) == (303, "/?zone=7")
        page = waste.page(browser, "/?zone=7")
        assert "pairwise-hanako" in page
        assert "缶・びん・ペットボトル" in page
    with waste.browser() as other:
        assert not is_in(waste, other)


def test_the_request_to_the_id_is_complete(waste: Running, world: World) -> None:
    begun = waste.get("/oidc/start?lang=en")
    url = urlsplit(begun.headers["Location"])
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    assert f"{url.scheme}://{url.netloc}{url.path}" == world.issuer + "/authorize"
    assert query["redirect_uri"] == waste.origin + "/oidc/callback"
    assert (query["response_type"], query["scope"], query["ui_locales"]) == ("code", "openid", "en")
    assert query["code_challenge_method"] == "S256"
    assert len({query["state"], query["nonce"], query["code_challenge"]}) == 3


def test_the_cookie_is_not_for_scripts_and_changes_at_sign_in(waste: Running) -> None:
    with waste.browser() as browser:
        first = waste.sign_in(browser).headers["Set-Cookie"]
        assert "HttpOnly" in first
        assert "SameSite=Lax" in first
        old = browser.cookies["waste_session"]
        waste.sign_in(browser)
        assert browser.cookies["waste_session"] != old


def test_on_https_the_cookie_is_secure(world: World) -> None:
    with (
        running(build_waste, "waste", world, PUBLIC_ORIGIN="https://waste.example") as it,
        it.browser() as browser,
    ):
        begun = browser.get(f"http://waste.localhost:{it.port}/oidc/start", timeout=5, allow_redirects=False)
        assert begun.headers["Set-Cookie"].endswith("; Secure")
        assert "redirect_uri=https%3A%2F%2Fwaste.example%2Foidc%2Fcallback" in begun.headers["Location"]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("next=https://evil.example/", "/"),
        ("next=//evil.example/", "/"),
        ("next=/%5Cevil.example", "/"),
        ("next=/%0D%0ASet-Cookie:x", "/"),
        ("next=/privacy", "/privacy"),
        ("target_link_uri=https://evil.example/privacy", "/"),
        ("target_link_uri={origin}.evil.example/privacy", "/"),
        ("target_link_uri={origin}/privacy&iss={issuer}", "/privacy"),
    ],
)
def test_the_sign_in_leads_nowhere_else(waste: Running, world: World, target: str, expected: str) -> None:
    with waste.browser() as browser:
        query = target.format(origin=waste.origin, issuer=world.issuer)
        assert waste.sign_in(browser, start=f"/oidc/start?{query}").headers["Location"] == expected


def test_a_start_for_another_issuer_is_refused(waste: Running) -> None:
    assert waste.get("/oidc/start?iss=https://evil.example").status_code == 400


def begin(it: Running, world: World, browser: Any) -> dict[str, str]:
    begun = browser.get(it.origin + "/oidc/start", timeout=5, allow_redirects=False)
    return world.authorize(begun.headers["Location"])


@pytest.mark.parametrize(
    "spoil",
    [
        {"state": "another"},
        {"state": ""},
        {"iss": "https://evil.example"},
        {"iss": ""},
        {"code": ""},
        {"code": "another"},
        {"error": "access_denied"},
    ],
)
def test_a_spoilt_answer_of_the_id_signs_nobody_in(
    waste: Running, world: World, spoil: dict[str, str]
) -> None:
    with waste.browser() as browser:
        answer = waste.callback(browser, begin(waste, world, browser) | spoil)
        assert answer.status_code == 400
        assert "サインインできませんでした" in answer.text
        assert not is_in(waste, browser)


def test_an_answer_belongs_to_the_browser_that_asked_and_is_good_once(waste: Running, world: World) -> None:
    with waste.browser() as browser, waste.browser() as thief:
        query = begin(waste, world, browser)
        assert waste.callback(thief, query).status_code == 400
        assert waste.callback(browser, query).status_code == 303
        assert waste.callback(browser, query).status_code == 400


@pytest.mark.parametrize(
    "over",
    [
        {"iss": "https://evil.example"},
        {"aud": "another-client"},
        {"aud": [CLIENT_ID, "another"], "azp": "another"},
        {"nonce": "another"},
        {"nonce": None},
        {"sub": None},
        {"exp": 1},
        {"iat": 9_999_999_999},
    ],
)
def test_a_spoilt_id_token_signs_nobody_in(waste: Running, world: World, over: dict[str, Any]) -> None:
    world.id_token_override = over
    with waste.browser() as browser:
        assert waste.sign_in(browser).status_code == 400
        assert not is_in(waste, browser)


def test_an_id_token_of_a_stranger_signs_nobody_in(waste: Running, world: World) -> None:
    with waste.browser() as browser:
        waste.sign_in(browser)
        world.id_key = RSAKey.generate_key(2048, {"kid": "id-1"})
    with waste.browser() as browser:
        assert waste.sign_in(browser).status_code == 400


def test_an_id_that_is_away_is_said_at_once(waste: Running, world: World) -> None:
    world.server.shutdown()
    world.server.server_close()
    started = time.monotonic()
    answer = waste.get("/oidc/start")
    assert answer.status_code == 503
    assert "地域IDにつながりません" in answer.text
    assert time.monotonic() - started < 2


def test_a_discovery_of_another_issuer_is_refused(world: World) -> None:
    with running(
        build_waste, "waste", world, OIDC_ISSUER="https://id.example", OIDC_DISCOVERY_URL=world.issuer
    ) as it:
        assert it.get("/oidc/start").status_code == 503


def test_without_a_client_the_site_says_so(world: World) -> None:
    with running(build_waste, "waste", world, OIDC_CLIENT_ID="") as it:
        answer = it.get("/oidc/start")
        assert answer.status_code == 503
        assert "設定がまだありません" in answer.text


def test_signing_out_ends_both_sessions(waste: Running, world: World) -> None:
    with waste.browser() as browser:
        waste.sign_in(browser)
        form = {"csrf": csrf(waste.page(browser))}
        answer = waste.post_as(browser, "/oidc/logout", form)
        assert answer.status_code == 303
        url = urlsplit(answer.headers["Location"])
        query = parse_qs(url.query)
        assert answer.headers["Location"].startswith(world.issuer + "/logout?")
        assert query["post_logout_redirect_uri"] == [waste.origin + "/"]
        assert query["id_token_hint"][0].count(".") == 2
        assert not is_in(waste, browser)
        assert waste.post_as(browser, "/oidc/logout", form).headers["Location"] == "/"


def test_a_forged_form_does_nothing(waste: Running) -> None:
    with waste.browser() as browser:
        waste.sign_in(browser)
        assert waste.post_as(browser, "/oidc/logout", {"csrf": "にせもの"}).status_code == 400
        assert is_in(waste, browser)


def test_pages_have_a_strict_policy_and_no_script(waste: Running, world: World) -> None:
    answer = waste.get("/?zone=7&lang=en")
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    id_origin = world.issuer.removesuffix("/o")
    assert f"form-action 'self' {id_origin};" in policy
    assert "<script" not in answer.text
    assert " style=" not in answer.text
    assert '<html lang="en">' in answer.text
    assert waste.get("/static/site.css").headers["Content-Type"].startswith("text/css")
    assert "This is a sample site" in answer.text
    assert "Set-Cookie" not in answer.headers


def test_what_a_visitor_types_is_escaped(waste: Running) -> None:
    assert "<b>" not in waste.get("/?zone=<b>7</b>&lang=<b>").text


# The regional ID signs out from behind


def logout(it: Running, token: str) -> Any:
    return it.post("/oidc/backchannel-logout", {"logout_token": token})


@pytest.mark.parametrize("over", [{"sid": None}, {"sub": None}, {}])
def test_a_logout_token_ends_the_session(waste: Running, world: World, over: dict[str, Any]) -> None:
    with waste.browser() as hanako, waste.browser() as taro:
        waste.sign_in(hanako)
        waste.sign_in(taro, sub="pairwise-taro", sid="sid-2")
        answer = logout(waste, world.logout_token(**over))
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
        assert not is_in(waste, hanako)
        assert is_in(waste, taro)


def test_a_logout_of_one_session_leaves_the_others(waste: Running, world: World) -> None:
    with waste.browser() as phone, waste.browser() as desk:
        waste.sign_in(phone)
        waste.sign_in(desk, sid="sid-desk")
        assert logout(waste, world.logout_token()).status_code == 200
        assert not is_in(waste, phone)
        assert is_in(waste, desk)
        assert logout(waste, world.logout_token(sid=None)).status_code == 200
        assert not is_in(waste, desk)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        ({"iss": "https://evil.example"}, "the issuer is another one"),
        ({"aud": "another-client"}, "the token is for another client"),
        ({"events": None}, "the logout event is missing"),
        ({"events": {"http://other.example": {}}}, "the logout event is missing"),
        ({"nonce": "n"}, "a logout token must not hold a nonce"),
        ({"jti": None}, "jti is missing"),
        ({"sub": None, "sid": None}, "sub and sid are missing"),
        ({"iat": 1, "exp": 2}, "the token has expired"),
        ({"exp": None}, "exp or iat is missing"),
        ({"header": {"typ": "JWT"}}, "the token's type is not logout+jwt"),
        ({"key": RSAKey.generate_key(2048, {"kid": "id-1"})}, "the signature is wrong"),
    ],
)
def test_a_spoilt_logout_token_ends_nothing(
    waste: Running, world: World, spoil: dict[str, Any], reason: str
) -> None:
    with waste.browser() as browser:
        waste.sign_in(browser)
        answer = logout(waste, world.logout_token(**spoil))
        assert answer.status_code == 400
        assert answer.json() == {"error": "invalid_request", "error_description": reason}
        assert is_in(waste, browser)


def test_a_logout_token_is_good_once(waste: Running, world: World) -> None:
    token = world.logout_token()
    assert logout(waste, token).status_code == 200
    assert logout(waste, token).status_code == 400


def test_a_logout_is_a_posted_form(waste: Running, world: World) -> None:
    assert waste.get("/oidc/backchannel-logout").status_code == 405
    assert logout(waste, "").status_code == 400
    answer = waste.post(
        "/oidc/backchannel-logout", {"logout_token": "x"}, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 400


def test_a_logout_waits_for_an_id_whose_keys_are_away(waste: Running, world: World) -> None:
    token = world.logout_token()
    world.server.shutdown()
    world.server.server_close()
    assert logout(waste, token).status_code == 503


# Lunch: what a family asks for


def test_lunch_warns_of_what_a_family_chose_on_its_site(lunch: Running) -> None:
    with lunch.browser() as browser:
        lunch.sign_in(browser)
        form = [("csrf", csrf(lunch.page(browser))), ("ingredient", "wheat"), ("ingredient", "pork")]
        saved = lunch.post_as(browser, "/settings?lang=ja", form)
        assert saved.headers["Location"] == "/?saved=1&lang=ja"
        page = lunch.page(browser, saved.headers["Location"])
        assert "保存しました。" in page
        assert 'value="wheat" checked' in page
        hers = lunch.card(sub="pairwise-hanako").json()
        warnings = [block["text"] for block in hers["blocks"] if block.get("level") == "warning"]
        assert [text.split("の献立")[0] for text in warnings] == ["11月23日（月）", "11月24日（火）"]
        assert all("小麦" in text for text in warnings)
        assert any("アレルギー" in block.get("text", "") for block in hers["blocks"])
        other = lunch.card(sub="pairwise-taro").json()
        assert not [block for block in other["blocks"] if block.get("level") == "warning"]
        public = lunch.card().json()
        assert [block["type"] for block in other["blocks"]].count("form") == 1
        other["blocks"] = [block for block in other["blocks"] if block["type"] != "form"]
        assert public == other


def test_lunch_settings_need_the_form_of_the_session(lunch: Running) -> None:
    assert lunch.post("/settings", {"ingredient": "pork"}).status_code == 400


def test_lunch_shows_the_claims_it_is_given_now(lunch: Running, world: World) -> None:
    with lunch.browser() as browser:
        lunch.sign_in(browser)
        assert "何ももらっていません" in lunch.page(browser)
        world.claims = {"household.school_years": ["e2"], "language": "<ja>"}
        page = lunch.page(browser)
        assert "<code>household.school_years</code></dt><dd>e2</dd>" in page
        assert "&lt;ja&gt;" in page
        assert set(world.claims_bearers) == {"Bearer access-pairwise-hanako"}
        world.claims = {}
        assert "何ももらっていません" in lunch.page(browser)


@pytest.mark.parametrize(
    "over",
    [
        {"sub": "pairwise-taro"},
        {"aud": "another-client"},
        {"iss": "https://evil.example"},
        {"exp": 1},
        {"claims": ["x"]},
    ],
)
def test_lunch_shows_no_claims_that_are_not_surely_hers(
    lunch: Running, world: World, over: dict[str, Any]
) -> None:
    world.claims, world.claims_override = {"language": "secret-value"}, over
    with lunch.browser() as browser:
        lunch.sign_in(browser)
        page = lunch.page(browser)
        assert "今は取得できません" in page
        assert "secret-value" not in page


def test_lunch_takes_no_other_kind_of_token_for_claims(lunch: Running, world: World) -> None:
    world.claims, world.claims_type = {"language": "secret-value"}, "rgadget+jwt"
    with lunch.browser() as browser:
        lunch.sign_in(browser)
        assert "secret-value" not in lunch.page(browser)


@pytest.mark.parametrize(("status", "words"), [(401, "確認の時間が切れました"), (500, "今は取得できません")])
def test_lunch_says_when_the_claims_cannot_be_had(
    lunch: Running, world: World, status: int, words: str
) -> None:
    world.claims_status = status
    with lunch.browser() as browser:
        lunch.sign_in(browser)
        assert words in lunch.page(browser)


def test_lunch_without_a_claims_endpoint_still_works(world: World) -> None:
    with running(build_lunch, "lunch", world, CLAIMS_URL="") as it, it.browser() as browser:
        it.sign_in(browser)
        assert "今は取得できません" in it.page(browser)
    with (
        running(build_lunch, "lunch", world, CLAIMS_URL="http://127.0.0.1:9/claims") as it,
        it.browser() as browser,
    ):
        it.sign_in(browser)
        assert "今は取得できません" in it.page(browser)


@pytest.mark.parametrize("name", ["river", "fourth"])
def test_a_provider_without_sign_in_has_no_such_routes(name: str, request: pytest.FixtureRequest) -> None:
    it: Running = request.getfixturevalue(name)
    for path in ("/oidc/start", "/oidc/callback"):
        assert it.get(path).status_code == 404
    assert it.get("/").status_code == 200
