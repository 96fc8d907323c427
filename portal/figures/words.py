"""What each figure of the order is called, what it says, in which unit it is and from what it is made."""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.texts import pick
from identity.domain import attributes
from recommender.metrics.monthly import METRICS

Text = str | Promise

PERCENT, NUMBER, BITS, TIMES, EACH = "percent", "number", "bits", "times", "each"
ATTRIBUTE_OF = {"age_band": "age_band", "ward": "area.district", "language": "language"}
"""The attribute behind a group of residents."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure: `title`, what it `says`, its unit, and its `source`."""

    name: str
    title: Text
    says: Text
    unit: str
    source: Text


HOMES = gettext_lazy("サインインした人のホームの表示を数えた合計")
LISTS = gettext_lazy("おすすめ順の一覧で開いて見えていた5件を数えた合計")
OPENS = gettext_lazy("学習に「はい」と答えた人が開いた記録の合計（20人以上のとき）")
ANSWERS = gettext_lazy("住民の現在の答え（5%きざみ）")

_ALL = (
    Metric(
        "homes",
        gettext_lazy("ホームの表示"),
        gettext_lazy("サインインした人に、ホームを表示した回数です。"),
        NUMBER,
        HOMES,
    ),
    Metric(
        "newest_share",
        gettext_lazy("新しい順のホーム"),
        gettext_lazy("おすすめ順を使わず、新しい順で表示した割合です。"),
        PERCENT,
        HOMES,
    ),
    Metric(
        "coverage",
        gettext_lazy("網羅性（カバレッジ）"),
        gettext_lazy("出すことのできた項目のうち、一度でもだれかの一覧に出た割合です。"),
        PERCENT,
        LISTS,
    ),
    Metric(
        "novelty",
        gettext_lazy("新しさ（ノベルティ）"),
        gettext_lazy(
            "一覧の項目が、ほかの人の一覧にどれだけ出ていないかです。0は全員が同じ一覧、大きいほど人によって違います。"
        ),
        BITS,
        LISTS,
    ),
    Metric(
        "popularity",
        gettext_lazy("人気への偏り（ポピュラリティ）"),
        gettext_lazy("一覧の項目が、平均の項目の何倍開かれるかです。1なら偏りがありません。"),
        TIMES,
        OPENS,
    ),
    Metric(
        "diversity",
        gettext_lazy("多様性（ダイバーシティ）"),
        gettext_lazy("一つの一覧の中で、話題がどれだけ違うかです。100%なら、重なる話題がありません。"),
        PERCENT,
        LISTS,
    ),
    Metric(
        "serendipity",
        gettext_lazy("思いがけない出会い（セレンディピティ）"),
        gettext_lazy("関心のある話題を選んだ人が開いた項目のうち、選んでいない話題だった割合です。"),
        PERCENT,
        OPENS,
    ),
    Metric(
        "exposure_min",
        gettext_lazy("提供者の出方（いちばん少ない提供者）"),
        gettext_lazy("一覧に出た割合を、項目数の割合で割った数です。1なら、項目の数だけ出ています。"),
        TIMES,
        LISTS,
    ),
    Metric(
        "exposure_p10",
        gettext_lazy("提供者の出方（下から1割）"),
        gettext_lazy("提供者を少ない順に並べて、下から1割の提供者の数です。"),
        TIMES,
        LISTS,
    ),
    Metric(
        "gap_age_band",
        gettext_lazy("年代の差"),
        gettext_lazy(
            "開いた回数がいちばん少ない年代を、いちばん多い年代で割った数です。1なら差がありません。"
        ),
        TIMES,
        OPENS,
    ),
    Metric(
        "gap_ward",
        gettext_lazy("地区の差"),
        gettext_lazy(
            "開いた回数がいちばん少ない地区を、いちばん多い地区で割った数です。1なら差がありません。"
        ),
        TIMES,
        OPENS,
    ),
    Metric(
        "gap_language",
        gettext_lazy("ことばの差"),
        gettext_lazy(
            "開いた回数がいちばん少ないことばを、いちばん多いことばで割った数です。1なら差がありません。"
        ),
        TIMES,
        OPENS,
    ),
    Metric(
        "urgent_share",
        gettext_lazy("緊急のお知らせが届いたホーム"),
        gettext_lazy("緊急のお知らせがあるときに表示したホームのうち、そのすべてが出ていた割合です。"),
        PERCENT,
        HOMES,
    ),
    Metric(
        "reason_share",
        gettext_lazy("理由のある項目"),
        gettext_lazy("一覧の項目のうち、出している理由を書いたものの割合です。"),
        PERCENT,
        LISTS,
    ),
    Metric(
        "ranking_opted_in",
        gettext_lazy("おすすめ順を使う人"),
        gettext_lazy("住民のうち、おすすめ順に「はい」と答えている割合です。"),
        PERCENT,
        ANSWERS,
    ),
    Metric(
        "learning_opted_in",
        gettext_lazy("学習に「はい」の人"),
        gettext_lazy("住民のうち、開いたものから学ぶことに「はい」と答えている割合です。"),
        PERCENT,
        ANSWERS,
    ),
    Metric(
        "exploring_share",
        gettext_lazy("新しいものを試した一覧"),
        gettext_lazy("まだあまり見られていない項目に、場所を一つ取っておいた一覧の割合です。"),
        PERCENT,
        LISTS,
    ),
    Metric(
        "exploring_cost",
        gettext_lazy("試すことで減った回数"),
        gettext_lazy(
            "取っておいた場所で、開いた割合がどれだけ減ったかです。同じ場所の、取っておかない一覧と比べます。"
        ),
        PERCENT,
        OPENS,
    ),
)
BY_NAME = {metric.name: metric for metric in _ALL}
ALL = tuple(BY_NAME[name] for name in METRICS)


def written(value: float | None, unit: str) -> str:
    """The figure as it stands on the page; what is missing is a dash with a word, never zero."""
    if value is None:
        return _("—（数が足りません）")
    if unit == PERCENT:
        # Cut and not rounded: 100 % means that nothing is missing.
        return f"{int(value * 1000 + (1e-6 if value >= 0 else -1e-6)) / 10:g}%"
    if unit == NUMBER:
        return f"{value:,.0f}"
    return {BITS: _("%(n)s ビット"), TIMES: _("%(n)s 倍"), EACH: _("%(n)s 回")}[unit] % {"n": f"{value:.2f}"}


def group(dimension: str, value: str, locale: str) -> str:
    """The name of a group of residents."""
    known = attributes.DEFINITIONS[ATTRIBUTE_OF[dimension]].options
    return pick(known[value], locale) if value in known else value


def dimension(name: str, locale: str) -> str:
    """What tells the groups apart."""
    return attributes.label(ATTRIBUTE_OF[name], locale)
