"""The model's card is made of the code and of what is active: a family, a snapshot or a prior cannot be missing."""

import io
import re
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from hypothesis import given
from hypothesis import strategies as st

from portal.figures import model_card, prior_words
from recommender.domain import features, priors
from recommender.domain import weights as families
from recommender.domain.weights import Prior
from recommender.metrics import model_facts
from recommender.models import Batch, PriorChange, Snapshot
from tests import cast
from tests.portal.home.conftest import browser
from tests.portal.home.samples import NOW


def text(language: str = "ja") -> str:
    out = io.StringIO()
    call_command("model_card", language=language, stdout=out)
    return out.getvalue()


def activate(**more) -> Snapshot:
    return Snapshot.objects.create(
        state="active",
        created_at=NOW,
        activated_at=NOW,
        weights={"place": {"": 1.25}, "attribute:age_band": {"75+|elderly": -0.5, "75+|health": 1.5}},
        precisions={"place": 3.5},
        checks=[
            {"name": "finite", "ok": True, "words": "1,200 weights"},
            {"name": "drift", "ok": False, "words": ""},
            {"name": "by hand", "ok": True, "words": "somebody: a reason"},
            {"name": "evidence", "few": "of whom nobody is told"},
        ],
        **more,
    )


def test_every_family_of_the_code_is_on_the_card() -> None:
    named = {
        value
        for name, value in vars(families).items()
        if name.isupper() and isinstance(value, str) and name != "ATTRIBUTE"
    }
    found = model_facts.families_of(["age_band"])
    assert named <= found
    assert found - named == {"attribute:age_band"}


@given(st.frozensets(st.sampled_from(["age_band", "language", "household.has_child", "area.waste_zone"])))
def test_each_attribute_that_is_used_has_its_family(keys) -> None:
    found = {name for name in model_facts.families_of(keys) if name.startswith("attribute:")}
    assert found == {f"attribute:{key}" for key in keys}


@pytest.mark.django_db
def test_a_family_that_the_code_gets_is_on_the_card(monkeypatch: pytest.MonkeyPatch) -> None:
    known = features.impersonal
    assert "| weather |" not in text()
    monkeypatch.setattr(features, "impersonal", lambda item: [*known(item), ("weather", "rain", 1.0)])
    assert "| weather |" in text()


@pytest.mark.django_db
def test_the_card_follows_the_snapshot() -> None:
    before = text()
    assert "学んだ重みは、まだ使っていません" in before
    row = activate()
    after = text()
    assert f"第{row.pk}版" in after
    assert "| お住まいの地区 | 人によって違う | 1 |" in after
    assert "| place | 3.5 | 1.25 … 1.25 | 0 |" in after
    assert "| attribute:age_band | — | -0.5 … 1.5 | 1 |" in after
    assert "| finite | 合格 | 1,200 weights |" in after
    assert "| drift | 不合格 |" in after
    assert "nobody is told" not in after
    assert "| by hand | 合格 |  |" in after  # and not by whom
    assert "evidence" not in after
    Snapshot.objects.update(weights={"other": {"x": 1.0}})
    assert "| other |" in text()


@pytest.mark.django_db
def test_the_card_follows_the_prior_and_names_no_editor() -> None:
    assert "| own_district | 0.7 |" in text()
    assert "| お住まいの地区の項目 | 2.0倍 |" in text()
    editor = cast.editor()
    PriorChange.objects.create(
        prior=priors.to_json(Prior(own_district=0.9)), reason="", by=editor.id, at=NOW - timedelta(days=1)
    )
    found = text()
    assert "| own_district | 0.9 |" in found
    assert "2026-05-31 15:00" in found
    assert str(editor.id) not in found
    assert editor.display_name not in found


@pytest.mark.django_db
def test_the_prior_stands_in_words_and_its_names_are_folded() -> None:
    prior = {section.key: section for section in model_card.sections("ja")}["prior"]
    words = dict(prior.rows)
    assert prior.fold is not None
    assert len(words) == len(prior.fold.rows) > 40
    assert words["年代: 75歳以上 × 高齢者・介護"] == "2.5倍"
    assert words["半分になるまでの日数: イベント"] == "14"
    assert not [name for name in words if re.search(r"[a-z]", name)]
    page = browser().get("/figures/ranking/model/").content.decode()
    assert "own_district</th>" not in page.partition("<details")[0]
    assert "own_district</th>" in page


def test_what_has_no_words_yet_stands_with_its_name() -> None:
    document = {
        "new": 0.0,
        "base": {"poll": 0.7},
        "default_half_life_days": 3.5,
        "attribute_topic": {"shoe": {"44": {"sports": 0.1, "running": -0.7}}},
    }
    found = prior_words.rows(document, "ja")
    assert [name.rpartition(" ")[2] for name, _ in found] == [
        "new",
        "poll",
        "そのほか",
        "スポーツ",
        "running",
    ]
    assert [value for _, value in found][:3] == ["1.0倍", "2.0倍", "3.5"]


@pytest.mark.django_db
def test_what_it_was_learnt_from_is_told_of_twenty_and_more() -> None:
    Batch.objects.create(state="folded", until=NOW, started_at=NOW, views=1234, clicks=19)
    Batch.objects.create(state="open", until=NOW, started_at=NOW, views=5000, clicks=500)
    found = text()
    assert "| 一覧に出た項目（のべ） | 1,234 |" in found
    assert "| 開かれた数 | —（数が足りません） |" in found


@pytest.mark.django_db
def test_access_needs_stand_among_what_is_not_used() -> None:
    sections = {section.key: section for section in model_card.sections("ja")}
    used = {row[1] for row in sections["features"].rows}
    unused = {row[1] for row in sections["not-used"].rows}
    assert "access_needs" in unused
    assert not used & unused
    assert "age_band" in used
    assert "interests" in used
    names = {row[0] for row in sections["families"].fold.rows}
    assert not names & {f"attribute:{key}" for key in unused}


@pytest.mark.django_db
def test_page_and_text_have_the_same_chapters_in_three_languages() -> None:
    for language, prefix in (("ja", ""), ("ja-simple", "/ja-simple"), ("en", "/en")):
        answer = browser().get(f"{prefix}/figures/ranking/model/")
        assert answer.status_code == 200
        assert answer["Cache-Control"] == "public, max-age=300"
        page = answer.content.decode()
        written = text(language)
        assert written.count("\n## ") == page.count('-heading"><h2') == 10
        assert f"{prefix}/my-data/personalisation/" in page
        assert f"({prefix}/my-data/personalisation/)" in written


@pytest.mark.django_db
def test_the_command_knows_three_languages() -> None:
    with pytest.raises(CommandError):
        call_command("model_card", "--language", "fr")
