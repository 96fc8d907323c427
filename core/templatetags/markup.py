"""The filters `iso` and `html_id`; every template has them without loading."""

from datetime import date, datetime

from django import template

from core import markup

register = template.Library()


@register.filter(expects_localtime=True)
def iso(value: date | datetime | None) -> str:
    """A day or a time for `<time datetime>`, in the region's zone."""
    return markup.machine_time(value or None)


@register.filter
def html_id(value: object) -> str:
    """A gadget's id as a part of an `id`."""
    return markup.html_id(str(value))
