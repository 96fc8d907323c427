"""A form that came when nobody was signed in: its sender stands before it again with the text, or reads that nothing was sent."""

import html
import re
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from django.conf import settings
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone, translation

from gadgets.models import Provider
from identity.closure import retention
from identity.forms import kept
from identity.household import authority
from identity.models import KeptForm, Resident
from tests import cast
from tests.identity.test_sent_once import hidden, takes_post
from tests.portal.test_problem_pages import walked

pytestmark = pytest.mark.django_db
ORGANISATIONS = "/provider/organisations/"
TYPED = {"name": "高松<b>運輸", "kind": "city", "contact": "bus@example.jp"}


def browser(resident: Resident) -> Client:
    return cast.sign_in(cast.portal_client(enforce_csrf_checks=True), resident)


def ends(client: Client) -> None:
    """The session ends by time, as the store says it: only why is left."""
    session = client.session
    over = int(timezone.now().timestamp()) - settings.SESSION_IDLE_SECONDS - 60
    session["_seen"] = session["_begun"] = over
    session.save()


def page_with_the_form(client: Client, answer: Any) -> str:
    """Where the answer to a late form leads after sign-in, as `next` of the sign-in or as the redirect itself."""
    assert answer.status_code in {302, 303}
    asked = urlsplit(answer["Location"])
    return parse_qs(asked.query)["next"][0] if asked.path == "/sign-in/" else answer["Location"]


def late(client: Client, page: str = "/provider/", path: str = ORGANISATIONS, **typed: Any) -> str:
    """Draws the form, lets the session end, sends the form; returns the page that it leads back to."""
    before = f"http://{client.defaults['HTTP_HOST']}{page}"
    data = {**hidden(client, page, path), **(typed or TYPED)}
    ends(client)
    return page_with_the_form(client, client.post(path, data, headers={"referer": before}))


def again(client: Client, resident: Resident) -> Client:
    """The same browser, signed in anew."""
    return cast.sign_in(client, resident)


def test_after_signing_in_again_the_text_is_there_and_goes_out_once() -> None:
    busco = cast.busco()
    client = browser(busco)
    back = late(client)
    assert not Provider.objects.filter(contact=TYPED["contact"]).exists()
    told = client.get(f"/sign-in/?next={quote(back)}").content.decode()
    assert "まだ送られていません" in told
    page = again(client, busco).get(back).content.decode()
    assert "まだ送られていません" in page
    assert f'value="{html.escape(TYPED["name"])}"' in page
    assert f'value="{TYPED["contact"]}"' in page
    assert re.search(r'<option value="city" selected', page)
    form = re.search(rf'<form[^>]*action="{ORGANISATIONS}".*?</form>', page, re.DOTALL)
    assert form
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form[0]))
    assert client.post(ORGANISATIONS, {**fields, **TYPED}).status_code == 302
    assert Provider.objects.filter(contact=TYPED["contact"]).count() == 1
    assert not KeptForm.objects.exists()


def test_what_one_person_typed_is_not_shown_to_another() -> None:
    client = browser(cast.busco())
    back = late(client)
    page = again(client, cast.wasteco()).get(back).content.decode()
    assert "別の方" in page
    assert TYPED["contact"] not in page
    assert html.escape(TYPED["name"]) not in page
    assert not KeptForm.objects.exists()


def test_what_was_typed_for_oneself_is_not_filled_in_for_a_ward(rf: Any) -> None:
    request = rf.get("/")
    request.session = {"_resident": "hanako"}
    own = kept.drawn_for(request)
    request.session = {"_resident": "hanako", authority.FOR: "child"}
    assert kept.drawn_for(request) != own


def test_another_browser_gets_nothing() -> None:
    busco = cast.busco()
    back = late(browser(busco))
    page = browser(busco).get(back).content.decode()
    assert "残っていません" in page
    assert TYPED["contact"] not in page


def test_the_row_says_nothing_without_the_browser() -> None:
    busco = cast.busco()
    client = browser(busco)
    late(client)
    row = KeptForm.objects.get()
    secret = client.cookies[settings.KEPT_COOKIE_NAME].value
    stored = bytes(row.sealed)
    assert TYPED["contact"].encode() not in stored
    assert secret not in f"{row.digest}{row.person}"
    assert str(busco.id) not in f"{row.digest}{row.person}"
    with pytest.raises(kept.CannotUnseal):
        kept.browser_seals.unseal(stored, secret="another", place="kept-form")
    cookie = client.cookies[settings.KEPT_COOKIE_NAME]
    assert cookie["httponly"]
    assert cookie["max-age"] == kept.HOLDS.total_seconds()


def test_it_is_kept_for_half_an_hour_and_then_deleted(time_machine: Any) -> None:
    busco = cast.busco()
    client = browser(busco)
    back = late(client)
    time_machine.move_to(timezone.now() + kept.HOLDS + timedelta(seconds=1))
    page = again(client, busco).get(back).content.decode()
    assert "残っていません" in page
    assert TYPED["contact"] not in page
    retention.clean(now=timezone.now())
    assert not KeptForm.objects.exists()


def test_one_person_keeps_a_handful() -> None:
    busco = cast.busco()
    for number in range(kept.PER_PERSON + 2):
        late(browser(busco), **{**TYPED, "name": f"第{number}社"})
    assert KeptForm.objects.count() == kept.PER_PERSON


def test_a_form_that_says_it_was_drawn_for_somebody_is_believed_only_with_our_proof() -> None:
    client = cast.portal_client()
    client.post(ORGANISATIONS, {**TYPED, "drawn_for": "0" * 24 + "." + "0" * 24})
    client.post(ORGANISATIONS, TYPED)
    assert not KeptForm.objects.exists()


def test_passwords_codes_and_files_are_never_kept() -> None:
    names = ["password", "password1", "old_password", "oldpassword", "new-password", "code", "otp", "api_token",
             "client_secret", "number", "pin"]  # fmt: skip
    assert [name for name in names if not kept.SECRET.search(name)] == []
    assert [
        name
        for name in ("name", "text", "reason", "contact", "f-remarks", "encoded")
        if kept.SECRET.search(name)
    ] == []
    hanako = cast.hanako()
    client = browser(hanako)
    session = client.session
    session["_auth_time"] = int(timezone.now().timestamp())
    session.save()
    path = "/my-data/household/join/"
    back = late(client, path, path, code="ABCD-EFGH-JKLM")
    page = client.get(back)
    again(client, hanako)
    session = client.session
    session["_auth_time"] = int(timezone.now().timestamp())
    session.save()
    page = client.get(back).content.decode()
    assert "ABCD-EFGH-JKLM" not in page
    assert "パスワードや番号は" in page


def test_an_old_proof_of_the_person_loses_no_text_either() -> None:
    hanako = cast.hanako()
    client = browser(hanako)
    session = client.session
    session["_auth_time"] = int(timezone.now().timestamp())
    session.save()
    path = "/my-data/household/represent/"
    data = {**hidden(client, path, path), "name": "母"}
    session = client.session
    session["_auth_time"] = 1
    session.save()
    answer = client.post(path, data)
    assert "fresh=1" in answer["Location"]
    session = client.session
    session["_auth_time"] = int(timezone.now().timestamp())
    session.save()
    assert 'value="母"' in client.get(page_with_the_form(client, answer)).content.decode()


def test_a_page_drawn_before_a_sign_in_in_another_tab_is_filled_in_again() -> None:
    busco = cast.busco()
    client = browser(busco)
    data = {**hidden(client, "/provider/", ORGANISATIONS), **TYPED}
    client.cookies[settings.CSRF_COOKIE_NAME] = "A" * 32  # signing in drew another token
    own = f"http://{client.defaults['HTTP_HOST']}"
    answer = client.post(ORGANISATIONS, data, headers={"origin": own, "referer": f"{own}/provider/"})
    assert answer.status_code == 303
    page = client.get(answer["Location"]).content.decode()
    assert f'value="{TYPED["contact"]}"' in page
    assert not Provider.objects.filter(contact=TYPED["contact"]).exists()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "https://evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_a_form_of_another_site_fills_in_nothing(headers: dict[str, str]) -> None:
    client = browser(cast.busco())
    data = {**hidden(client, "/provider/", ORGANISATIONS), **TYPED, "csrfmiddlewaretoken": "B" * 64}
    answer = client.post(ORGANISATIONS, data, headers=headers)
    assert answer.status_code == 403
    assert "何も変わっていません" in answer.content.decode()
    assert not KeptForm.objects.exists()


def test_a_script_is_not_sent_to_a_page() -> None:
    client = browser(cast.busco())
    data = {**hidden(client, "/provider/", ORGANISATIONS), **TYPED}
    ends(client)
    client.post(ORGANISATIONS, data, headers={"sec-fetch-dest": "empty"})
    assert not KeptForm.objects.exists()


def post_views() -> list[str]:
    """Every address of people on the portal's host that takes a form and asks for a session."""
    open_to_all = {"guest", "sign_out", "backchannel_logout", "relay_logout", "token", "undecided"}
    programs = ("/api/", "/oidc/")
    with translation.override("ja"):
        found = {
            path: view
            for path, view in walked(get_resolver("portal.urls").url_patterns)
            if view.__module__.split(".")[0] in {"portal", "gadgets"}
            and takes_post(view)
            and view.__name__ not in open_to_all
            and not path.startswith(programs)
        }
    return sorted(
        path for path, view in found.items() if view.__name__ not in {"sample", "extend", "contact"}
    )


@pytest.mark.parametrize("path", post_views())
def test_every_form_says_after_sign_in_that_nothing_was_sent(path: str) -> None:
    """Residents, providers and desks: without a session each leads over sign-in to a page that GET opens and that says so."""
    client = cast.portal_client()
    answer = client.post(path, {"name": "x"})
    back = page_with_the_form(client, answer)
    assert "kept=0" in back
    everybody = cast.sign_in(cast.portal_client(), cast.operator())
    session = everybody.session
    session["_auth_time"] = int(timezone.now().timestamp())
    session.save()
    opened = everybody.get(back, follow=True)
    assert opened.status_code < 500
    assert "何も送られていません" in opened.content.decode()


@pytest.mark.parametrize(
    "path", ["/admin/pages/1/unpublish/", "/admin/images/add/", "/admin/reports/locked/"]
)
def test_a_form_of_wagtail_says_so_too(path: str) -> None:
    answer = cast.portal_client().post(path, {"title": "x"})
    back = page_with_the_form(Client(), answer)
    assert back == f"{path}?kept=0"


def test_the_desk_gets_its_words_back() -> None:
    operator = cast.operator()
    client = browser(operator)
    path = "/admin/regions/look/"
    back = late(client, "/admin/regions/", path, portal="https://neighbour.example")
    assert back.startswith("/admin/regions/?kept=")
    page = again(client, operator).get(back).content.decode()
    assert 'value="https://neighbour.example"' in page


def test_a_form_that_is_refused_stands_there_as_it_was_typed() -> None:
    client = browser(cast.busco())
    typed = {**TYPED, "contact": "nobody"}
    data = {**hidden(client, "/provider/", ORGANISATIONS), **typed}
    answer = client.post(ORGANISATIONS, data)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert f'value="{html.escape(typed["name"])}"' in page
    assert 'value="nobody"' in page
    assert re.search(r'<option value="city" selected>', page)
    assert "まだ送られていません" not in page
    assert not KeptForm.objects.exists()


@pytest.mark.parametrize(
    ("prefix", "told"), [("/en", "Nothing has been sent yet"), ("/ja-simple", "まだ おくって いません")]
)
def test_it_is_said_in_the_readers_language(prefix: str, told: str) -> None:
    busco = cast.busco()
    client = browser(busco)
    back = late(client, f"{prefix}/provider/", f"{prefix}{ORGANISATIONS}")
    assert back.startswith(f"{prefix}/provider/?kept=")
    page = again(client, busco).get(back).content.decode()
    assert told in page
    assert TYPED["contact"] in page
