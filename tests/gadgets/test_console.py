"""The provider's console without scripts: register by URL, read each line, hand in, read the reviewer's words."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from core import jobs
from examples.kit.provider import Provider as ExampleProvider
from gadgets import tasks
from gadgets.models import CheckLine, CheckRun, Gadget, Membership
from gadgets.registration import check_runs
from tests import cast
from tests.gadgets import life
from tests.gadgets.conftest import DeskFor

CONSOLE = "/provider/"


def url_of(gadget_id: str) -> str:
    return reverse("gadgets:provider_gadget", args=[gadget_id])


def test_a_guest_reads_what_it_is_and_signs_in(desk: DeskFor) -> None:
    guest = desk(None)
    page = guest.page(CONSOLE)
    assert "サインインして始める" in page
    assert "<form" not in page.split("<main")[1]
    answer = guest.client.post(reverse("gadgets:register"), {"url": "x", "provider": "1"})
    assert answer["Location"].startswith(reverse("identity:signin"))


def test_the_whole_way_from_the_url_to_the_queue(desk: DeskFor, waste: ExampleProvider) -> None:
    member = desk(cast.busco())
    organisation = member.organisation()
    answer = member.register(waste.config.url("/gadget.json"), organisation)
    gadget_id = Gadget.objects.get().gadget_id
    assert answer.redirect_chain[-1][0] == url_of(gadget_id)
    page = answer.content.decode()
    assert "検査の順番を待っています" in page
    assert "更新</a>" in page
    member.checks()
    page = member.page(url_of(gadget_id))
    assert "すべての検査に合格しました" in page
    assert page.count("合格</strong>") == CheckLine.objects.filter(ok=True).count() > 10
    assert page.count("ここでは検査していません") == CheckLine.objects.filter(ok=None).count() == 1
    assert "rgadget test" in page
    page = member.step(gadget_id, "submit").content.decode()
    assert "審査中" in page
    assert "審査中" in member.page(CONSOLE)


def test_each_failed_line_says_how_to_put_it_right(desk: DeskFor, careless: life.Careless) -> None:
    member = desk(cast.busco())
    member.register(careless.url, member.organisation())
    member.checks()
    page = member.page(url_of(careless.id))
    assert "直すところがあります" in page
    wrong = CheckLine.objects.filter(ok=False).count()
    assert page.count("✘") == page.count("直し方") == wrong > 5
    assert "alg は ES256 だけを受け入れてください。" in page
    assert 'value="submit"' not in page
    english = member.page(f"/en/provider/gadgets/{careless.id}/")
    assert "Accept ES256 only." in english


def test_the_report_alone_is_there_for_the_script(desk: DeskFor, careless: life.Careless) -> None:
    member = desk(cast.busco())
    member.register(careless.url, member.organisation())
    checks = reverse("gadgets:provider_checks", args=[careless.id])
    whole = member.page(url_of(careless.id))
    assert f'data-open hx-get="{checks}"' in whole
    assert '"allowEval":false' in whole
    waiting = member.get(checks)
    assert "検査の順番を待っています" in waiting.content.decode()
    assert not waiting.has_header("HX-Refresh")
    member.checks()
    assert member.get(checks)["HX-Refresh"] == "true"
    assert "htmx" not in member.page(url_of(careless.id)).partition("<script")[2]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://127.0.0.1/gadget.json", "IP アドレスは使えません"),
        ("http://waste.example/gadget.json", "https:// で始まるアドレスだけ"),
        ("https://localhost/gadget.json", "内部の"),
        ("http://nobody.localhost:9/gadget.json", "接続できません"),
    ],
)
def test_a_refused_address_is_told_and_kept_in_the_form(desk: DeskFor, url: str, words: str) -> None:
    member = desk(cast.busco())
    answer = member.register(url, member.organisation())
    page = answer.content.decode()
    assert answer.status_code == 422
    assert words in page
    assert 'role="alert"' in page
    assert f'value="{url}"' in page
    assert not Gadget.objects.exists()


def test_an_unknown_field_is_told_with_its_place(desk: DeskFor, careless: life.Careless) -> None:
    careless.document["colour"] = "red"
    member = desk(cast.busco())
    page = member.register(careless.url, member.organisation()).content.decode()
    assert "$.colour" in page
    assert "この項目を除いてください" in page


def test_an_organisation_needs_name_kind_and_contact_and_a_name_of_its_own(desk: DeskFor) -> None:
    member = desk(cast.busco())
    url = reverse("gadgets:create_organisation")
    for form in (
        {"name": "", "kind": "company", "contact": "a@b.example"},
        {"name": "X", "kind": "galaxy", "contact": "a@b.example"},
        {"name": "X", "kind": "company", "contact": "nowhere"},
    ):
        assert member.post(url, **form).status_code == 422
    member.organisation("X")
    answer = member.post(url, name="X", kind="company", contact="a@b.example")
    assert "すでに登録されています" in answer.content.decode()
    assert Membership.objects.count() == 1


def test_others_see_and_change_nothing(desk: DeskFor, careless: life.Careless) -> None:
    member = desk(cast.busco())
    organisation = member.organisation()
    member.register(careless.url, organisation)
    stranger = desk(cast.wasteco())
    assert careless.id not in stranger.page(CONSOLE)
    assert stranger.get(url_of(careless.id)).status_code == 404
    assert stranger.get(reverse("gadgets:provider_checks", args=[careless.id])).status_code == 404
    assert stranger.step(careless.id, "submit").status_code == 404
    assert stranger.register(careless.url, organisation).status_code == 422
    assert desk(None).get(url_of(careless.id)).status_code == 302


def test_unknown_steps_and_numbers_are_not_found(desk: DeskFor, careless: life.Careless) -> None:
    member = desk(cast.busco())
    member.register(careless.url, member.organisation())
    assert member.step(careless.id, "celebrate").status_code == 404
    assert member.post(reverse("gadgets:register"), url=careless.url, provider="x").status_code == 404


def test_a_step_out_of_turn_is_told_in_words(desk: DeskFor, careless: life.Careless) -> None:
    member = desk(cast.busco())
    member.register(careless.url, member.organisation())
    assert "すべての検査に合格してから" in member.step(careless.id, "submit").content.decode()
    assert "登録済みのものと同じです" in member.step(careless.id, "refresh").content.decode()
    assert "終了しました" in member.step(careless.id, "retire").content.decode()
    assert "準備中の版はありません" in member.step(careless.id, "check").content.decode()


def test_a_run_is_claimed_once(desk: DeskFor, careless: life.Careless) -> None:
    member = desk(cast.busco())
    member.register(careless.url, member.organisation())
    run = CheckRun.objects.get()
    assert check_runs.run(run.pk)
    assert not check_runs.run(run.pk)
    assert check_runs.run_waiting() == 0


def test_a_run_that_its_process_never_ended_is_taken_up_again(desk: DeskFor, careless: life.Careless) -> None:
    member = desk(cast.busco())
    member.register(careless.url, member.organisation())
    run = CheckRun.objects.get()
    CheckLine.objects.create(
        run=run, position=0, number=1, ok=True, title={"ja": "途中"}, message={"ja": "途中"}
    )
    CheckRun.objects.update(state="running", started_at=timezone.now())
    assert check_runs.run_waiting() == 0
    CheckRun.objects.update(started_at=timezone.now() - timedelta(minutes=5))
    assert check_runs.run_waiting() == 1
    assert not CheckLine.objects.filter(title__ja="途中").exists()


def test_registration_wakes_the_executor(
    desk: DeskFor, careless: life.Careless, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: list[str] = []
    monkeypatch.setattr(jobs, "kick", woken.append)
    member = desk(cast.busco())
    member.register(careless.url, member.organisation())
    assert jobs.RUN_CHECKS in woken
    assert jobs.RUN_CHECKS in {job.name for job in tasks.JOBS}


def test_every_button_has_a_type_and_every_field_a_label(desk: DeskFor, careless: life.Careless) -> None:
    member = desk(cast.busco())
    member.register(careless.url, member.organisation())
    for page in (member.page(CONSOLE), member.page(url_of(careless.id)), member.page("/gadgets/")):
        for button in re.findall(r"<button[^>]*>", page):
            assert 'type="' in button
        for field in re.findall(r'<(?:input|select|textarea)[^>]* id="([^"]+)"', page):
            assert f'for="{field}"' in page
        assert " style=" not in page
        assert " onclick=" not in page


def test_a_members_colleague_may_be_added(desk: DeskFor, careless: life.Careless, settings: Any) -> None:
    from gadgets import actions
    from gadgets.errors import NotPermittedError

    busco, hanako = cast.busco(), cast.hanako()
    organisation = actions.create_organisation(
        name="BusCo", kind="company", contact="a@bus.example", by=cast.as_actor(busco)
    )
    with pytest.raises(NotPermittedError):
        actions.add_member(provider_id=organisation, resident_id=hanako.id, by=cast.as_actor(hanako))
    actions.add_member(provider_id=organisation, resident_id=hanako.id, by=cast.as_actor(busco))
    assert "BusCo" in desk(hanako).page(CONSOLE)
