"""Makes published pages for tests, as an editor would have left them."""

from datetime import date, datetime, timedelta
from typing import Any

import time_machine

from portal.content import actions
from portal.content.models import AlertPage, EventPage, IndexPage, NewsPage, RegionPage, ServicePage

CLASSES: dict[str, type[RegionPage]] = {
    "news": NewsPage,
    "event": EventPage,
    "alert": AlertPage,
    "service": ServicePage,
}
ALERT: dict[str, Any] = {"level": 2, "alert_kind": "other", "what_to_do": "気をつけてください。"}
"""What every alert must have."""


def publish(kind: str, slug: str, *, now: datetime, **fields: Any) -> Any:
    """A page of this kind below its list, published at `now`."""
    fields.setdefault("title", f"見出し {slug}")
    if kind == "event":
        fields.setdefault("starts_on", date(2026, 10, 20))
        fields.setdefault("ends_on", fields["starts_on"])
    if kind == "alert":
        fields = (
            ALERT
            | {"whole_city": not fields.get("districts"), "valid_until": now + timedelta(days=3)}
            | fields
        )
    page = CLASSES[kind](slug=slug, **fields)
    if kind == "alert":  # one whose end is over does not go out
        with time_machine.travel(now, tick=False):
            actions.publish_page(IndexPage.objects.get(lists=kind), page, now=now)
    else:
        actions.publish_page(IndexPage.objects.get(lists=kind), page, now=now)
    page.refresh_from_db()
    return page
