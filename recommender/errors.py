"""Errors of the recommender: `RecommenderError` is the root of all.

Each carries a sentence that may be shown to a resident, and `retry`: whether trying again can help.
"""

from collections.abc import Mapping

from core.texts import gettext_noop


class RecommenderError(Exception):
    """Root of the tree."""

    values: Mapping[str, object] = {}

    message = gettext_noop("おすすめを作れませんでした。")
    retry = False


class WeightsError(RecommenderError):
    """A weight is not a finite number, or a half-life is not positive."""

    message = gettext_noop("おすすめの設定に誤りがあります。")


class CatalogueError(RecommenderError):
    """An item cannot be ranked (a time without a zone), or a mask does not fit the catalogue."""

    message = gettext_noop("おすすめの一覧に誤りがあります。")


class RuleRefusedError(RecommenderError):
    """An editor's rule may not be made; `field` says where: a field's name, or "count" when too many hold."""

    message = gettext_noop("この決まりは作れません。")

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


class RuleMissingError(RecommenderError):
    """No rule of this number holds or will hold."""

    message = gettext_noop("その決まりは見つからないか、もう終わっています。")


class EditedMeanwhileError(RecommenderError):
    """Somebody else set the prior since it was read; nothing was written."""

    message = gettext_noop(
        "ほかの人が先に変えました。何も保存していません。新しい版を見てから、もう一度決めてください。"
    )
    retry = True


class FolderError(RecommenderError):
    """A folder with the log of a city cannot be read; the text names file, line and column."""

    message = gettext_noop("評価用のデータに誤りがあります。")


class SnapshotMissingError(RecommenderError):
    """There is no snapshot of the learnt weights with this number, or none to go back to."""

    message = gettext_noop("その学習結果は見つかりません。")


class SnapshotRefusedError(RecommenderError):
    """A snapshot may not rank: its weights are out of bounds, or nobody said why it should."""

    message = gettext_noop("その学習結果は使えません。")


class EstimateError(RecommenderError):
    """An order cannot be judged by this log or this plan; the text says what is missing."""

    message = gettext_noop("この記録からは比べられません。")


class TooEarlyError(RecommenderError):
    """A comparison has not the visits that it was planned with; the text says how many are missing."""

    message = gettext_noop("比べるには、まだ数が足りません。")
    retry = True


class OrderError(RecommenderError):
    """An order to compare has a knob that is unknown or out of bounds; the text names it."""

    message = gettext_noop("比べる並べ方の指定に誤りがあります。")


class ComparisonMissingError(RecommenderError):
    """There is no comparison of this name."""

    message = gettext_noop("その名前の比較は見つかりません。")


class ComparisonRefusedError(RecommenderError):
    """A comparison may not be planned, begun, stopped or concluded as it is now; the text says why."""

    message = gettext_noop("その比較は、いまはこの操作ができません。")
