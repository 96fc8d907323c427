"""What must hold for the days and hours of an event: one set of rules for the form, the import and the page; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time

LAST_MINUTE = time(23, 59, 59)
_ = str  # marks a sentence for the catalogue; forms translate it by its code

REFUSALS = {
    "ends_before": _("終了日は開始日より前にできません。"),
    "ends_before_hour": _(
        "終了時間が開始時間より前です。終わりが次の日のときは、終了日を次の日にしてください。"
    ),
    "outside": _("ほかの日は、開始日から終了日までの間の日にしてください。"),
}
"""Why days and hours are refused, by code, in Japanese; forms translate them."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One rule that does not hold; `field` is the field of the page at which it is said."""

    field: str
    code: str

    @property
    def sentence(self) -> str:
        return REFUSALS[self.code]


def refusals(
    starts_on: date | None, ends_on: date | None, starts_time: time | None, ends_time: time | None
) -> list[Refusal]:
    """Every rule that these days and hours break; a missing day is the business of its own field."""
    if starts_on is None or ends_on is None:
        return []
    if ends_on < starts_on:
        return [Refusal("ends_on", "ends_before")]
    if starts_on == ends_on and starts_time and ends_time and ends_time < starts_time:
        return [Refusal("ends_time", "ends_before_hour")]
    return []


def single_days(starts_on: date | None, ends_on: date | None, days: Sequence[date]) -> list[Refusal]:
    """Days that are listed singly lie within the first and the last day."""
    if starts_on is None or ends_on is None or all(starts_on <= day <= ends_on for day in days):
        return []
    return [Refusal("days", "outside")]


def end_clock(ends_time: time | None) -> time:
    """The hour at which an event is over: its own, or the last second of its last day."""
    return LAST_MINUTE if ends_time is None else ends_time


def names_its_end(end: time) -> bool:
    """Whether somebody named this hour of an end; the last minute of a day stands for none."""
    return (end.hour, end.minute) != (LAST_MINUTE.hour, LAST_MINUTE.minute)
