"""Every text for people has its English; what residents read has its easy Japanese; the compiled files are fresh."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.utils import translation

from tests.services import packages

ROOT = Path(__file__).resolve().parents[2]
LOCALES = ("en", "ja_Simple")
# What only providers, editors and operators read needs English, but no easy Japanese.
DESKS = ("core/dates.py", "recommender/errors.py", "portal/content/", "portal/city/", "portal/templates/city/", "gadgets/words.py", "gadgets/web.py",
         *(f"gadgets/{room}/" for room in ("registration", "review", "operation", "providers", "federation")), "gadgets/metrics/views.py",
         *(f"gadgets/templates/gadgets/{name}" for name in (
             "checks.html", "report.html", "console.html", "outcomes.html", "organisation.html", "join.html",
             "preview.html", "road.html", "thread.html", "state_notice.txt", "changes.html", "contracts.html",
             "version.html", "provider_")))  # fmt: skip

SHORT = 4
ONE_MEANING = frozenset(
    [
        "呼び名",
        "架空の人",
        "アドレス",
        "説明",
        "題名",
        "つづける",
        "いつから",
        "いつまで",
        "お知らせ",
        "ことば",
        "さがす",
        "すべて",
        "その他",
        "だれに",
        "つぎへ",
        "つながり",
        "なし",
        "やめる",
        "イベント",
        "ゲスト",
        "サービス",
        "ページ",
        "ホーム",
        "ホームへ",
        "中",
        "件数",
        "使わない",
        "保存する",
        "値",
        "全員",
        "公開中",
        "取り消す",
        "取り込む",
        "受付番号",
        "古い",
        "合格",
        "名前",
        "地域ID",
        "場所",
        "変える",
        "変更",
        "大",
        "大きさ",
        "始まり",
        "子ども",
        "家族",
        "対象",
        "対象:",
        "小",
        "届く人数",
        "市",
        "役割",
        "必須",
        "探す",
        "提供者",
        "数字",
        "料金",
        "新しい順",
        "方法",
        "日",
        "日時",
        "書き出し",
        "最新",
        "有効",
        "期間",
        "次の版",
        "注意",
        "渡した先",
        "準備中",
        "版",
        "状態",
        "現在位置",
        "理由",
        "目的",
        "答えない",
        "終わり",
        "終了",
        "結果",
        "緊急",
        "自動検査",
        "表",
        "表示する",
        "要修正",
        "見本",
        "話題",
        "退会",
        "連絡先",
        "重み",
        "開く",
        "項目",
    ]
)
"""Short texts that stand in several files and mean the same in each; looked at one by one."""


def entries(path: Path) -> dict[str, tuple[list[str], list[str]]]:
    """msgid → (texts, files it stands in); a plural has several texts."""
    found = {}
    for block in path.read_text().split("\n\n")[1:]:
        msgid = re.search(r'msgid ((?:"(?:[^"\\]|\\.)*"\n?)+)', block)
        if msgid is None or block.startswith("#~"):
            continue
        texts = re.findall(r'msgstr(?:\[\d\])? ((?:"(?:[^"\\]|\\.)*"\n?)+)', block)
        context = re.search(r'^msgctxt "(.*)"$', block, re.M)
        key = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', msgid.group(1)))
        key = f"{context[1]}|{key}" if context else key
        found[key] = (
            ["".join(re.findall(r'"((?:[^"\\]|\\.)*)"', text)) for text in texts],
            re.findall(r"^#: (.+)$", block, re.M),
        )
    return found


@pytest.fixture(scope="module")
def extracted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The texts as they stand in the code now, merged with what is translated."""
    packages.ensure(packages.GETTEXT)
    copy = tmp_path_factory.mktemp("texts")
    for name in ("portal", "gadgets", "identity", "recommender", "core"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "data"))
    shutil.copy(ROOT / "manage.py", copy)
    command = [sys.executable, "manage.py", "makemessages", "--add-location=file", "--no-obsolete", "-v0"]
    subprocess.run(
        [*command, *(f"-l{locale}" for locale in LOCALES)],
        cwd=copy, check=True, env={**os.environ, "DEMO": "1", "VAR_DIR": str(copy / "var")},
    )  # fmt: skip
    return copy / "portal" / "locale"


def test_every_text_has_its_english(extracted: Path) -> None:
    texts = entries(extracted / "en" / "LC_MESSAGES" / "django.po")
    assert len(texts) > 300
    assert sorted(key for key, (values, _) in texts.items() if not all(values)) == []


def test_what_residents_read_has_its_easy_japanese(extracted: Path) -> None:
    texts = entries(extracted / "ja_Simple" / "LC_MESSAGES" / "django.po")
    missing = [
        key
        for key, (values, files) in texts.items()
        if not all(values) and not all(file.startswith(DESKS) for line in files for file in line.split())
    ]
    assert sorted(missing) == []


def test_a_short_text_of_several_places_has_one_meaning_or_a_context(extracted: Path) -> None:
    """ことば is a language here and a word to look for there: who translates sees one line for both."""
    texts = entries(extracted / "en" / "LC_MESSAGES" / "django.po")
    shared = {
        key
        for key, (_, files) in texts.items()
        if len(key) <= SHORT and len({file for line in files for file in line.split()}) > 1
    }
    assert len(shared) > 50
    assert sorted(shared - ONE_MEANING) == [], "give it a context, or see that it means the same everywhere"


def test_a_text_with_a_context_says_what_it_means_there() -> None:
    with translation.override("en"):
        assert (translation.pgettext("search", "ことば"), translation.gettext("ことば")) == (
            "Word",
            "Language",
        )
        assert (translation.pgettext("operator", "認める"), translation.gettext("認める")) == (
            "Approve",
            "Agree",
        )


def test_no_text_is_marked_as_doubtful() -> None:
    for locale in LOCALES:
        assert "fuzzy" not in (ROOT / "portal" / "locale" / locale / "LC_MESSAGES" / "django.po").read_text()


@pytest.mark.parametrize("locale", LOCALES)
def test_the_compiled_file_is_of_this_text(locale: str, tmp_path: Path) -> None:
    packages.ensure(packages.GETTEXT)
    folder = ROOT / "portal" / "locale" / locale / "LC_MESSAGES"
    fresh = tmp_path / "django.mo"
    subprocess.run(["msgfmt", "--check-format", "-o", fresh, folder / "django.po"], check=True)
    assert fresh.read_bytes() == (folder / "django.mo").read_bytes(), "run manage.py compilemessages"
