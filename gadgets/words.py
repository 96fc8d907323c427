"""Sentences about a gadget for people: levels, retention, states, steps, decisions; in the active language."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from core import texts as several
from core.region_time import region_local
from core.texts import Texts
from gadgets.errors import DoorError, SchemaError
from gadgets.protocol.manifest import CATEGORIES
from gadgets.types import Pause, StoredCard
from identity.domain import attributes

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

LEVELS: "Mapping[str, _StrPromise]" = {
    "none": gettext_lazy("あなたのことは、何も伝わりません。"),
    "audience": gettext_lazy("許可した項目だけが伝わります。誰のものかは伝わりません。"),
    "pairwise": gettext_lazy(
        "許可した項目と、このサービスだけで使う番号が伝わります。名前や連絡先は伝わりません。"
    ),
}
STATES: "Mapping[str, _StrPromise]" = {
    "draft": gettext_lazy("準備中"),
    "checked": gettext_lazy("検査に合格"),
    "in_review": gettext_lazy("審査中"),
    "refused": gettext_lazy("差し戻し"),
    "approved": gettext_lazy("承認済み"),
    "replaced": gettext_lazy("新しい版に置きかえ"),
    "published": gettext_lazy("公開中"),
    "suspended": gettext_lazy("停止中"),
    "retired": gettext_lazy("終了"),
}
DECISIONS: "Mapping[str, _StrPromise]" = {
    "registered": gettext_lazy("マニフェストを登録しました"),
    "checked": gettext_lazy("自動検査が終わりました"),
    "submitted": gettext_lazy("審査を申し込みました"),
    "approved": gettext_lazy("承認されました"),
    "refused": gettext_lazy("差し戻されました"),
    "suspended": gettext_lazy("停止されました"),
    "resumed": gettext_lazy("再開されました"),
    "retired": gettext_lazy("終了しました"),
    "rotated": gettext_lazy("クライアントの秘密を新しくしました"),
    "rolled_back": gettext_lazy("前の版にもどしました"),
    "shared": gettext_lazy("公開する割合を広げました"),
    "announced": gettext_lazy("終了の予告"),
    "maintenance": gettext_lazy("点検の予定"),
    "contract": gettext_lazy("データの取り決め"),
    "verified": gettext_lazy("提供者の確認"),
    "message": gettext_lazy("メッセージ"),
    "warned": gettext_lazy("注意のお知らせ"),
    "imported": gettext_lazy("ほかの地域から取り込みました"),
}
GATES: "Mapping[str, _StrPromise]" = {
    "checks": gettext_lazy("検査だけで足りる変更です。住民には何も聞きません。"),
    "operator": gettext_lazy("運用者の確認が要る変更です。住民は、新しい選択を使うときだけ聞かれます。"),
    "consent": gettext_lazy(
        "住民の同意にかかわる変更です。許可している住民には、もう一度聞きます。答えるまで、長くて90日は前の版を使い続けます。"
    ),
}
CONSEQUENCES: "Mapping[str, _StrPromise]" = {
    "checks": gettext_lazy("住民には何も聞きません"),
    "operator": gettext_lazy("住民が使うときだけ聞きます"),
    "consent": gettext_lazy("住民にもう一度聞きます"),
}
ROLES: "Mapping[str, tuple[_StrPromise, _StrPromise]]" = {
    "owner": (
        gettext_lazy("管理者"),
        gettext_lazy("メンバー、鍵、お知らせの送り先も決められます。"),
    ),
    "developer": (gettext_lazy("開発者"), gettext_lazy("登録、検査、審査の申し込み、返事ができます。")),
    "reader": (gettext_lazy("閲覧者"), gettext_lazy("見るだけです。")),
}
SIDES: "Mapping[str, _StrPromise]" = {
    "provider": gettext_lazy("提供者"),
    "operator": gettext_lazy("運用者"),
    "machine": gettext_lazy("自動"),
}
KINDS: "Mapping[str, _StrPromise]" = {
    "company": gettext_lazy("会社"),
    "department": gettext_lazy("市の部署"),
    "city": gettext_lazy("市町村"),
    "region": gettext_lazy("広域の団体"),
    "npo": gettext_lazy("NPO・市民団体"),
    "school": gettext_lazy("学校"),
    "other": gettext_lazy("そのほか"),
}
NEEDS: "Mapping[str, _StrPromise]" = {"required": gettext_lazy("必須"), "optional": gettext_lazy("任意")}

FLAGS: "Mapping[str, _StrPromise]" = {
    "region": gettext_lazy("地域や窓口の名前"),
    "authority": gettext_lazy("役所・公的な機関"),
    "alert": gettext_lazy("警報・避難"),
    "identity": gettext_lazy("サインイン・地域ID"),
}
_PERIOD = re.compile(r"P(\d+)([DWMY])")


def locale() -> str:
    """The language of this page."""
    return get_language() or "ja"


def pick(texts: Texts) -> str:
    """The text in the language of this page, else Japanese."""
    return several.pick(texts, locale())


def detail(error: SchemaError | DoorError) -> str:
    """The place and the remedy, for whoever works on a gadget."""
    if isinstance(error, SchemaError):
        return error.in_words(locale())
    return f"{error.url}: {error.detail if locale() == 'en' else error.detail_ja}"


def category(code: str) -> str:
    return pick(CATEGORIES[code]) if code in CATEGORIES else code


def attribute(name: str) -> str:
    """What an attribute is called."""
    return attributes.label(name, locale()) if name in attributes.DEFINITIONS else name


def retention(period: str) -> str:
    """`P0D` and its like as a sentence; anything else is shown as it was declared, never hidden."""
    found = _PERIOD.fullmatch(period)
    if found is None:
        return _("保存の期間: %(period)s") % {"period": period}
    count = int(found[1])
    if count == 0:
        return _("表示に使ったあと、保存しません")
    sentences = {
        "D": _("長くて%(n)s日間保存します"),
        "W": _("長くて%(n)s週間保存します"),
        "M": _("長くて%(n)sか月保存します"),
        "Y": _("長くて%(n)s年間保存します"),
    }
    return sentences[found[2]] % {"n": count}


def clock(at: datetime, now: datetime) -> str:
    """14:05 for today, with the date before it otherwise; in the region's time."""
    local = region_local(at)
    if local.date() == region_local(now).date():
        return f"{local:%H:%M}"
    return f"{local:%Y-%m-%d %H:%M}"


def as_of(stored: StoredCard, now: datetime) -> str:
    """The time of a card, in the words that the home uses too."""
    time = {"time": clock(stored.observed_at, now)}
    if stored.status(now) == "old":
        return _("古い情報です（%(time)s 現在）") % time
    return _("%(time)s 現在") % time


def paused(pause: Pause | None, now: datetime) -> str:
    """That a service pauses, until when, and its provider's own sentence; empty when it does not."""
    if pause is None:
        return ""
    told = _("点検のため休んでいます（%(time)s まで）。") % {"time": clock(pause.ends_at, now)}
    return f"{told} {pick(pause.note)}" if pause.note.get("ja") else told


def withheld(too_few: Sequence[str], *, public_form: bool) -> str:
    """Why a card uses less than what was granted; empty when nothing is left out."""
    if not too_few:
        return ""
    if public_form:
        return _("同じ条件の方が少ないため、あなたの情報を使わずに表示しています。")
    names = "、".join(attribute(name) for name in too_few)
    return _("同じ条件の方が少ないため、次の項目は伝えていません: %(names)s") % {"names": names}


def source(stored: StoredCard) -> str:
    """Publisher and licence; the licence once, also where the publisher names it."""
    if stored.source.licence in stored.source.publisher:
        return _("出典: %(publisher)s") % {"publisher": stored.source.publisher}
    return _("出典: %(publisher)s（%(licence)s）") % {
        "publisher": stored.source.publisher,
        "licence": stored.source.licence,
    }
