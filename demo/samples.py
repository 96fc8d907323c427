"""The sample pages of the demo, written by us and labelled so; each is made once, known by its slug."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from html import escape
from typing import Any

from django.db import transaction

from demo import region_data
from portal.content import actions
from portal.content.models import AlertPage, IndexPage, NewsPage, RegionPage, ServicePage

SAMPLES = region_data.folder() / "samples.json"
CLASSES: Mapping[str, type[RegionPage]] = {"news": NewsPage, "service": ServicePage, "alert": AlertPage}
FIELDS = {"ja": "", "en": "_en", "ja-simple": "_simple"}


def make_samples(*, now: datetime) -> int:
    """Publishes the sample pages that are not there yet; their days count from `now`. Returns how many."""
    wanted = json.loads(SAMPLES.read_text(encoding="utf-8")) if SAMPLES.is_file() else []
    parents = {index.lists: index for index in IndexPage.objects.all()}
    made = 0
    for kind, page_class in CLASSES.items():
        known = set(page_class.objects.values_list("slug", flat=True))
        for sample in wanted:
            if sample["kind"] == kind and sample["slug"] not in known:
                with transaction.atomic():
                    actions.publish_page(parents[kind], _page(page_class, sample, now), now=now)
                made += 1
    return made


def _page(page_class: type[RegionPage], sample: Mapping[str, Any], now: datetime) -> RegionPage:
    published = now - timedelta(days=sample["days_ago"], minutes=sample["days_ago"] * 7)
    fields: dict[str, Any] = {
        "slug": sample["slug"],
        "department": sample["department"],
        "topics": sample["topics"],
        "audience": sample["audience"],
        "districts": sample["districts"],
        "first_published_at": published,
        "sample": True,
    }
    for locale, suffix in FIELDS.items():
        fields[f"title{suffix}"] = sample["title"][locale]
        fields[f"summary{suffix}"] = sample["summary"][locale]
        fields[f"body{suffix}"] = _body(sample, locale)
    if "days_left" in sample:
        fields["expire_at"] = now + timedelta(days=sample["days_left"])
    if page_class is AlertPage:
        fields |= _alert_fields(sample, now)
    return page_class(**fields)


def _body(sample: Mapping[str, Any], locale: str) -> list[tuple[str, Any]]:
    blocks: list[tuple[str, Any]] = []
    if sample["body"][locale]:
        blocks.append(("paragraph", f"<p>{escape(sample['body'][locale])}</p>"))
    if "gadget" in sample:
        blocks.append(("gadget", {"gadget": sample["gadget"], "size": "M"}))
    return blocks


def _alert_fields(sample: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    return {
        "level": sample["level"],
        "whole_city": not sample["districts"],
        "alert_kind": sample["alert_kind"],
        "urgent": sample["urgent"],
        "valid_until": now + timedelta(hours=sample["hours_left"]),
        **{f"what_to_do{suffix}": sample["what_to_do"][locale] for locale, suffix in FIELDS.items()},
    }
