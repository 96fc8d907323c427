"""The log that is learnt from: rows of residents who said yes to learning, and what each of them put away.

Whoever calls has checked the yes. The rows of a log are gone once they are folded into cells (`recommender.learning`).
"""

from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from recommender.domain.types import Item, Profile, ViewRow
from recommender.learning import store
from recommender.metrics import shares
from recommender.models import Dismissal, Interaction, Pending, PriorChange, Rule, Share


def item_json(item: Item) -> dict[str, Any]:
    """The features of an item as they were when it was shown."""
    return {
        "id": item.id,
        "kind": item.kind,
        "topics": list(item.topics),
        "places": list(item.places),
        "provider": item.provider,
        "language": item.language,
        "published_at": item.published_at.isoformat(),
        "starts_at": item.starts_at.isoformat() if item.starts_at else None,
        "audience_keys": list(item.audience_keys),
    }


def profile_json(profile: Profile) -> dict[str, Any]:
    """The features of a reader as they were then."""
    return {
        "district": profile.district,
        "followed": list(profile.followed),
        "declared": list(profile.declared),
        "avoided": list(profile.avoided),
        "attributes": _plain(profile.attributes),
    }


def _plain(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in attributes.items()}


def record_views(views: Sequence[ViewRow]) -> int:
    """Writes what stood open, in one statement; what is there already stays. Returns how many it was given."""
    Interaction.objects.bulk_create(
        (
            Interaction(
                subject=view.subject,
                visit=view.visit,
                item_id=view.item.id,
                act=Interaction.Act.VIEW,
                position=view.position,
                propensity=view.propensity,
                exploring=view.exploring,
                arm=view.arm,
                consent_version=view.consent_version,
                reader=profile_json(view.profile),
                item=item_json(view.item),
                at=view.at,
            )
            for view in views
        ),
        batch_size=500,
        ignore_conflicts=True,
    )
    return len(views)


def record_act(subject: str, visit: UUID, item_id: str, act: str, at: datetime, consent_version: int) -> None:
    """Writes what was done with an item of a visit; the first time counts."""
    Interaction.objects.bulk_create(
        [
            Interaction(
                subject=subject,
                visit=visit,
                item_id=item_id,
                act=act,
                at=at,
                consent_version=consent_version,
            )
        ],
        ignore_conflicts=True,
    )


def dismiss(subject: str, item_id: str, at: datetime) -> None:
    """The item is not to stand on this list; a second time changes nothing."""
    Dismissal.objects.get_or_create(subject=subject, item_id=item_id, defaults={"at": at})


@transaction.atomic
def undismiss(subject: str, items: Collection[str]) -> None:
    """They may again, and that they were not wanted teaches nothing, unless it is folded already."""
    Dismissal.objects.filter(subject=subject, item_id__in=items).delete()
    refused = Interaction.Act.NOT_FOR_ME
    Interaction.objects.filter(subject=subject, item_id__in=items, act=refused).delete()


def forget_dismissals(*, published: Container[str], before: datetime) -> int:
    """Deletes dismissals from before that time of what is no longer published; returns how many."""
    old = Dismissal.objects.filter(at__lt=before)
    items = old.order_by("item_id").values_list("item_id", flat=True).distinct()
    gone = [item for item in items.iterator(chunk_size=2000) if item not in published]
    return sum(
        old.filter(item_id__in=gone[start : start + 500]).delete()[0] for start in range(0, len(gone), 500)
    )


@transaction.atomic
def forget(subject: str, *, keep_dismissals: bool = False) -> Mapping[str, int]:
    """Deletes everything of a pseudonym; returns how many rows of each kind.

    A fold that runs at this moment is waited for: what it moves from the log to what is pending is deleted there, and
    neither of the two stands in the other's way.
    """
    store.wait()
    mine = Interaction.objects.filter(subject=subject)
    # Held as a fold holds them, views first and by time, so that the two never wait for each other crosswise.
    list(mine.filter(act=Interaction.Act.VIEW).order_by("at", "pk").select_for_update().values_list("pk"))
    deleted = {"interactions": mine.delete()[0]}
    waiting = Pending.objects.filter(subject=subject)
    list(waiting.order_by("family", "key").select_for_update().values_list("pk"))
    deleted["pending"] = waiting.delete()[0] + shares.forget(subject)
    if not keep_dismissals:
        deleted["dismissals"] = Dismissal.objects.filter(subject=subject).delete()[0]
    return deleted


@transaction.atomic
def unname(person: UUID) -> int:
    """Takes an editor who is erased out of what they decided about the order; that stays. Returns how many rows."""
    return sum(model.objects.filter(by=person).update(by=None) for model in (PriorChange, Rule))


@dataclass(frozen=True, slots=True)
class Held:
    """Everything that is held under one pseudonym, as plain documents, the newest first; `left_out` by list."""

    log: tuple[Mapping[str, Any], ...]
    pending: tuple[Mapping[str, Any], ...]
    put_away: tuple[Mapping[str, Any], ...]
    left_out: Mapping[str, int]


def held(subject: str, most: int) -> Held:
    """At most `most` rows of each list."""
    left_out: dict[str, int] = {}

    def newest(name: str, rows: Any) -> Any:
        ordered = rows.filter(subject=subject).order_by("-at", "-pk")
        if ordered.values_list("pk")[most : most + 1]:
            left_out[name] = left_out.get(name, 0) + ordered.count() - most
        return ordered[:most]

    return Held(
        log=tuple(
            {
                "at": row.at.isoformat(),
                "act": row.act,
                "item": row.item_id,
                "visit": str(row.visit),
                "position": row.position,
                "propensity": row.propensity,
                "exploring": row.exploring,
                "arm": row.arm,
                "reader": row.reader,
                "features": row.item,
            }
            for row in newest("log", Interaction.objects.all())
        ),
        pending=tuple(
            {
                "at": row.at.isoformat(),
                "family": row.family,
                "cell": row.key,
                "clicks": row.c,
                "expected": row.e,
            }
            for row in newest("pending", Pending.objects.all())
        )
        + tuple(
            {"at": row.at.isoformat(), "family": row.name, "cell": row.key, "value": row.value}
            for row in newest("pending", Share.objects.all())
        ),
        put_away=tuple(
            {"at": row.at.isoformat(), "item": row.item_id}
            for row in newest("put_away", Dismissal.objects.all())
        ),
        left_out=left_out,
    )
