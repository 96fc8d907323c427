"""The console in a browser: axe-core finds nothing on its pages, and the report fills itself in under the strict policy."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, Route, expect

from gadgets.models import CheckLine, CheckRun, Gadget, GadgetHour, Membership
from tests import cast
from tests.gadgets import life
from tests.gadgets.conftest import DeskFor
from tests.gadgets.test_card_accessibility import everywhere, serve

pytestmark = pytest.mark.browser


def at(name: str, gadget_id: str) -> str:
    return reverse(f"gadgets:{name}", args=[gadget_id])


def test_axe_finds_nothing_on_its_pages(page: Page, desk: DeskFor, published: str) -> None:
    gadget = Gadget.objects.get(gadget_id=published)
    Membership.objects.create(provider_id=gadget.provider_id, resident=cast.busco(), role="owner")
    member = desk(cast.busco())
    GadgetHour.objects.create(
        gadget_id=published,
        hour=timezone.now() - timedelta(days=1),
        calls=40,
        successes=38,
        hits=20,
        times=[0] * 3 + [40],
        faults={"bad_status": 2},
    )
    member.post(at("provider_say", published), text="いつ公開されますか。")
    organisation = reverse("gadgets:organisation", args=[gadget.provider_id])
    step = reverse("gadgets:organisation_step", args=[gadget.provider_id])
    member.post(step, step="trial")
    member.post(step, step="invite", role="reader")
    once: HttpResponse = member.post(step, step="key", name="自動化")
    dark: HttpResponse = member.get(at("provider_preview", published), theme="dark", locale="ja-simple")
    pages = [
        reverse("gadgets:console"),
        reverse("gadgets:join"),
        organisation,
        at("provider_gadget", published),
        at("provider_preview", published),
        at("provider_figures", published),
    ]
    serve(page, member, *pages, **{step: once, "/dark": dark})
    problems = [found for url in (*pages, step, "/dark") for found in everywhere(page, url)]
    assert not problems, "\n".join(problems)


def test_a_page_that_refuses_says_so_accessibly(page: Page, desk: DeskFor) -> None:
    member = desk(cast.busco())
    number = member.organisation()
    step = reverse("gadgets:organisation_step", args=[number])
    wrong = member.post(step, step="contact", contact="a@bus.example", webhook_url="http://bus.example/")
    join = member.post(reverse("gadgets:join"), code="nobody's")
    register = member.register("https://127.0.0.1/gadget.json", number)
    serve(page, member, **{"/wrong": wrong, "/join": join, "/register": register})
    problems = [found for url in ("/wrong", "/join", "/register") for found in everywhere(page, url)]
    problems = [found for found in problems if "status of 422" not in found]
    assert problems == []


def test_the_report_fills_itself_in_and_the_page_says_what_is_next(
    page: Page, desk: DeskFor, careless: life.Careless
) -> None:
    member = desk(cast.busco())
    member.register(careless.url, member.organisation())
    whole, report = at("provider_gadget", careless.id), at("provider_checks", careless.id)
    run = CheckRun.objects.get()
    CheckRun.objects.filter(pk=run.pk).update(state="running")
    answers: list[tuple[HttpResponse, HttpResponse]] = []

    def now() -> None:
        answers.append((member.get(whole), member.get(report)))

    now()
    for number, title in ((1, "書き方"), (2, "つながり")):
        CheckLine.objects.create(
            run=run, position=number, number=number, ok=True, title={"ja": title}, message={"ja": "よい"}
        )
        now()
    CheckRun.objects.filter(pk=run.pk).update(state="done", ok=True, finished_at=timezone.now())
    now()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    serve(page, member, "/")
    stage = {"now": 0}

    def answer(route: Route) -> None:
        got = answers[stage["now"]][urlsplit(route.request.url).path == report]
        wanted = ("Content-Type", "Content-Security-Policy", "HX-Refresh")
        kept = {name: value for name, value in got.items() if name in wanted}
        route.fulfill(status=got.status_code, headers=kept, body=got.content)

    for path in (whole, report):
        page.route(f"**{path}", answer)
    page.goto(settings.PORTAL_URL.rstrip("/") + whole)
    status = page.locator("[data-checks]")
    expect(status).to_have_attribute("role", "status")
    expect(status.locator("li")).to_have_count(0)
    for lines in (1, 2):
        stage["now"] = lines
        expect(status.locator("li")).to_have_count(lines)
        expect(page.locator("[data-checks][data-open]")).to_have_count(1)
    stage["now"] = 3
    expect(page.locator("[data-checks]:not([data-open])")).to_contain_text("すべての検査に合格しました")
    assert problems == []


def test_without_scripts_a_link_asks_again(browser: Any, desk: DeskFor, careless: life.Careless) -> None:
    member = desk(cast.busco())
    member.register(careless.url, member.organisation())
    whole = at("provider_gadget", careless.id)
    context = browser.new_context(java_script_enabled=False)
    try:
        bare = context.new_page()
        serve(bare, member, whole)
        bare.goto(settings.PORTAL_URL.rstrip("/") + whole)
        expect(bare.locator("[data-checks]")).to_contain_text("検査の順番を待っています")
        bare.locator("[data-checks]").get_by_role("link", name="更新").click()
        expect(bare).to_have_url(f"{settings.PORTAL_URL.rstrip('/')}{whole}#checks")
    finally:
        context.close()
