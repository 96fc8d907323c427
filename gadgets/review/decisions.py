"""What may be decided about a gadget at a desk: each decision's name in the form, what it does, what is said then.

Who may take it is checked by the action itself.
"""

from collections.abc import Callable, Container, Mapping
from datetime import datetime, time
from typing import TypeVar

from django.utils.translation import gettext as _

from core import dates
from core.region_time import region_moment, region_zone
from gadgets import actions
from gadgets.errors import LifeError
from identity.domain.roles import Actor

T = TypeVar("T")
Decision = tuple[Callable[[], object], str]
Form = Mapping[str, str]


def decision(gadget_id: str, form: Form, by: Actor, *, desk: Container[str]) -> Decision | None:
    """The decision that a form names, not yet taken; None for one that this desk has not. Raises LifeError for a bad
    date.
    """
    name = form.get("decision", "")
    made = _DECISIONS.get(name) if name in desk else None
    return made(gadget_id, form, by) if made else None


def _reason(form: Form) -> str:
    return form.get("reason", "")


def _approve(gadget_id: str, form: Form, by: Actor) -> Decision:
    share = _number(form.get("share", "100"))
    told = (
        _("承認し、公開しました。")
        if share == 100
        else _("承認し、住民の%(share)s%%に公開しました。") % {"share": share}
    )
    verified = form.get("verified") == "on"
    return lambda: actions.approve(gadget_id=gadget_id, by=by, share=share, verified=verified), told


def _refuse(gadget_id: str, form: Form, by: Actor) -> Decision:
    return (
        lambda: actions.refuse(gadget_id=gadget_id, reason=_reason(form), by=by),
        _("差し戻しました。理由は提供者に伝わります。"),
    )


def _suspend(gadget_id: str, form: Form, by: Actor) -> Decision:
    return (
        lambda: actions.suspend(gadget_id=gadget_id, reason=_reason(form), by=by),
        _("停止しました。住民のページからは、すぐに消えます。"),
    )


def _resume(gadget_id: str, _form: Form, by: Actor) -> Decision:
    return lambda: actions.resume(gadget_id=gadget_id, by=by), _("再開しました。")


def _share(gadget_id: str, form: Form, by: Actor) -> Decision:
    share = _number(form.get("share", ""))
    return (
        lambda: actions.roll_out(gadget_id=gadget_id, share=share, by=by),
        _("住民の%(share)s%%に公開しました。") % {"share": share},
    )


def _roll_back(gadget_id: str, form: Form, by: Actor) -> Decision:
    return (
        lambda: actions.roll_back(gadget_id=gadget_id, reason=_reason(form), by=by),
        _("前の版にもどしました。理由は提供者に伝わります。"),
    )


def _announce(gadget_id: str, form: Form, by: Actor) -> Decision:
    at = _day(form.get("day", ""))
    return (
        lambda: actions.announce_retirement(
            gadget_id=gadget_id, at=at, sentence=form.get("sentence", ""), by=by
        ),
        _("終了を予告しました。住民のページに出ます。"),
    )


def _keep(gadget_id: str, _form: Form, by: Actor) -> Decision:
    return lambda: actions.cancel_retirement(gadget_id=gadget_id, by=by), _("終了の予告を取り消しました。")


def _retire(gadget_id: str, form: Form, by: Actor) -> Decision:
    return (
        lambda: actions.retire(gadget_id=gadget_id, reason=_reason(form), by=by),
        _("終了しました。許可は止まり、提供者には消すように伝えます。"),
    )


def _plan(gadget_id: str, form: Form, by: Actor) -> Decision:
    starts_at, ends_at = _moment(form.get("starts_at", "")), _moment(form.get("ends_at", ""))
    return (
        lambda: actions.plan_maintenance(
            gadget_id=gadget_id,
            starts_at=starts_at,
            ends_at=ends_at,
            sentence=form.get("sentence", ""),
            by=by,
        ),
        _("点検の予定を入れました。"),
    )


def _unplan(gadget_id: str, form: Form, by: Actor) -> Decision:
    window = _number(form.get("window", ""))
    return (
        lambda: actions.cancel_maintenance(gadget_id=gadget_id, window=window, by=by),
        _("点検の予定を取り消しました。"),
    )


def _say(gadget_id: str, form: Form, by: Actor) -> Decision:
    return (
        lambda: actions.say(gadget_id=gadget_id, text=_reason(form), by=by),
        _("提供者に伝えました。"),
    )


def _give_data(gadget_id: str, form: Form, by: Actor) -> Decision:
    kind = form.get("type", "")
    return (
        lambda: actions.give_data(gadget_id=gadget_id, entity_type=kind, reason=_reason(form), by=by),
        _("この組織を、データの持ち主にしました。"),
    )


def _take_data_back(gadget_id: str, form: Form, by: Actor) -> Decision:
    kind = form.get("type", "")
    return (
        lambda: actions.take_data_back(gadget_id=gadget_id, entity_type=kind, reason=_reason(form), by=by),
        _("データを市のものにもどしました。"),
    )


def _let_alert(gadget_id: str, form: Form, by: Actor) -> Decision:
    return (
        lambda: actions.let_alert(gadget_id=gadget_id, allowed=True, reason=_reason(form), by=by),
        _("この組織は「危険」のお知らせを出せます。"),
    )


def _stop_alerts(gadget_id: str, form: Form, by: Actor) -> Decision:
    return (
        lambda: actions.let_alert(gadget_id=gadget_id, allowed=False, reason=_reason(form), by=by),
        _("この組織は「危険」のお知らせを出せなくなりました。"),
    )


def _settle_reports(gadget_id: str, _form: Form, by: Actor) -> Decision:
    return lambda: actions.settle_reports(gadget_id=gadget_id, by=by), _("知らせを確かめたことにしました。")


_DECISIONS: Mapping[str, Callable[[str, Form, Actor], Decision]] = {
    "approve": _approve,
    "refuse": _refuse,
    "suspend": _suspend,
    "resume": _resume,
    "share": _share,
    "roll_back": _roll_back,
    "announce": _announce,
    "keep": _keep,
    "retire": _retire,
    "plan": _plan,
    "unplan": _unplan,
    "say": _say,
    "give_data": _give_data,
    "take_data_back": _take_data_back,
    "let_alert": _let_alert,
    "stop_alerts": _stop_alerts,
    "settle_reports": _settle_reports,
}
OPERATORS = frozenset(_DECISIONS)
"""The decisions at the operator's desk."""
PROVIDERS = frozenset({"announce", "keep", "plan", "unplan"})
"""Those at the desk of the provider."""


def _number(raw: str) -> int:
    """A number that no rule allows stands for what is none."""
    return int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 18 else -1


def _day(raw: str) -> datetime:
    """The end of that day in the region."""
    found = _read(dates.day, raw, _("日付を入れてください。"))
    return region_moment(found, time(23, 59))


def _moment(raw: str) -> datetime:
    return _read(dates.moment, raw, _("日付と時刻を入れてください。")).replace(tzinfo=region_zone())


def _read(read: Callable[[str], dates.Parsed[T]], raw: str, missing: str) -> T:
    if not raw.strip():
        raise LifeError(missing)
    try:
        return read(raw).value
    except dates.BadValueError as error:
        raise LifeError(_(str(error))) from error
