"""Which pages the public may see: published ones that no restriction of Wagtail's closes, and nothing else."""

from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Length, Substr
from wagtail.models import Page, PageViewRestriction


def published(model: type[Page]) -> "QuerySet[Any]":
    """Published pages of `model` for lists, files, feeds and rankings.

    A restriction closes a page and everything below it. The portal offers none to editors; one that a program or an
    older version left behind must still not leak a title. The condition is part of the one query.
    """
    pages: QuerySet[Any] = model.objects.live().filter(~_closed("path"), ~_closed("alias_of__path"))
    return pages


def _closed(path: str) -> Exists:
    return Exists(
        PageViewRestriction.objects.filter(page__path=Substr(OuterRef(path), 1, Length("page__path")))
    )
