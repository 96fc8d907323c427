"""What a resident put away from the recommended list: read beside the home's cards, kept until it is undone.

It is the resident's own setting, under the recommender's pseudonym, and needs no yes to learning.
"""

from collections.abc import Collection
from functools import partial

from django.core.cache import cache
from django.db import transaction
from django.utils import timezone

from recommender import actions, queries

KEPT_SECONDS = 300
"""After so long the table is asked again: what a cache that was away did not hear of is put right then."""


def key(subject: str) -> str:
    """Where the cache holds it; read in the home's one multi-get."""
    return f"home:hidden:{subject}"


def of(subject: str, cached: object) -> frozenset[str]:
    """The items, from what the multi-get brought, or from the table where it brought nothing."""
    if isinstance(cached, list):
        return frozenset(cached)
    found = queries.dismissed(subject)
    # Never over what a write has put there meanwhile.
    cache.add(key(subject), sorted(found), KEPT_SECONDS)
    return found


@transaction.atomic
def hide(*, subject: str, item_id: str) -> None:
    """Takes the item off this resident's list from the next page on."""
    actions.dismiss(subject, item_id, timezone.now())
    transaction.on_commit(partial(_spread, subject))


@transaction.atomic
def show_again(*, subject: str, items: Collection[str]) -> None:
    """Lets the items stand on the list again, where they rank; also takes back what they would have taught."""
    actions.undismiss(subject, items)
    transaction.on_commit(partial(_spread, subject))


def _spread(subject: str) -> None:
    cache.set(key(subject), sorted(queries.dismissed(subject)), KEPT_SECONDS)
