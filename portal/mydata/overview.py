"""Puts the ledger, the access log and the attributes into the rows that わたしのデータ shows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from core.texts import pick
from gadgets import queries as gadget_queries
from gadgets.operation import rollout
from gadgets.operation.rollout import Choice
from gadgets.queries import Ended
from gadgets.types import GadgetInfo
from gadgets.webhooks.deliveries import Notice
from identity.domain import attributes
from identity.domain.consent import BEHAVIOUR, LEARNING, OWN, RECOMMENDER, item_label
from identity.queries import AccessRow, Bundle, RecipientRow
from portal.mydata.prompt import learning_title, recommender_title

WITHDRAWN = "consent-withdrawn"


@dataclass(frozen=True, slots=True)
class Seen:
    """One attribute that a recipient sees or was refused, and what it is told now."""

    label: str
    value: str
    purpose: str


@dataclass(frozen=True, slots=True)
class Recipient:
    """A row: who, what it sees, why, since when, how often; `known` is False for a gadget that is not here now."""

    id: str
    title: str
    provider: str
    privacy: str
    known: bool
    level: str
    purpose: str
    sees: tuple[Seen, ...]
    refused: tuple[str, ...]
    stopped: tuple[str, ...]
    since: datetime | None
    expires_at: datetime | None
    last_access: datetime | None
    count: int
    own: bool
    ends_soon: bool
    changed: tuple[str, ...] = ()
    """What it asks in another way than was agreed to, in words; the resident has yet to answer."""
    waits_until: datetime | None = None
    """Until when what was agreed to before goes on meanwhile."""
    ending: GadgetInfo | None = None
    ended: Ended | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """One attribute of the resident and the titles of those who may see it."""

    key: str
    anchor: str
    label: str
    value: str
    derived: bool
    used_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Access:
    """A line of the access log in words."""

    at: datetime
    title: str
    items: tuple[str, ...]
    via: str


@dataclass(frozen=True, slots=True)
class Told:
    """A withdrawal that its provider is told of: since when, how that stands, and when it was settled."""

    title: str
    items: tuple[str, ...]
    at: datetime
    state: str
    settled_at: datetime | None
    until: datetime | None


def level_text(level: str) -> str:
    """What a recipient learns of who it is."""
    return {
        "none": _("あなたが誰かは伝わりません"),
        "audience": _("あなたが誰かは伝わりません"),
        "pairwise": _("この提供者だけが使う仮の番号が伝わります"),
    }[level]


def via_text(via: str) -> str:
    """Through which door something left."""
    return {
        "card": _("カードの表示"),
        "claims": _("提供者のサイトでの利用"),
        "frame": _("画面の表示"),
        "form": _("入力した内容の送信"),
        "query": _("最寄りのデータの検索"),
    }.get(via, via)


def title_of(recipient: str, gadgets: Mapping[str, GadgetInfo], locale: str) -> str:
    """A recipient's name; one that is suspended or gone keeps its id."""
    if recipient == RECOMMENDER:
        return recommender_title()
    if recipient == LEARNING:
        return learning_title()
    gadget = gadgets.get(recipient)
    return pick(gadget.title, locale) if gadget else recipient


def recipients(
    rows: tuple[RecipientRow, ...],
    bundle: Bundle,
    gadgets: Mapping[str, GadgetInfo],
    locale: str,
    now: datetime,
) -> tuple[Recipient, ...]:
    """Every recipient that was decided about or got something, in the order of `rows`."""
    gone = [row.recipient for row in rows if row.recipient not in gadgets and row.recipient not in OWN]
    over = gadget_queries.ended(gone) if gone else {}
    return tuple(_recipient(row, bundle, gadgets, locale, now, over.get(row.recipient)) for row in rows)


def _recipient(
    row: RecipientRow,
    bundle: Bundle,
    gadgets: Mapping[str, GadgetInfo],
    locale: str,
    now: datetime,
    ended: Ended | None,
) -> Recipient:
    gadget = gadgets.get(row.recipient)
    own = row.recipient in OWN
    chosen = gadget_queries.registry().choose(row.recipient, bundle, now) if gadget else None
    owed = chosen is not None and bool(row.granted) and rollout.owes(chosen.asks, bundle)
    gadget = chosen.shown if chosen else gadget
    purposes = {claim.name: pick(claim.purpose, locale) for claim in gadget.claims} if gadget else {}
    return Recipient(
        id=row.recipient,
        title=pick(ended.title, locale) if ended else title_of(row.recipient, gadgets, locale),
        provider=gadget.provider_name if gadget else ended.provider_name if ended else "",
        privacy=gadget.provider_privacy if gadget else "",
        known=own or gadget is not None,
        level="" if own else level_text(row.level),
        purpose=_own_purpose(row.recipient),
        sees=tuple(
            Seen(item_label(item, locale), _value(bundle, item, locale), purposes.get(item, ""))
            for item in row.granted
        ),
        refused=tuple(item_label(item, locale) for item in row.refused),
        stopped=tuple(
            item_label(item.item, locale) for item in row.items if item.status in {"withdrawn", "expired"}
        ),
        since=row.since,
        expires_at=row.expires_at,
        last_access=row.last_access,
        count=row.count,
        own=own,
        ends_soon=bool(row.granted) and row.ends_soon(now),
        changed=_changed(chosen.asks, bundle, locale) if chosen and owed else (),
        waits_until=_waits_until(chosen) if chosen and owed else None,
        ending=gadget if gadget and gadget.retires_at else None,
        ended=ended,
    )


def _own_purpose(recipient: str) -> str:
    return {
        RECOMMENDER: _("あなたに合いそうな順に並べるため"),
        LEARNING: _("みなさんのおすすめの順をよくするため"),
    }.get(recipient, "")


def _changed(gadget: GadgetInfo, bundle: Bundle, locale: str) -> tuple[str, ...]:
    return tuple(pick(text, locale) for text in rollout.news(gadget, bundle, gadget.declared))


def _waits_until(chosen: Choice) -> datetime | None:
    if chosen.shown is chosen.asks:
        return None
    earlier = gadget_queries.registry().earlier.get(chosen.asks.id)
    return earlier.until if earlier else None


def _value(bundle: Bundle, key: str, locale: str) -> str:
    if key == BEHAVIOUR:
        return _("おすすめの一覧の上の5件と、開いたもの")
    value = bundle.attributes.get(key)
    return "" if value is None or value == () else attributes.value_label(key, value, locale)


def anchor(key: str) -> str:
    """The id of an attribute's row; other pages link to it."""
    return key.replace(".", "-")


def known(bundle: Bundle, gadgets: Mapping[str, GadgetInfo], locale: str) -> tuple[Known, ...]:
    """Every attribute, filled in or not, with who may see it now."""
    return tuple(
        Known(
            key=key,
            anchor=anchor(key),
            label=attributes.label(key, locale),
            value=_value(bundle, key, locale),
            derived=attributes.DEFINITIONS[key].derived,
            used_by=used_by(bundle, key, gadgets, locale),
        )
        for key in attributes.KEYS
    )


def used_by(bundle: Bundle, key: str, gadgets: Mapping[str, GadgetInfo], locale: str) -> tuple[str, ...]:
    """The titles of those who may see `key` now."""
    return tuple(
        title_of(recipient, gadgets, locale)
        for recipient, items in sorted(bundle.grants.items())
        if key in items
    )


def accesses(
    rows: tuple[AccessRow, ...], gadgets: Mapping[str, GadgetInfo], locale: str
) -> tuple[Access, ...]:
    """The access log in words."""
    return tuple(
        Access(
            at=row.at,
            title=title_of(row.recipient, gadgets, locale),
            items=tuple(attributes.label(item, locale) for item in row.items),
            via=via_text(row.via),
        )
        for row in rows
    )


def told(found: tuple[Notice, ...], locale: str) -> tuple[Told, ...]:
    """What became of each withdrawal at its provider."""
    states = {
        "told": _("伝わりました"),
        "waiting": _("伝えているところです。まだ返事がありません。"),
        "not_confirmed": _(
            "何度も伝えましたが、返事がありませんでした。渡すのは、止めたときから止まっています。"
        ),
    }
    return tuple(
        Told(
            title=pick(one.title, locale),
            items=tuple(attributes.label(item, locale) for item in one.items),
            at=one.at,
            state=states[one.state],
            settled_at=one.told_at,
            until=one.until,
        )
        for one in found
        if one.kind == WITHDRAWN
    )
