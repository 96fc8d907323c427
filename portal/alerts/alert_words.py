"""The words of an alert on pages and in forms: its name, its area, its times, and what it still lacks."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from portal.alerts import alert_names

if TYPE_CHECKING:
    from portal.content.models import AlertPage

CORRECTION_AFTER = timedelta(minutes=1)
"""What is published again sooner belongs to the same publication."""
FAULTS: dict[str, tuple[str, "str | Promise"]] = {
    "kind": ("alert_kind", _("種類を選んでください。")),
    "level": ("level", _("この種類に、このレベルの名前はありません。")),
    "area": ("whole_city", _("「市内全域」か地区の、どちらか一方を選んでください。")),
    "what_to_do": ("what_to_do", _("とるべき行動を書いてください。")),
    "valid_until": ("valid_until", _("有効期限を入れてください。")),
    "over": ("valid_until", _("有効期限が過ぎています。")),
}
"""Code of `alert_names.missing`: the field at which it is told, and the sentence."""


def faults(page: "AlertPage", now: datetime) -> dict[str, "str | Promise"]:
    """What the page lacks to be an alert, by field."""
    ends = [when for when in (page.valid_until, page.expire_at) if when]
    codes = alert_names.missing(
        kind=page.alert_kind,
        level=page.level,
        whole_city=page.whole_city,
        districts=page.districts,
        what_to_do=page.what_to_do,
        valid_until=min(ends) if page.valid_until else None,
        now=max(now, page.go_live_at) if page.go_live_at else now,
    )
    return dict(FAULTS[code] for code in codes)


def sentences(codes: Iterable[str]) -> list[str]:
    """The same, for whoever has no form."""
    return [str(FAULTS[code][1]) for code in codes]


def corrected_at(first: datetime | None, last: datetime | None) -> datetime | None:
    """When a published alert was changed; None while it is as it was issued."""
    return last if first and last and last - first > CORRECTION_AFTER else None
