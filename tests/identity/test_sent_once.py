"""A form that is sent twice at once makes one of a thing, and both sendings get the same answer."""

import re
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone, translation

from gadgets.models import Provider
from identity.closure import retention
from identity.forms import sendings
from identity.models import Guardianship, Resident, Sending
from tests import cast
from tests.identity.region import PASSWORD
from tests.portal.test_problem_pages import walked

NOTHING_NEW = {
    # each with why the same form twice is the same as once
    "attributes_form": "sets values",
    "contact": "proves what is proved",
    "export": "a copy of what is there",
    "end": "ends what is ended",
    "remember": "sets a mark",
    "forget": "deletes a row",
    "extend": "sets a time",
    "undo": "sets values",
    "later": "sets a time",
    "sample": "writes nothing",
    "act": "sets for whom one acts",
    "not_for_me": "hides what is hidden",
    "show_again": "shows what is shown",
    "guest": "sets a cookie",
    "add": "puts a gadget where it is",
    "remove": "takes away what is gone",
    "settings": "sets values",
    "move": "its answer is a new page: pressing twice moves twice",
    "form": "has the provider's own key of a sending",
    "token": "a script's",
    "sign_out": "ends what is ended",
    "backchannel_logout": "one use for each token, by a constraint",
    "relay_logout": "one use for each token, by a constraint",
    "look": "writes nothing",
    "ask": "writes nothing but the audit",
}


def hidden(client: Client, page: str, action: str) -> dict[str, str]:
    """The hidden fields of the first form with this action, as a browser sends them."""
    html = client.get(page).content.decode()
    form = re.search(rf'<form[^>]*action="{re.escape(action)}".*?</form>', html, re.DOTALL)
    found = (
        form[0]
        if form
        else re.search(r'<form[^>]*method="post"(?![^>]*sign-out).*?</form>', html, re.DOTALL)[0]
    )
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', found))


def at_once(client: Client, path: str, data: dict[str, Any], *, times: int = 2) -> list[Any]:
    """The same form from the same browser, in so many threads, all through the gate together."""
    gate, answers = threading.Barrier(times), []

    def send() -> None:
        own = Client(enforce_csrf_checks=True, headers={"host": client.defaults["HTTP_HOST"]})
        own.cookies = client.cookies.copy()
        gate.wait()
        try:
            answers.append(own.post(path, data))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=send) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@pytest.fixture
def provider() -> Client:
    return cast.sign_in(cast.portal_client(enforce_csrf_checks=True), cast.busco())


@pytest.mark.django_db(transaction=True)
def test_an_organisation_sent_twice_at_once_is_one(provider: Client) -> None:
    assert connection.vendor == "postgresql"
    path = "/provider/organisations/"
    data = {
        **hidden(provider, "/provider/", path),
        "name": "二重運輸",
        "kind": "company",
        "contact": "a@example.jp",
    }
    answers = at_once(provider, path, data, times=4)
    assert [(one.status_code, one["Location"]) for one in answers] == [(302, "/provider/")] * 4
    assert Provider.objects.filter(name="二重運輸").count() == 1


@pytest.mark.django_db(transaction=True)
def test_an_account_sent_twice_at_once_is_one_and_both_are_signed_in(settings: Any) -> None:
    settings.ID_URL = "http://id.region.localhost:8000"
    settings.ALLOWED_HOSTS = [".region.localhost"]
    guest = Client(enforce_csrf_checks=True, headers={"host": "id.region.localhost:8000"})
    data = hidden(guest, "/signup/", "/signup/")
    data |= {"email": "twice@example.jp", "password1": PASSWORD, "display_name": "みなみ"}
    answers = at_once(guest, "/signup/", data)
    assert Resident.objects.filter(email="twice@example.jp").count() == 1
    assert answers[0]["Location"] == answers[1]["Location"]
    keys = {one.cookies[settings.ID_SESSION_COOKIE_NAME].value for one in answers}
    assert len(keys) == 1
    guest.cookies[settings.ID_SESSION_COOKIE_NAME] = keys.pop()
    assert guest.get("/login/").status_code == 302  # signed in at the ID: nothing to ask


@pytest.mark.django_db(transaction=True)
def test_what_is_shown_only_once_is_shown_to_both_and_stands_nowhere(provider: Client) -> None:
    data = {**hidden(provider, "/provider/", "/provider/organisations/"), "name": "一社", "kind": "company"}
    provider.post("/provider/organisations/", {**data, "contact": "a@example.jp"})
    number = Provider.objects.get(name="一社").id
    path = f"/provider/organisations/{number}/step/"
    form = {
        **hidden(provider, f"/provider/organisations/{number}/", path),
        "step": "invite",
        "role": "developer",
    }
    form.pop("id", None)
    answers = at_once(provider, path, form)
    codes = {re.search(r'<code class="secret">([^<]+)<', one.content.decode())[1] for one in answers}
    assert len(codes) == 1
    code = codes.pop().encode()
    assert not any(code in bytes(row.answer or b"") for row in Sending.objects.all())


@pytest.mark.django_db
def test_sent_again_after_going_back_it_is_not_done_again_but_corrected_it_is() -> None:
    browser = cast.sign_in(cast.portal_client(enforce_csrf_checks=True), cast.hanako())
    session = browser.session
    session["_auth_time"] = int(timezone.now().timestamp())
    session.save()
    path = "/my-data/household/add/"
    data = {**hidden(browser, path, path), "name": "はる", "district": "", "year": "", "until": ""}
    for _ in range(3):
        assert browser.post(path, data)["Location"] == "/my-data/household/"
    assert Guardianship.objects.count() == 1
    browser.post(path, {**data, "name": "なつ"})
    assert Guardianship.objects.count() == 2


@pytest.mark.django_db
def test_a_refused_form_may_be_sent_again_and_a_new_page_is_a_new_sending(provider: Client) -> None:
    path = "/provider/organisations/"
    wrong = {**hidden(provider, "/provider/", path), "name": "", "kind": "company", "contact": "a@example.jp"}
    assert [provider.post(path, wrong).status_code for _ in range(2)] == [422, 422]
    assert not Sending.objects.exists()
    right = {
        **hidden(provider, "/provider/", path),
        "name": "同じ名前",
        "kind": "company",
        "contact": "a@example.jp",
    }
    anew = {**right, **hidden(provider, "/provider/", path)}
    assert right[sendings.TOKEN] != anew[sendings.TOKEN]


class BoomError(Exception):
    """Something of ours that fails."""


@pytest.mark.django_db
def test_what_fails_may_be_sent_again(rf: Any) -> None:
    request = sending(rf)

    def fails() -> HttpResponse:
        raise BoomError

    with pytest.raises(BoomError):
        sendings.once(request, fails)
    assert sendings.once(request, lambda: HttpResponseRedirect("/made/"))["Location"] == "/made/"


def sending(rf: Any) -> HttpRequest:
    request: HttpRequest = rf.post("/x/", {sendings.TOKEN: "t" * 64})
    request.session = Client().session
    return request


@pytest.mark.django_db
def test_a_wall_is_no_answer(rf: Any) -> None:
    request = sending(rf)
    sendings.once(request, lambda: HttpResponseRedirect("/sign-in/?next=%2F"))
    assert sendings.once(request, lambda: HttpResponseRedirect("/made/"))["Location"] == "/made/"


@pytest.mark.django_db
def test_a_process_that_died_blocks_nobody_for_good(rf: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    request = sending(rf)
    Sending.objects.create(digest=sendings._digest(request))
    monkeypatch.setattr(sendings, "PATIENCE", 0.2)
    waits = sendings.once(request, lambda: HttpResponseRedirect("/made/"))
    assert waits.status_code == 503
    Sending.objects.update(begun_at=timezone.now() - sendings.GIVEN_UP - timedelta(seconds=1))
    assert sendings.once(request, lambda: HttpResponseRedirect("/made/"))["Location"] == "/made/"


@pytest.mark.django_db
def test_answers_are_gone_after_an_hour(rf: Any) -> None:
    sendings.once(sending(rf), lambda: HttpResponseRedirect("/made/"))
    retention.clean(now=timezone.now() + sendings.HOLDS - timedelta(minutes=1))
    assert Sending.objects.count() == 1
    retention.clean(now=timezone.now() + sendings.HOLDS + timedelta(minutes=1))
    assert Sending.objects.count() == 0


def test_every_form_that_creates_is_done_once() -> None:
    """Each view that takes a form either is done once for each sending, or stands above with the reason."""
    loose, marked = set(), set()
    with translation.override("ja"):
        views = [*walked(get_resolver("portal.urls").url_patterns)]
        views += walked(get_resolver("identity.embedded.urls").url_patterns)
    for path, view in views:
        if getattr(view, "sent_once", False):
            marked.add(path)
        elif view.__module__.split(".")[0] in {"portal", "gadgets", "identity"} and takes_post(view):
            loose.add(view.__name__)
    assert len(marked) > 30
    assert "/signup/" in marked
    assert loose == NOTHING_NEW.keys()


def takes_post(view: Any) -> bool:
    """Whether one of the decorators around this view lets POST in."""
    for cell in getattr(view, "__closure__", None) or ():
        held = cell.cell_contents
        if isinstance(held, list) and "POST" in held:
            return True
        if callable(held) and held is not view and takes_post(held):
            return True
    return False
