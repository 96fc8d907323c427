"""axe-core finds nothing on a card with every block, nor on a form: light, dark, large text, 320 pixels, forced colours."""

import json
import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import HttpResponse
from django.urls import reverse
from playwright.sync_api import Page, Route

from tests import cast
from tests.gadgets import life
from tests.gadgets.conftest import DeskFor
from tests.gadgets.life import Careless
from tests.gadgets.providers import Handler, card_document, reply
from tests.gadgets.test_card import BLOCKS, SUBMIT
from tests.gadgets.test_images import picture
from tests.gadgets.test_submitting import grant

pytestmark = pytest.mark.browser

NOTICES = [
    {"type": "notice", "level": level, "text": "知らせの **本文** です。"}
    for level in ("info", "danger", "success")
]
BARS = {
    "type": "chart",
    "caption": "月ごとの量",
    "kind": "bar",
    "labels": ["1月", "2月", "3月"],
    "series": [{"label": f"地区 {number}", "values": [number, 3, None]} for number in range(1, 5)],
    "note": "見本です。",
}
MISSING = [
    {"type": "progress", "label": "空き", "value": None, "max": 3},
    {**BLOCKS["metric"], "value": None, "observed": None, "status": "not_available"},
    {"type": "hologram", "fallback": "この表示の代わりの文です。"},
]
VIEWS: dict[str, dict[str, Any]] = {
    "light": {"media": {"color_scheme": "light"}},
    "dark": {"media": {"color_scheme": "dark"}},
    "large text": {"media": {}, "text": "200%"},
    "large dark text": {"media": {"color_scheme": "dark"}, "text": "200%"},
    "phone": {"media": {}, "width": 320},
    "dark phone": {"media": {"color_scheme": "dark"}, "width": 320},
    "forced colours": {"media": {"forced_colors": "active"}},
}


KEPT = ("Content-Type", "Content-Security-Policy", "X-Content-Type-Options")


def serve(page: Page, seat: life.Desk, *urls: str, **instead: HttpResponse) -> None:
    """The browser gets what the portal answered to this person, policies included; nothing leaves the process.

    Asked before the browser does: Django's connection belongs to this thread's own course.
    """
    answers: dict[str, HttpResponse] = {url: seat.get(url) for url in urls} | instead
    for answered in list(answers.values()):
        for src in re.findall(r'<img[^>]* src="([^"]+)"', answered.content.decode()):
            answers[src] = seat.get(src)

    def answer(route: Route) -> None:
        path = urlsplit(route.request.url).path
        if path.startswith("/static/"):
            found = finders.find(path.removeprefix("/static/"))
            route.fulfill(path=str(found)) if found else route.fulfill(status=404)
        elif path in answers:
            got = answers[path]
            kept = {name: value for name, value in got.items() if name in KEPT}
            route.fulfill(status=got.status_code, headers=kept, body=got.content)
        else:
            route.fulfill(status=204)

    page.route("**/*", answer)


def look(page: Page, view: str) -> list[str]:
    """What axe finds in this view, and whether the page is wider than its window."""
    chosen = VIEWS[view]
    page.set_viewport_size({"width": chosen.get("width", 1280), "height": 900})
    page.emulate_media(
        **{"color_scheme": "light", "forced_colors": "none", "media": "screen", **chosen["media"]}
    )
    page.evaluate("size => { document.documentElement.style.fontSize = size }", chosen.get("text", ""))
    result = Axe().run(page)
    found = [
        f"{view}: {one['id']}: {node['html'][:300]} {node.get('failureSummary', '')[:300]}"
        for one in result.response["violations"]
        for node in one["nodes"][:3]
    ]
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return [*found, f"{view}: {wide} px wider than the window"] if wide > 0 else found


def everywhere(page: Page, url: str, *, opened: bool = True) -> list[str]:
    problems: list[str] = []
    page.on("console", lambda message: problems.append(f"{url}: {message.text}"))
    page.goto(settings.PORTAL_URL.rstrip("/") + url)
    if opened:
        for summary in page.locator("main details > summary").all():
            summary.click()
    for view in VIEWS:
        problems += [f"{url} {found}" for found in look(page, view)]
    return problems


def test_a_card_with_every_block(
    page: Page, desk: DeskFor, careless: Careless, django_capture_on_commit_callbacks: Any
) -> None:
    origin = careless.provider.origin
    blocks = [
        {**block, "src": f"{origin}/a.png"} if kind == "image" else block
        for kind, block in BLOCKS.items()
        if kind != "form"
    ]
    document = card_document(blocks=[*blocks, *NOTICES, BARS, *MISSING])
    careless.card = json.loads(json.dumps(document).replace("https://waste.example", origin))
    plain = careless.provider.answer

    def answer(handler: Handler) -> None:
        image = reply(picture(size=(600, 200)), content_type="image/png")
        (image if handler.path == "/a.png" else plain)(handler)

    careless.provider.answer = answer
    gadget_id = life.publish(careless.url, django_capture_on_commit_callbacks)
    url = reverse("gadgets:page", args=[gadget_id])
    serve(page, desk(None), url, "/ja-simple" + url)
    problems = everywhere(page, url)
    assert page.locator(".rc-image__picture").evaluate("image => image.naturalWidth") == 600
    problems += everywhere(page, "/ja-simple" + url)
    assert problems == []


def test_the_pictures_show_in_every_scheme(
    page: Page, desk: DeskFor, careless: Careless, django_capture_on_commit_callbacks: Any
) -> None:
    careless.card = card_document(blocks=[BLOCKS["chart"], BLOCKS["map"], BLOCKS["progress"]])
    gadget_id = life.publish(careless.url, django_capture_on_commit_callbacks)
    url = reverse("gadgets:page", args=[gadget_id])
    serve(page, desk(None), url)
    page.goto(settings.PORTAL_URL.rstrip("/") + url)
    colours = """() => [".rc-chart__line", ".rc-map__line", ".rc-map__number"].map(name => {
        const mark = document.querySelector(name), style = getComputedStyle(mark);
        return [style.stroke === "none" ? style.fill : style.stroke,
                getComputedStyle(mark.closest("svg")).backgroundColor];
    })"""
    seen = set()
    for view in ("light", "dark", "forced colours"):
        page.emulate_media(**{"color_scheme": "light", "forced_colors": "none", **VIEWS[view]["media"]})
        pairs = page.evaluate(colours)
        assert all(mark != ground for mark, ground in pairs), (view, pairs)
        seen.add(str(pairs))
    assert len(seen) > 1
    dashes = page.locator(".rc-chart__line").evaluate_all(
        "marks => marks.map(mark => getComputedStyle(mark).strokeDasharray)"
    )
    assert len(set(dashes[:2])) == 2, "lines are told apart without colour"
    page.emulate_media(media="print")
    assert page.locator(".rc-chart .rc-table td").nth(1).evaluate("cell => cell.checkVisibility()"), (
        "paper shows the numbers without a click"
    )


def test_a_form_and_its_faults(
    page: Page, desk: DeskFor, careless: Careless, django_capture_on_commit_callbacks: Any
) -> None:
    careless.takes_forms()
    lines = {"name": "note", "label": "ひとこと", "type": "text", "max_length": 50, "multiline": True}
    form = {**BLOCKS["form"], "fields": [*BLOCKS["form"]["fields"], {**lines, "help": "ご自由に"}]}
    careless.card = card_document(blocks=[form, {"type": "actions", "items": [SUBMIT]}])
    gadget_id = life.publish(careless.url, django_capture_on_commit_callbacks)
    hanako = cast.hanako()
    grant(hanako, gadget_id)
    seat = desk(hanako)
    gadget = reverse("gadgets:page", args=[gadget_id])
    url, question = (reverse("gadgets:form", args=[gadget_id, name]) for name in ("wish", "cancel"))
    urls = (gadget, url, "/ja-simple" + url, question)
    serve(page, seat, *urls)
    problems = [found for each in urls for found in everywhere(page, each, opened=each == question)]
    hidden = dict(re.findall(r'name="(form|key)" value="([^"]*)"', seat.page(url)))
    faulty = seat.client.post(url, {**hidden, "f-people": "9"})
    assert faulty.status_code == 422
    page.unroute_all()
    serve(page, seat, **{url: faulty})
    problems += everywhere(page, url)
    assert page.locator(".error-summary a").count() == 3
    page.locator(".error-summary a").first.click()
    assert page.evaluate("location.hash") == "#f-dish"
    # The browser writes the status of a page on its console.
    assert [found for found in problems if "422" not in found] == []
