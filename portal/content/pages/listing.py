"""The lists of news, events, alerts and services: a page of them at a time, the same for everybody."""

from datetime import datetime
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Q

from portal.content.models import AlertPage, EventPage, NewsPage, ServicePage
from portal.content.pages import series
from portal.content.pages.published import published

PER_PAGE = 30


def page_of_items(lists: str, number: str, now: datetime) -> dict[str, Any]:
    """`items`: one page of what holds now; `paginator_page`: for the links to its neighbours."""
    page = Paginator(_holding(lists, now), PER_PAGE).get_page(number)
    return {"items": page.object_list, "paginator_page": page}


def _holding(lists: str, now: datetime) -> Any:
    if lists == EventPage.kind:
        return _without_bodies(series.next_days(now))
    if lists == AlertPage.kind:
        alerts = published(AlertPage).filter(Q(valid_until__isnull=True) | Q(valid_until__gt=now))
        return _not_over(alerts, now).order_by("-urgent", "-level", "-first_published_at")
    if lists == ServicePage.kind:
        return _not_over(published(ServicePage), now).order_by("title", "pk")
    return _not_over(published(NewsPage), now).order_by("-first_published_at", "-pk")


def _not_over(pages: Any, now: datetime) -> Any:
    return _without_bodies(pages.filter(Q(expire_at__isnull=True) | Q(expire_at__gt=now)))


def _without_bodies(pages: Any) -> Any:
    return pages.defer(*(f"body{suffix}" for suffix in ("", "_en", "_simple")))
