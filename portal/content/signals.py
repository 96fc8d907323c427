"""Tells caches and the static alert files what changed, once the change is committed."""

from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Model
from django.db.models.signals import post_delete, post_migrate, post_save
from wagtail.models import Page, PageViewRestriction
from wagtail.signals import page_published, page_slug_changed, page_unpublished, post_page_move

from portal.content import actions
from portal.content.models import AlertPage, EventPage, HomePage, IndexPage, NewsPage, ServicePage

OURS: tuple[type[Page], ...] = (HomePage, IndexPage, NewsPage, EventPage, AlertPage, ServicePage)


def connect() -> None:
    """Called once, when Django starts."""
    for signal in (page_published, page_unpublished, page_slug_changed, post_page_move):
        signal.connect(changed, dispatch_uid="content-changed")
    for model in OURS:
        post_delete.connect(changed, sender=model, dispatch_uid=f"content-deleted-{model.__name__}")
    for signal in (post_save, post_delete):
        signal.connect(changed, sender=PageViewRestriction, dispatch_uid="content-restricted")
    post_migrate.connect(site_stands, dispatch_uid="content-site")


def changed(sender: type[Model], **_kwargs: Any) -> None:
    """Raises the version; for an alert the files follow in the same request, after the commit."""
    actions.bump()
    if issubclass(sender, AlertPage) or not issubclass(sender, OURS):
        transaction.on_commit(actions.write_alerts)


def site_stands(sender: Any, using: str, **_kwargs: Any) -> None:
    """Wherever the tables exist, so do home, lists and the editors' group."""
    if sender.label == "content":
        # After a flush the remembered keys of content types are those of rows that are gone.
        ContentType.objects.clear_cache()
        actions.ensure_site(using=using)
