"""The question about learning: its own text and its own answer, beside the question about the order."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from identity import actions, queries
from identity.domain.consent import LEARNING, RECOMMENDER
from identity.household import authority, guardianships
from identity.models import ConsentReceipt, ConsentState, Resident
from identity.residents.protection import CONFIRMATIONS
from portal.home.feedback import impressions
from recommender.models import Dismissal, Interaction
from tests import cast

SignIn = Callable[[Resident], Client]
URL = "/my-data/personalisation/"
YES, NO = {"choice": "learn"}, {"choice": "learn_not"}


def learns(resident: Resident) -> bool:
    bundle = queries.bundle(resident.id)
    assert bundle is not None
    return bundle.learning


def shown(client: Client, prefix: str = "") -> str:
    found: str = client.get(f"{prefix}{URL}").context["learning"]["shown"]
    return found


@pytest.mark.parametrize(("prefix", "language"), [("", "ja"), ("/en", "en"), ("/ja-simple", "ja-simple")])
def test_a_yes_keeps_the_text_that_was_shown(
    hanako: Resident, signed_in: SignIn, prefix: str, language: str
) -> None:
    client = signed_in(hanako)
    assert not learns(hanako)
    response = client.post(f"{prefix}{URL}", {**YES, "shown": shown(client, prefix)})
    assert response["Location"] == f"{prefix}{URL}#learning"
    assert learns(hanako)
    kept = ConsentReceipt.objects.select_related("notice").get(recipient=LEARNING)
    assert (kept.kind, kept.purpose, kept.controller) == ("granted", "learning", "くらしの窓口")
    assert kept.notice is not None
    assert kept.notice.language == language


def test_the_text_says_who_what_how_long_and_that_a_no_deletes(hanako: Resident, signed_in: SignIn) -> None:
    client = signed_in(hanako)
    client.post(URL, {**YES, "shown": shown(client)})
    kept = ConsentReceipt.objects.select_related("notice").get(recipient=LEARNING).notice
    assert kept is not None
    for said in (
        "断っても、おすすめの並べかえは今までどおり使えます",
        "一覧の上から5件",
        "使うのはこの窓口だけです",
        "ふつう1時間のうちに",
        "20人分",
        "長くて30日",
        "止めると、記録と小計をその場で消します",
        "17歳以下",
        "365日",
    ):
        assert said in kept.text
    page = client.get(URL).content.decode()
    assert "いま: 許可しています" in page


def test_without_having_seen_the_text_it_is_asked_first(hanako: Resident, signed_in: SignIn) -> None:
    client = signed_in(hanako)
    for sent in (YES, {**YES, "shown": "0" * 64}, NO):
        response = client.post(URL, sent)
        assert response.status_code == 409
        html = response.content.decode()
        assert html.count("お見せした内容が変わりました") == 1
        assert html.index('id="learning"') < html.index("お見せした内容が変わりました")
    assert not ConsentReceipt.objects.filter(recipient=LEARNING).exists()


def test_a_no_is_written_and_deletes(hanako: Resident, signed_in: SignIn) -> None:
    client = signed_in(hanako)
    text = shown(client)
    client.post(URL, {**YES, "shown": text})
    client.get("/")
    impressions.flush()
    page = client.post(URL, {**NO, "shown": text}, follow=True).content.decode()
    assert "学習はしません。残っていた記録は消しました。" in page
    assert "いま: 学習していません" in page
    assert Interaction.objects.count() == 0
    kinds = ConsentReceipt.objects.filter(recipient=LEARNING).order_by("given_at")
    assert list(kinds.values_list("kind", flat=True)) == ["granted", "withdrawn", "refused"]


def test_it_stands_among_the_recipients_with_its_own_name_and_end(
    hanako: Resident, signed_in: SignIn
) -> None:
    client = signed_in(hanako)
    assert "開いたものからの学習: していません。" in client.get("/my-data/").content.decode()
    client.post(URL, {**YES, "shown": shown(client)})
    html = client.get("/my-data/").content.decode()
    assert "開いたものからの学習: 許可しています。" in html
    row = next(part for part in html.split("<article")[1:] if "開いたものからの学習（この窓口）" in part)
    assert "おすすめの一覧の上の5件と、開いたもの" in row
    assert "みなさんのおすすめの順をよくするため" in row
    assert 'action="/my-data/stop/learning/"' in row
    assert "最後に渡した日時" not in row
    client.post("/my-data/stop/learning/")
    assert not learns(hanako)
    html = client.get("/my-data/").content.decode()
    row = next(part for part in html.split("<article")[1:] if "開いたものからの学習（この窓口）" in part)
    assert 'href="/consent/learning/?next=' in row
    assert client.get("/consent/learning/")["Location"] == f"{URL}#learning"


def test_who_may_not_say_yes_is_told_why_and_has_no_button(hanako: Resident, signed_in: SignIn) -> None:
    client, by = signed_in(hanako), cast.as_actor(hanako)

    def section() -> str:
        return re.sub(r"\s+", " ", client.get(URL).content.decode().partition('id="learning"')[2])

    text = shown(client)
    actions.set_attributes(resident_id=hanako.id, values={"age_band": "0-17"}, by=by)
    assert "17歳以下の方の操作からは学習しません。" in section()
    assert 'value="learn"' not in section()
    response = client.post(URL, {**YES, "shown": text})
    assert response.status_code == 400
    assert 'role="alert">17歳以下の方の操作からは学習しません。' in response.content.decode()

    actions.set_attributes(resident_id=hanako.id, values={"age_band": "35-44"}, by=by)
    actions.opt_out(resident_id=hanako.id, by=by)
    assert "おすすめの並べかえを使っているときだけ" in section()
    assert client.post(URL, {**YES, "shown": text}).status_code == 400

    operator = cast.as_actor(cast.operator())
    actions.set_confidential(resident_id=hanako.id, on=True, by=operator, confirmed=CONFIRMATIONS)
    assert "学習には使いません" in section()
    assert client.post(URL, {**YES, "shown": text}).status_code == 400
    assert not ConsentReceipt.objects.filter(recipient=LEARNING, kind="granted").exists()
    assert Dismissal.objects.count() == 0


def test_nobody_is_asked_for_a_ward(hanako: Resident, signed_in: SignIn) -> None:
    client, by = signed_in(hanako), cast.as_actor(hanako)
    text = shown(client)
    ward = guardianships.add_child(
        guardian=hanako.id,
        name="はな",
        ends_on=authority.end_of_school(timezone.localdate(), ("e3",)),
        values={"area.district": "busshozan"},
        by=by,
    )
    actions.opt_in_personalisation(resident_id=ward, notice=cast.NOTICE, controller=cast.CONTROLLER, by=by)
    client.post("/my-data/household/act/", {"ward": str(ward)})
    html = client.get(URL).content.decode()
    assert "ほかの人の代わりに、学習を許可することはできません。" in html
    assert 'value="learn"' not in html
    assert client.post(URL, {**YES, "shown": text}).status_code == 400
    assert not ConsentReceipt.objects.filter(recipient=LEARNING).exists()


def test_while_a_yes_holds_there_is_a_button_to_stop_whatever_else_ended(
    hanako: Resident, signed_in: SignIn
) -> None:
    client = signed_in(hanako)
    client.post(URL, {**YES, "shown": shown(client)})
    past = timezone.now() - timedelta(days=1)
    ConsentState.objects.filter(resident=hanako, recipient=RECOMMENDER).update(expires_at=past)
    page = client.get(URL)
    section = page.content.decode().split('id="learning"')[1].split("</section>")[0]
    assert "学習を許可しない" in section
    assert "学習を許可する</button>" not in section
    response = client.post(URL, {**NO, "shown": page.context["learning"]["shown"]}, follow=True)
    assert "残っていた記録は消しました" in response.content.decode()
    assert "学習を許可しない" not in response.content.decode()
