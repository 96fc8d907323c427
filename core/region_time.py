"""The region's own clock, whatever time zone and language the person has whose request runs just now.

Wagtail runs an editor's requests under the editor's own zone. What outlives a request (the catalogue, files, feeds,
mails, caches, exports) is therefore computed by these functions and in a language that is named, never by Django's
`localtime`, `localdate` or `make_aware`, which ask for the zone that is active: a lint rule forbids them elsewhere.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, tzinfo

from django.utils import timezone, translation


def region_zone() -> tzinfo:
    """`settings.TIME_ZONE`, not the active zone."""
    return timezone.get_default_timezone()


def region_local(moment: datetime) -> datetime:
    """An aware moment, as the clocks of the region show it."""
    return moment.astimezone(region_zone())


def region_now() -> datetime:
    """This moment, as the clocks of the region show it."""
    return region_local(timezone.now())


def region_date(moment: datetime | None = None) -> date:
    """The region's day at this moment, or now."""
    return region_local(moment or timezone.now()).date()


def region_moment(day: date, clock: time = time.min) -> datetime:
    """A day and a time of the region's calendar as an aware moment."""
    return datetime.combine(day, clock, tzinfo=region_zone())


def region_midnight(moment: datetime) -> datetime:
    """When the region's day of this moment began."""
    return region_moment(region_date(moment))


@contextmanager
def for_everybody(language: str) -> Iterator[None]:
    """Templates and translations inside are drawn in the region's zone and in this language, whoever asked."""
    with timezone.override(region_zone()), translation.override(language):
        yield
