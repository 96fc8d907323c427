"""Fills a database in bulk: pages, published gadgets, a resident with eight cards; for benchmark and tests."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.backends.base import SessionBase
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from wagtail.models import Locale, Page

from core.disclosure import SMALL_CELL
from gadgets import actions as gadget_actions
from gadgets import queries
from gadgets.cards import fetch
from gadgets.models import CellCount, Gadget, GadgetVersion, Provider, bump_registry
from gadgets.release import claims_key, disclosable
from gadgets.types import Source, StoredCard
from identity import actions
from identity import queries as identity_queries
from identity.domain import attributes
from identity.domain.consent import Notice
from identity.domain.roles import SYSTEM, Actor
from identity.sessions.person import KEY
from portal.content.actions import bump
from portal.content.models import EventPage, IndexPage, NewsPage, ServicePage

LEVELS = ("none", "none", "none", "audience", "audience", "audience", "audience", "audience")
CLAIMS = ("area.district", "area.waste_zone", "age_band", "household.school_years", "language")
NOTICE = Notice(language="ja", text="見本の同意です。")
RESIDENT = UUID("00000000-0000-4000-9000-0000000bebe0")
ATTRIBUTES: dict[str, attributes.Value] = {
    "area.district": "busshozan",
    "age_band": "35-44",
    "household.school_years": ("e3",),
    "language": "ja",
    "interests": ("music", "food"),
}


@dataclass(frozen=True)
class Size:
    """How many pages of each kind."""

    news: int
    events: int
    services: int

    @classmethod
    def of(cls, items: int) -> "Size":
        """Half news, four tenths events, the rest services."""
        return cls(items - items * 4 // 10 - items // 10, items * 4 // 10, items // 10)


@transaction.atomic
def pages(items: int, *, now: datetime) -> None:
    """`items` live pages under their lists, in a few statements; every third has a district, some an audience."""
    size = Size.of(items)
    day = now.date()
    _insert(NewsPage, IndexPage.Lists.NEWS, size.news, now, lambda _n: {})
    _insert(
        EventPage,
        IndexPage.Lists.EVENT,
        size.events,
        now,
        lambda n: {
            "starts_on": day + timedelta(days=1 + n % 60),
            "ends_on": day + timedelta(days=1 + n % 60 + n % 3),
            "place_name": "市民会館",
            "attribution": "高松市オープンデータ",
        },
    )
    _insert(ServicePage, IndexPage.Lists.SERVICE, size.services, now, lambda _n: {})
    bump()


def _insert(model: type[Any], lists: str, count: int, now: datetime, more: Any) -> None:
    parent = IndexPage.objects.get(lists=lists)
    kind, locale = ContentType.objects.get_for_model(model), Locale.objects.first()
    first = parent.numchild
    topics, districts = list(attributes.TOPICS), list(attributes.DISTRICTS)
    rows = [
        Page(
            path=Page._get_path(parent.path, parent.depth + 1, first + n + 1),
            depth=parent.depth + 1,
            title=f"{model.kind} {n}: 地域のお知らせの題名",
            draft_title=f"{model.kind} {n}",
            slug=f"bench-{first + n}",
            url_path=f"{parent.url_path}bench-{first + n}/",
            content_type=kind,
            locale=locale,
            live=True,
            first_published_at=now - timedelta(hours=n % 2000, minutes=n % 60),
        )
        for n in range(count)
    ]
    made = Page.objects.bulk_create(rows, batch_size=500)
    children = []
    for n, page in enumerate(made):
        child = model(
            title_en=f"{model.kind} {n}: a notice" if n % 2 else "",
            summary="この要約は測定のために作られた文です。くらしに役立つことが書かれています。",
            topics=[topics[n % len(topics)], topics[(n * 7 + 3) % len(topics)]][: n % 3],
            districts=[districts[n % len(districts)]] if n % 3 == 0 else [],
            audience={"household.has_child": [True]} if n % 17 == 0 else {},
            department=f"第{n % 40}課",
            **more(n),
        )
        child.page_ptr_id = page.pk
        children.append(child)
    # Rows of a child table alone: Django's bulk_create refuses tables that inherit.
    fields = model._meta.local_concrete_fields
    for at in range(0, count, 500):
        model._base_manager._insert(children[at : at + 500], fields=fields, using="default")
    Page.objects.filter(pk=parent.pk).update(numchild=first + count)


def manifest(number: int, port: int = 80) -> dict[str, Any]:
    """The manifest of gadget `number`; after eight the same levels and claims come again."""
    host = f"bench{number}.localhost" if port == 80 else f"bench{number}.localhost:{port}"
    level = LEVELS[number % len(LEVELS)]
    claims = []
    if level != "none":
        name = CLAIMS[number % len(LEVELS) - LEVELS.index("audience")]
        claims = [{"name": name, "need": "required", "retention": "P0D", "purpose": {"ja": "内容を選ぶため"}}]
    return {
        "manifest": "1.0",
        "id": f"localhost.bench{number}.card",
        "version": "1.0.0",
        "provider": {
            "name": f"提供者{number}",
            "type": "company",
            "privacy": f"http://{host}/privacy",
            "support": f"mailto:help@{host}",
            "security": f"mailto:sec@{host}",
        },
        "title": {"ja": f"測定{number}", "en": f"Bench {number}"},
        "summary": {"ja": "測定のためのカード", "en": "A card for measuring"},
        "category": "environment",
        "kind": "card",
        "identity": level,
        "sizes": ["S", "M"],
        "endpoints": {"card": f"http://{host}/card", "health": f"http://{host}/health"},
        "claims": claims,
        "data": [],
        "provides": [],
        "link_origins": [f"http://{host}"],
        "cache": {"max_age": 86400, "stale": 86400},
        "settings": {"type": "object", "properties": {}},
        "regions": ["*"],
    }


@transaction.atomic
def gadgets(count: int, *, now: datetime, first: int = 0, ports: Sequence[int] = ()) -> list[str]:
    """Publishes the gadgets from number `first` up to `count`, and returns their ids; `ports`: where each answers."""
    ids = []
    for number in range(first, count):
        document = manifest(number, ports[number] if number < len(ports) else 80)
        host = f"bench{number}.localhost"
        provider = Provider.objects.create(
            name=f"提供者{number}", kind="company", host=host, contact=f"help@{host}"
        )
        gadget = Gadget.objects.create(
            gadget_id=document["id"],
            provider=provider,
            url=document["endpoints"]["card"].replace("/card", "/gadget.json"),
        )
        version = GadgetVersion.objects.create(
            gadget=gadget,
            version="1.0.0",
            manifest=json.dumps(document).encode(),
            sha256="0" * 43,
            url=gadget.url,
            state=GadgetVersion.State.APPROVED,
            approved_at=now,
        )
        gadget.state, gadget.published, gadget.published_at = Gadget.State.PUBLISHED, version, now
        gadget.save()
        ids.append(gadget.gadget_id)
    bump_registry()
    cache.delete(queries.VERSION_KEY)
    return ids


def resident(gadget_ids: list[str], *, now: datetime) -> UUID:
    """A resident who opted in, granted what each gadget asks for, and has all of them on the home, cached."""
    actions.create_resident(
        resident_id=RESIDENT,
        username="bench",
        email="bench@region.localhost",
        display_name="測定 花子",
        locale="ja",
        by=SYSTEM,
    )
    by = Actor(id=RESIDENT, roles=frozenset())
    actions.set_attributes(resident_id=RESIDENT, values=ATTRIBUTES, by=by)
    actions.opt_in_personalisation(resident_id=RESIDENT, notice=NOTICE, controller="窓口", by=by)
    published = queries.registry().gadgets
    for gadget_id in gadget_ids:
        info = published[gadget_id]
        if info.claims:
            actions.grant(
                resident_id=RESIDENT,
                recipient=gadget_id,
                purpose="card",
                items=info.declared,
                declared=info.declared,
                level=info.identity,
                notice=NOTICE,
                controller=info.provider_name,
                by=by,
            )
            if info.identity == "audience":
                found = disclosable(info, identity_queries.bundle(RESIDENT))
                CellCount.objects.get_or_create(key=claims_key(found.claims), defaults={"count": SMALL_CELL})
        gadget_actions.place(resident_id=RESIDENT, gadget_id=gadget_id, by=by, size="S")
    bump_registry()  # with the cells
    cache.delete(queries.VERSION_KEY)
    cards(gadget_ids, now=now)
    return RESIDENT


def cards(gadget_ids: list[str], *, now: datetime) -> None:
    """A fresh card of a usual size in the cache for each gadget, as the resident has it and in public form."""
    bundle = identity_queries.bundle(RESIDENT)
    for gadget_id in gadget_ids:
        info = queries.registry().gadgets[gadget_id]
        for reader in (bundle, None):
            cells = queries.registry().cells
            wanted = fetch.wanted_for(info, bundle=reader, locale="ja", size="S", settings={}, cells=cells)
            cache.set(fetch.cache_key(wanted), fetch.encode(_card(now), wanted), 86400)


def _card(now: datetime) -> StoredCard:
    rows = "".join(f"<li>{n}日: 次の収集は燃えるごみです</li>" for n in range(5))
    html = f"<ul>{rows}</ul>"
    return StoredCard(
        html=html,
        forms=(html, ""),
        summary="次の収集は燃えるごみです",
        fetched_at=now,
        fresh_until=now + timedelta(hours=12),
        stale_until=now + timedelta(days=1),
        observed_at=now,
        source=Source("高松市", "CC BY 4.0"),
    )


def sign_in(client: Client) -> SessionBase:
    """A portal session of the benchmark's resident in `client`, such as sign-in leaves behind."""
    session = client.session
    session[KEY] = str(RESIDENT)
    session.save()
    return session
