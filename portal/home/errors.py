"""Everything that can go wrong on the home: `HomeError` > `ChoicesError`."""

from collections.abc import Mapping

from core.texts import gettext_noop


class HomeError(Exception):
    """Base of this package's errors; `retry` says whether trying again can help."""

    values: Mapping[str, object] = {}

    message = gettext_noop("ページを表示できませんでした。")
    retry = False


class ChoicesError(HomeError):
    """A guest's choices name a district or topic that is not in the vocabulary."""

    message = gettext_noop("選んだ地区またはテーマが見つかりません。もう一度選んでください。")


class NothingCameError(ChoicesError):
    """The form of a guest's choices came without its fields; nothing is cleared by that."""

    message = gettext_noop("フォームの項目が届きませんでした。何も変えていません。もう一度お送りください。")
