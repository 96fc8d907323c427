"""Writes of content: the version number, the static alerts, the site's fixed pages, and a page's publication."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connections, transaction
from django.utils import timezone
from wagtail.contrib.redirects.models import Redirect
from wagtail.images import get_image_model
from wagtail.log_actions import LogContext, get_active_log_context
from wagtail.models import Collection, GroupCollectionPermission, GroupPagePermission, Locale, Page, Site

from core import sweeps, versions
from core.region.current import current_region
from core.region_time import for_everybody
from gadgets.layout.layout import Slot
from identity.audit import chain
from identity.domain.roles import EDITOR, GROUPS, OPERATOR, SYSTEM, Actor
from portal.alerts import alert_files, alert_names
from portal.alerts.alert_words import corrected_at, sentences
from portal.content.editing.blocks import ZONES
from portal.content.errors import AlertIncomplete, AlertNotWritten, NotAllowed
from portal.content.models import AlertPage, GonePage, HomePage, IndexPage, Persona
from portal.content.pages.published import published

log = logging.getLogger(__name__)

VERSION_KEY = "content:version"
WRITE_ALERTS = "content.write_alerts"
INDEXES = (
    ("news", "news", "お知らせ", "News", "お知(し)らせ"),
    ("events", "event", "イベント", "Events", "イベント"),
    ("alerts", "alert", "緊急のお知らせ", "Urgent notices", "いそぎの お知(し)らせ"),
    ("services", "service", "手続き・サービス", "Procedures and services", "手(て)つづき・サービス"),
)


def bump() -> None:
    """Raises the content version in the caller's transaction."""
    versions.bump(VERSION_KEY)


def write_alerts(now: datetime | None = None) -> None:
    """Writes the alert files from what is published; those given by `publish_alert --static-only` stay in them."""
    moment = now or timezone.now()
    try:
        with for_everybody(settings.LANGUAGE_CODE):
            alert_files.replace_files(
                settings.ALERTS_DIR, lambda present: (*_static_only(present), *live_alerts(present)), moment
            )
    except AlertNotWritten:
        # The page itself is published; the editor is told by the hook `after_publish_page`.
        log.exception("alert files not written")


def _static_only(present: tuple[alert_files.Alert, ...]) -> tuple[alert_files.Alert, ...]:
    return tuple(alert for alert in present if alert.origin == "static")


def live_alerts(present: Sequence[alert_files.Alert] = ()) -> tuple[alert_files.Alert, ...]:
    """All published alerts as they go into the files; one that cannot be read stays there as it is."""
    pages = list(published(AlertPage))
    made = sweeps.each(WRITE_ALERTS, pages, _as_alert, key=lambda page: f"page:{page.pk}")
    unread = {f"p{page.pk}" for page in made.failed}
    return (*made.results, *(alert for alert in present if alert.id in unread))


def _as_alert(page: AlertPage) -> alert_files.Alert:
    ends = [when for when in (page.valid_until, page.expire_at) if when]
    return alert_files.Alert(
        id=f"p{page.pk}",
        level=page.level,
        kind=page.alert_kind,
        urgent=page.urgent,
        title=page.texts("title"),
        summary=page.texts("summary"),
        what_to_do=page.texts("what_to_do"),
        districts=tuple(page.districts),
        published_at=page.first_published_at or timezone.now(),
        corrected_at=corrected_at(page.first_published_at, page.last_published_at),
        valid_until=min(ends) if ends else None,
        url=settings.PORTAL_URL + str(page.get_url() or "/") if page.get_url() else "",
    )


def publish_alert(*, alert: alert_files.Alert, by: Actor, now: datetime) -> AlertPage:
    """A published alert page; its static files are written before this returns, once the change is committed."""
    _may_alert(by)
    _complete(alert, now)
    with transaction.atomic(), _on_behalf_of(by):
        page = AlertPage(
            title=alert.title["ja"],
            slug=f"a-{alert.id}",
            title_en=alert.title.get("en", ""),
            title_simple=alert.title.get("ja-simple", ""),
            summary=alert.summary.get("ja", ""),
            what_to_do=alert.what_to_do.get("ja", ""),
            what_to_do_en=alert.what_to_do.get("en", ""),
            what_to_do_simple=alert.what_to_do.get("ja-simple", ""),
            level=alert.level,
            alert_kind=alert.kind,
            urgent=alert.urgent,
            districts=list(alert.districts),
            whole_city=not alert.districts,
            valid_until=alert.valid_until,
            live=False,
        )
        publish_page(_alert_list(), page, now=now)
    return page


def _alert_list() -> IndexPage:
    """Where alerts stand; made anew if anybody could take it away, because no alert may fail for want of it."""
    found: IndexPage | None = IndexPage.objects.filter(lists=IndexPage.Lists.ALERT).order_by("pk").first()
    if found is None:
        ensure_site()
        found = IndexPage.objects.get(lists=IndexPage.Lists.ALERT)
    return found


def _complete(alert: alert_files.Alert, now: datetime) -> None:
    codes = alert_names.missing(
        kind=alert.kind,
        level=alert.level,
        whole_city=not alert.districts,
        districts=alert.districts,
        what_to_do=alert.what_to_do.get("ja", ""),
        valid_until=alert.valid_until,
        now=now,
    )
    if codes:
        error = AlertIncomplete(" ".join(sentences(codes)))
        error.codes = codes
        raise error


@contextmanager
def _on_behalf_of(by: Actor) -> Iterator[None]:
    """Wagtail's own log and ours name who acts."""
    user = get_user_model().objects.filter(pk=by.id).first() if by.id else None
    with LogContext(user=user):
        yield


def acting() -> Actor:
    """Who acts in Wagtail just now: the editor in the admin, or a program of the portal."""
    user = get_active_log_context().user
    return Actor(id=user.pk) if user is not None and user.pk is not None else SYSTEM


def publish_page(parent: Page, page: Any, *, now: datetime) -> None:
    """Adds a page that was made by a program, checked like an editor's, with a revision, and publishes it."""
    page.live = False
    page.first_published_at = page.first_published_at or now
    parent.add_child(instance=page)
    page.save_revision(changed=False).publish()


def set_default_slots(*, slots: Sequence[Slot], by: Actor) -> bool:
    """Puts gadgets on everybody's home, unless somebody has put some there already."""
    if not (by.has(EDITOR) or by.has(OPERATOR)):
        raise NotAllowed("トップページのガジェットは、編集者か運用者だけが決められます。")
    with transaction.atomic():
        home = HomePage.objects.select_for_update().get()
        zones = list(home.zones)
        if any(block.value["slots"] for block in zones if block.block_type == "gadgets"):
            return False
        chosen = [{"gadget": slot.gadget_id, "size": slot.size, "locked": slot.locked} for slot in slots]
        home.zones = [
            (
                block.block_type,
                {**block.value, "slots": chosen} if block.block_type == "gadgets" else block.value,
            )
            for block in zones
        ]
        home.save_revision(changed=False).publish()
    return True


def publish_static_alert(
    *, alert: alert_files.Alert, by: Actor, now: datetime
) -> tuple[alert_files.Alert, ...]:
    """Puts an alert into the files alone: for the hour in which the database is down.

    Its audit entry waits beside the files until the database is there (`record_waiting`).
    """
    _may_alert(by)
    _complete(alert, now)
    written = alert_files.replace_files(
        settings.ALERTS_DIR, lambda present: (*(a for a in present if a.id != alert.id), alert), now
    )
    alert_files.note_waiting(settings.ALERTS_DIR, _entry("alert_published", alert, by, now))
    return written


def withdraw_static_alert(*, alert_id: str, by: Actor, now: datetime) -> bool:
    """Takes a static alert out of the files; False when there is none with this id."""
    _may_alert(by)
    present = alert_files.read_files(settings.ALERTS_DIR)
    found = next((a for a in present if a.id == alert_id and a.origin == "static"), None)
    if found is None:
        return False
    alert_files.replace_files(
        settings.ALERTS_DIR, lambda present: tuple(a for a in present if a.id != alert_id), now
    )
    alert_files.note_waiting(settings.ALERTS_DIR, _entry("alert_withdrawn", found, by, now))
    return True


def _may_alert(by: Actor) -> None:
    if not (by.has(EDITOR) or by.has(OPERATOR)):
        raise NotAllowed("緊急のお知らせは、編集者か運用者だけが出せます。")


def _entry(kind: str, alert: alert_files.Alert, by: Actor, now: datetime) -> dict[str, Any]:
    return {
        "kind": kind,
        "by": str(by.id) if by.id else "",
        "alert": alert.id,
        "alert_kind": alert.kind,
        "level": alert.level,
        "done_at": now.astimezone(UTC).isoformat(timespec="seconds"),
    }


def record_waiting() -> int:
    """Writes what was done while the database was away into the audit chain; returns how many entries."""
    waiting = alert_files.take_waiting(settings.ALERTS_DIR)
    recorded = sweeps.each(WRITE_ALERTS, waiting, _record, key=lambda entry: f"static:{entry['alert']}")
    for entry in recorded.failed:
        alert_files.note_waiting(settings.ALERTS_DIR, entry)
    return len(recorded.done)


def _record(entry: dict[str, Any]) -> None:
    detail = {key: entry[key] for key in ("alert", "alert_kind", "level", "done_at")}
    by = Actor(id=UUID(entry["by"])) if entry["by"] else SYSTEM
    chain.record(entry["kind"], by=by, files_only=True, **detail)


def record_alert(kind: str, page: AlertPage, by: Actor) -> None:
    """One entry for each publication, correction and withdrawal of an alert page."""
    chain.record(kind, by=by, alert=f"p{page.pk}", alert_kind=page.alert_kind, level=page.level)


# --- the fixed pages -----------------------------------------------------------------------------------------


def ensure_site(*, using: str = "default") -> None:
    """Makes sure that home, lists, site and groups exist; changes nothing that an editor wrote."""
    needed = {
        Redirect._meta.db_table,
        get_image_model()._meta.db_table,
        GroupCollectionPermission._meta.db_table,
        GonePage._meta.db_table,
        HomePage._meta.db_table,
        Page._meta.db_table,
        GroupPagePermission._meta.db_table,
        "auth_permission",
    }
    connection = connections[using]
    if not needed <= set(connection.introspection.table_names()):
        return
    ContentType.objects.clear_cache()  # a flush has given new numbers
    with transaction.atomic(using=using):
        home = HomePage.objects.first() or _new_home()
        _ensure_site_row(home)
        for slug, lists, title, english, simple in INDEXES:
            if not IndexPage.objects.filter(lists=lists).exists():
                home.add_child(
                    instance=IndexPage(
                        title=title,
                        title_en=english,
                        title_simple=simple,
                        slug=slug,
                        lists=lists,
                        show_in_menus=True,
                    )
                )
        _ensure_groups(home)


def _new_home() -> HomePage:
    Locale.objects.get_or_create(language_code=settings.LANGUAGE_CODE)
    root = Page.get_first_root_node() or Page.add_root(instance=Page(title="Root", slug="root"))
    name = current_region().portal_name
    home = HomePage(
        title=name["ja"],
        title_en=name.get("en", ""),
        title_simple=name.get("ja-simple", ""),
        slug="region",
        zones=[(zone, {}) for zone in ZONES],
    )
    root.add_child(instance=home)
    return home


def _ensure_site_row(home: HomePage) -> None:
    parts = urlsplit(settings.PORTAL_URL)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    site = Site.objects.filter(is_default_site=True).first() or Site(is_default_site=True)
    replaced = site.root_page if site.root_page_id and site.root_page_id != home.pk else None
    if (site.root_page_id, site.hostname, site.port) != (home.pk, parts.hostname, port):
        site.root_page, site.hostname, site.port = home, parts.hostname, port
        site.site_name = current_region().portal_name["ja"]
        site.save()
    if replaced is not None and replaced.specific_class is Page and replaced.is_leaf():
        replaced.delete()  # Wagtail's own welcome page
        home.refresh_from_db()


PAGES, COLLECTION, MODEL = "pages", "collection", "model"
GRANTS: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    (EDITOR, PAGES, "home", ("add_page", "change_page", "publish_page")),
    (EDITOR, COLLECTION, "images", ("add_image", "change_image", "choose_image")),
    (EDITOR, MODEL, "redirects", ("add_redirect", "change_redirect", "delete_redirect")),
    (EDITOR, MODEL, "gone", ("change_gonepage", "delete_gonepage", "view_gonepage")),
    (EDITOR, MODEL, "personas", ("add_persona", "change_persona", "delete_persona", "view_persona")),
    (OPERATOR, PAGES, "alerts", ("add_page", "change_page", "publish_page")),
)
"""Role, kind of grant, on what, permissions; docs/reference/roles.md has the same table."""


def _ensure_groups(home: HomePage) -> None:
    admin_type, _ = ContentType.objects.get_or_create(app_label="wagtailadmin", model="admin")
    access, _ = Permission.objects.get_or_create(
        content_type=admin_type, codename="access_admin", defaults={"name": "Can access Wagtail admin"}
    )
    groups = {role: Group.objects.get_or_create(name=GROUPS[role])[0] for role in (EDITOR, OPERATOR)}
    for group in groups.values():
        group.permissions.add(access)
    alerts_list = IndexPage.objects.get(lists=IndexPage.Lists.ALERT)
    pages: dict[str, Page] = {"home": home, "alerts": alerts_list}
    models: dict[str, type[Any]] = {
        "home": Page, "alerts": Page, "images": get_image_model(), "redirects": Redirect, "gone": GonePage,
        "personas": Persona,
    }  # fmt: skip
    for role, kind, where, codenames in GRANTS:
        for codename in codenames:
            permission, _ = Permission.objects.get_or_create(
                content_type=ContentType.objects.get_for_model(models[where]),
                codename=codename,
                defaults={"name": codename},
            )
            if kind == PAGES:
                GroupPagePermission.objects.get_or_create(
                    group=groups[role], page=pages[where], permission=permission
                )
            elif kind == COLLECTION:
                GroupCollectionPermission.objects.get_or_create(
                    group=groups[role], collection=_root_collection(), permission=permission
                )
            else:
                groups[role].permissions.add(permission)


def _root_collection() -> Collection:
    return Collection.get_first_root_node() or Collection.add_root(name="Root")
