"""Tells caches and the static alert files what changed, once the change is committed."""

from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Model
from django.db.models.signals import post_delete, post_migrate, post_save
from wagtail.models import Page, PageViewRestriction
from wagtail.signals import page_published, page_slug_changed, page_unpublished, post_page_move

from portal.alerts.alert_words import corrected_at
from portal.content import actions
from portal.content.models import AlertPage, EventPage, GonePage, HomePage, IndexPage, NewsPage, ServicePage
from portal.content.pages import moved

OURS: tuple[type[Page], ...] = (HomePage, IndexPage, NewsPage, EventPage, AlertPage, ServicePage)


def connect() -> None:
    """Called once, when Django starts."""
    for signal in (page_published, page_unpublished, page_slug_changed, post_page_move):
        signal.connect(changed, dispatch_uid="content-changed")
    for model in OURS:
        post_delete.connect(changed, sender=model, dispatch_uid=f"content-deleted-{model.__name__}")
    for signal in (post_save, post_delete):
        signal.connect(changed, sender=PageViewRestriction, dispatch_uid="content-restricted")
    page_slug_changed.connect(moved.slug_changed, dispatch_uid="content-slug-redirects")
    post_page_move.connect(moved.page_moved, dispatch_uid="content-move-redirects")
    page_published.connect(back_again, dispatch_uid="content-back")
    page_published.connect(alert_published, sender=AlertPage, dispatch_uid="alert-published")
    page_unpublished.connect(alert_gone, sender=AlertPage, dispatch_uid="alert-unpublished")
    post_delete.connect(alert_deleted, sender=AlertPage, dispatch_uid="alert-deleted")
    post_migrate.connect(site_stands, dispatch_uid="content-site")


def changed(sender: type[Model], **_kwargs: Any) -> None:
    """Raises the version; for an alert the files follow in the same request, after the commit."""
    actions.bump()
    if issubclass(sender, AlertPage) or not issubclass(sender, OURS):
        transaction.on_commit(actions.write_alerts)


def back_again(instance: Page, **_kwargs: Any) -> None:
    """A page that is out again needs no reason for being gone."""
    GonePage.objects.filter(path=moved.path_of(instance)).delete()


def alert_published(instance: AlertPage, **_kwargs: Any) -> None:
    """An audit entry for each publication: the first one, and corrections."""
    again = corrected_at(instance.first_published_at, instance.last_published_at)
    actions.record_alert("alert_corrected" if again else "alert_published", instance, actions.acting())


def alert_gone(sender: type[Page], instance: AlertPage, **_kwargs: Any) -> None:
    """An audit entry when an alert is taken down or deleted."""
    if sender is AlertPage:
        actions.record_alert("alert_withdrawn", instance, actions.acting())


def alert_deleted(sender: type[Page], instance: AlertPage, **_kwargs: Any) -> None:
    """A draft that is deleted was never out."""
    if instance.live:
        alert_gone(sender, instance)


def site_stands(sender: Any, using: str, **_kwargs: Any) -> None:
    """Wherever the tables exist, so do home, lists and the editors' group."""
    if sender.label == "content":
        # After a flush the remembered keys of content types are those of rows that are gone.
        ContentType.objects.clear_cache()
        actions.ensure_site(using=using)
