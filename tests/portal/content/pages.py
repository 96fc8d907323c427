"""Makes published pages for tests, as an editor would have left them."""

from datetime import date, datetime
from typing import Any

from portal.content import actions
from portal.content.models import AlertPage, EventPage, IndexPage, NewsPage, RegionPage, ServicePage

CLASSES: dict[str, type[RegionPage]] = {
    "news": NewsPage,
    "event": EventPage,
    "alert": AlertPage,
    "service": ServicePage,
}


def publish(kind: str, slug: str, *, now: datetime, **fields: Any) -> Any:
    """A page of this kind below its list, published at `now`."""
    fields.setdefault("title", f"見出し {slug}")
    if kind == "event":
        fields.setdefault("starts_on", date(2026, 10, 20))
        fields.setdefault("ends_on", fields["starts_on"])
    page = CLASSES[kind](slug=slug, **fields)
    actions.publish_page(IndexPage.objects.get(lists=kind), page, now=now)
    page.refresh_from_db()
    return page
