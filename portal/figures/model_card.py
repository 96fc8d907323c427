"""The card of the model in words: sections that become a page and a text, made of the code and of what is active."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from core.disclosure import SMALL_CELL
from core.region.current import current_region
from core.region_time import region_local
from core.texts import pick
from identity.domain import attributes
from identity.domain.attributes import PREFERENCES
from portal.figures import prior_words
from portal.home.page.compose import NO_FEATURES
from recommender.domain.priors import to_json
from recommender.domain.ranking import LIMIT
from recommender.domain.weights import ATTRIBUTE
from recommender.metrics import model_facts as cards
from recommender.metrics.model_facts import Card, Family

BY_HAND = "by hand"


@dataclass(frozen=True, slots=True)
class Fold:
    """A table with the names that the program has, and what it says before it."""

    says: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A chapter: sentences, and a table where it has one. `links` are (name of an address, words).

    `fold` is a table for those who know the program: it is folded on the page.
    """

    key: str
    heading: str
    says: tuple[str, ...]
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    fold: Fold | None = None


def used() -> tuple[str, ...]:
    """Attributes that the order may use, where a resident said yes to each."""
    return tuple(key for key in attributes.DEFINITIONS if key not in NO_FEATURES)


def unused() -> tuple[str, ...]:
    """Attributes that the order never uses."""
    return tuple(key for key in attributes.DEFINITIONS if key in NO_FEATURES and key not in PREFERENCES)


def sections(locale: str) -> tuple[Section, ...]:
    """The whole card as it holds now."""
    card = cards.read(used())
    return (
        _what(),
        _features(locale),
        _not_used(locale),
        _families(card, locale),
        _prior(card, locale),
        _data(card),
        _checks(card),
        _limits(),
        _off(),
        _contact(locale),
    )


def _what() -> Section:
    return Section(
        "what",
        _("何を並べるか"),
        (
            _("ホームの一覧に、市や提供者のお知らせ、催し、手続き、サービスを、開かれそうな順に並べます。"),
            _("一覧は%(n)s件までです。緊急のお知らせは、この並べ方を通らず、いつもいちばん上に出します。")
            % {"n": LIMIT},
            _("得点は、下の重みの合計です。一つ一つの重みが、そのまま理由の文になります。"),
        ),
    )


def _features(locale: str) -> Section:
    rows = [(attributes.label(key, locale), key) for key in (*used(), *sorted(PREFERENCES))]
    return Section(
        "features",
        _("使う項目"),
        (_("おすすめ順に「はい」と答えた人の、「はい」と答えた項目だけを使います。"),),
        (_("項目"), _("名前")),
        tuple(rows),
    )


def _not_used(locale: str) -> Section:
    rows = [(attributes.label(key, locale), key) for key in unused()]
    return Section(
        "not-used",
        _("使わない項目"),
        (
            _("読みやすさや配慮についての項目は、「はい」と答えた人のものでも使いません。"),
            _("名前、生年月日、住所、位置、ほかのサイトでの行動は、並べ方のしくみに渡りません。"),
        ),
        (_("項目"), _("名前")),
        tuple(rows),
    )


def _families(card: Card, locale: str) -> Section:
    sides = {"item": _("だれにも同じ"), "reader": _("人によって違う"), "learning": _("学ぶときだけ")}
    return Section(
        "families",
        _("重みの種類"),
        (_("学んだ重みは、%(n)s人以上の操作から出たものだけです。") % {"n": SMALL_CELL},),
        (pgettext("sort", "種類"), _("だれに"), _("学んだ重みの数")),
        tuple(
            (family_words(family.name, locale), sides[family.side], str(family.cells))
            for family in card.families
        ),
        fold=Fold(
            _("λは、編集者の見込みに引きもどす強さです。幅は、学んだ重みの最小と最大です。"),
            (_("名前"), "λ", _("幅"), _("標準偏差")),
            tuple(
                (family.name, _number(family.precision), _range(family), _number(family.spread))
                for family in card.families
            ),
        ),
    )


def family_words(family: str, locale: str) -> str:
    """What a family of weights is called."""
    if family.startswith(ATTRIBUTE):
        key = family.removeprefix(ATTRIBUTE)
        name = attributes.label(key, locale) if key in attributes.DEFINITIONS else key
        return _("%(name)s × 話題") % {"name": name}
    words: Mapping[str, str] = {
        "base": _("項目の種類"),
        "item": _("一つの項目"),
        "provider": _("提供者"),
        "recency": _("古さ"),
        "topic": _("話題"),
        "elsewhere": _("ほかの場所"),
        "place": _("お住まいの地区"),
        "followed": _("フォローしている地区"),
        "declared": _("選んだ話題"),
        "declared_topic": _("選んだ話題（話題ごと）"),
        "avoided": _("少なくした話題"),
        "language": _("ことば"),
        "audience": _("対象の人"),
        "bias": _("全体の開かれやすさ"),
        "position": _("一覧の中の位置"),
    }
    # A family that has no words yet stands with its own name: it is never left out.
    return words.get(family, family)


def _range(family: Family) -> str:
    if family.least is None:
        return "—"
    return f"{_number(family.least)} … {_number(family.most)}"


def _number(value: float | None) -> str:
    return "—" if value is None else f"{value:.3g}"


def _prior(card: Card, locale: str) -> Section:
    if card.prior_changed_at is None:
        says = _("編集者の見込みは、プログラムに書かれた最初の値のままです。")
    else:
        says = _("編集者の見込みは、編集者が%(at)sに決めた値です。") % {"at": _time(card.prior_changed_at)}
    document = to_json(card.prior)
    return Section(
        "prior",
        _("編集者の見込み"),
        (
            says,
            _(
                "まだだれも開いていないときは、この値だけで並べます。1倍より大きいと上に、小さいと下に並びます。"
            ),
        ),
        (_("見込み"), _("値")),
        prior_words.rows(document, locale),
        fold=Fold(
            _("数は、開かれやすさの倍率の自然対数です。"),
            (_("名前"), _("値")),
            tuple(prior_words.codes(document)),
        ),
    )


def _data(card: Card) -> Section:
    if card.snapshot is None:
        state = _("学んだ重みは、まだ使っていません。")
    else:
        state = _("使っている重みは、第%(id)s版です。%(at)sから使っています。") % {
            "id": card.snapshot,
            "at": _time(card.activated_at),
        }
    period = f"{_time(card.since)} – {_time(card.until)}"
    rows = (
        (_("期間"), period if card.since else "—"),
        (_("一覧に出た項目（のべ）"), _enough(card.learnt_from)),
        (_("開かれた数"), _enough(card.opened)),
        (_("一つの重みに必要な人数"), str(SMALL_CELL)),
    )
    return Section(
        "data",
        _("何から学んだか"),
        (
            state,
            _(
                "学習に「はい」と答えた人が、一覧で見たもの、開いたもの、「自分には合わない」としたものから学びます。"
            ),
            _(
                "%(n)s人に足りないものは、30日で消します。「いいえ」に変えると、まだ混ざっていない記録はすぐに消えます。"
            )
            % {"n": SMALL_CELL},
        ),
        (_("項目"), _("値")),
        rows,
    )


def _enough(count: int) -> str:
    return f"{count:,}" if count >= SMALL_CELL else _("—（数が足りません）")


def _checks(card: Card) -> Section:
    lines = [one for one in card.checks if isinstance(one, Mapping) and "ok" in one]
    if not lines:
        return Section("checks", _("使う前の検査"), (_("検査の記録は、まだありません。"),))
    return Section(
        "checks",
        _("使う前の検査"),
        (_("学んだ重みは、検査に合格したものだけを使います。"),),
        (_("検査"), _("結果"), pgettext("message", "内容")),
        # Only what was concluded: what it was concluded from may be of a few.
        tuple(
            (str(one.get("name", "")), _("合格") if one["ok"] else _("不合格"), _words(one)) for one in lines
        ),
    )


def _words(line: Mapping[str, Any]) -> str:
    """What a check found; whoever put a snapshot to use by hand, and why, is for the operators."""
    return "" if line.get("name") == BY_HAND else str(line.get("words", ""))


def _limits() -> Section:
    return Section(
        "limits",
        _("わかっている限界"),
        (
            _(
                "年代などの項目から分かることは、わずかです。実際のデータでは、人気の順より2〜3%よいだけでした。"
            ),
            _("市のデータでの成績は、作り物の市で測ったものです。実際の市で同じになるとは限りません。"),
            _("開いたことは、役に立ったことと同じではありません。"),
            _("「はい」と答えた人の操作だけから学ぶので、答えていない人の好みは、よく分かりません。"),
        ),
    )


def _off() -> Section:
    return Section(
        "off",
        _("やめるには"),
        (
            _("おすすめ順は、自分で使い始めるまで使われません。いつでも新しい順にもどせます。"),
            _("学習だけをやめることもできます。"),
        ),
        links=(
            ("mydata:personalisation", _("おすすめ順と学習の設定")),
            ("mydata:ranking", _("自分の順番を決めている重み")),
        ),
    )


def _contact(locale: str) -> Section:
    region = pick(current_region().portal_name, locale)
    return Section(
        "contact",
        _("問い合わせ"),
        (
            _("この並べ方に責任を持つのは、%(region)sを運営する市です。市の窓口でおたずねください。")
            % {"region": region},
        ),
        links=(("figures:ranking", _("おすすめ順の数字")),),
    )


def _time(at: datetime | None) -> str:
    return f"{region_local(at):%Y-%m-%d %H:%M}" if at else "—"


def markdown(locale: str, address: Mapping[str, str]) -> str:
    """The card as a text; `address` gives the address of each link."""
    lines = [f"# {_('並べ方のしくみ（モデルカード）')}", ""]
    for section in sections(locale):
        lines += [f"## {section.heading}", "", *_paragraphs(section.says)]
        if section.rows:
            lines += _table(section.head, section.rows)
        if section.fold:
            lines += [*_paragraphs([section.fold.says]), *_table(section.fold.head, section.fold.rows)]
        lines += [f"- [{words}]({address[name]})" for name, words in section.links]
        lines += [""] if section.links else []
    return "\n".join(lines)


def _paragraphs(says: Iterable[str]) -> list[str]:
    return [line for sentence in says for line in (sentence, "")]


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    names = list(head)
    return [_row(names), _row(["---"] * len(names)), *map(_row, rows), ""]


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
