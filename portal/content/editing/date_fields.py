"""Dates and times in forms of editors and operators: read as people write them, or refused where they stand.

The picker of Wagtail replaces what it cannot read by the present moment as soon as the field is left. Ours fills in
what somebody clicks and leaves what somebody types.
"""

from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.forms.utils import from_current_timezone
from django.utils.translation import gettext as _
from wagtail.admin.forms.models import register_form_field_override
from wagtail.admin.panels import FieldPanel, MultiFieldPanel, PublishingPanel
from wagtail.admin.telepath import register as register_adapter
from wagtail.admin.widgets import AdminDateInput, AdminDateTimeInput, AdminTimeInput
from wagtail.admin.widgets.datetime import (
    AdminDateInputAdapter,
    AdminDateTimeInputAdapter,
    AdminTimeInputAdapter,
)

from core import dates
from core.dates import BadValueError


class _KeepsWhatIsTyped:
    """For a widget with Wagtail's picker."""

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "validateOnBlur": False}  # type: ignore[misc]


class DateInput(_KeepsWhatIsTyped, AdminDateInput):
    """A day."""


class TimeInput(_KeepsWhatIsTyped, AdminTimeInput):
    """A time of the day."""


class DateTimeInput(_KeepsWhatIsTyped, AdminDateTimeInput):
    """A day and a time; seconds are shown where there are any, so that saving does not cut them off."""

    def format_value(self, value: Any) -> Any:
        if isinstance(value, datetime) and value.second:
            return f"{value:%Y-%m-%d %H:%M:%S}"
        return super().format_value(value)


for _adapter, _widget in (
    (AdminDateInputAdapter(), DateInput),
    (AdminTimeInputAdapter(), TimeInput),
    (AdminDateTimeInputAdapter(), DateTimeInput),
):
    register_adapter(_adapter, _widget)


def _read(read: Callable[[str], dates.Parsed[Any]], value: Any) -> Any:
    try:
        return read(str(value)).value
    except BadValueError as error:
        raise ValidationError(_(str(error)), code=error.code) from error


class JapaneseDateField(forms.DateField):
    """Also 令和8年8月5日, 2026/8/5 and full-width digits."""

    widget = DateInput

    def to_python(self, value: Any) -> date | None:
        if value in self.empty_values or isinstance(value, date):
            return super().to_python(value)
        found: date = _read(dates.day, value)
        return found


class JapaneseTimeField(forms.TimeField):
    """Also 9時30分 and full-width digits; 24:00 is refused with what to write instead."""

    widget = TimeInput

    def to_python(self, value: Any) -> time | None:
        if value in self.empty_values or isinstance(value, time):
            return super().to_python(value)
        found: time = _read(dates.clock, value)
        return found


class JapaneseDateTimeField(forms.DateTimeField):
    """A day and a time of it in these writings; 24:00 is the beginning of the next day."""

    widget = DateTimeInput

    def to_python(self, value: Any) -> datetime | None:
        if value in self.empty_values or isinstance(value, (date, datetime)):
            return super().to_python(value)
        found: datetime = from_current_timezone(_read(dates.moment, value))
        return found


class SchedulePanel(PublishingPanel):
    """Wagtail's panel of the schedule, with our widget."""

    def __init__(self, **kwargs: Any) -> None:
        attrs = {
            "data-controller": "w-action",
            "data-action": "w-dialog:hidden->w-action#reset",
            "data-w-dialog-target": "notify",
        }
        kwargs.setdefault("children", [
            FieldPanel(
                name, widget=DateTimeInput(js_overlay_parent_selector="#schedule-publishing-dialog", attrs=attrs)
            )
            for name in ("go_live_at", "expire_at")
        ])  # fmt: skip
        MultiFieldPanel.__init__(self, **{"classname": "publishing", **kwargs})


def install() -> None:
    """Every date and time of a model has these fields in Wagtail's forms; called once, when Django starts."""
    for model_field, form_field in (
        (models.DateField, JapaneseDateField),
        (models.TimeField, JapaneseTimeField),
        (models.DateTimeField, JapaneseDateTimeField),
    ):
        register_form_field_override(
            model_field, override={"form_class": form_field, "widget": form_field.widget}
        )
