"""Every way in which a page is made of a page works for every type of page, unique fields and all."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from wagtail.actions.revert_to_page_revision import RevertToPageRevisionAction
from wagtail.models import Locale, Page, Revision, get_page_models

from portal.content.models import EventPage, HomePage, IndexPage, RegionPage
from tests import cast
from tests.portal.content.pages import publish

pytestmark = pytest.mark.django_db
KINDS = {
    model.kind: model
    for model in get_page_models()
    if issubclass(model, RegionPage) and not model._meta.abstract
}


def imported(kind: str, slug: str = "one") -> Any:
    """A page with every unique field filled, as an import leaves it."""
    page = publish(kind, slug, now=timezone.now())
    page.refresh_from_db()
    own = {field.name: f"key-{slug}" for field in unique_fields(type(page))}
    type(page).objects.filter(pk=page.pk).update(**own)
    page.refresh_from_db()
    page.save_revision()  # with the key in it, as an import writes it
    return page


def unique_fields(model: type[Page]) -> list[Any]:
    own = [field for field in model._meta.local_fields if field.unique and not field.primary_key]
    return [field for field in own if not field.is_relation]


def test_every_kind_is_tried_and_what_no_editor_sees_is_a_pages_own() -> None:
    assert "repeated" in EventPage.own_fields()
    assert set(KINDS) == set(IndexPage.Lists.values)


@pytest.fixture(params=sorted(KINDS))
def page(request: Any) -> Any:
    return imported(request.param)


def keys(page: Any) -> set[str | None]:
    return {getattr(page, field.name) for field in unique_fields(type(page))}


def test_copied_in_the_admin(page: Any, client: Client) -> None:
    editor = cast.sign_in(client, cast.editor())
    for number in (1, 2):
        sent = {
            "new_title": "写し", "new_slug": f"copy-{number}", "new_parent_page": str(page.get_parent().pk),
            "publish_copies": "on",
        }  # fmt: skip
        assert editor.post(f"/admin/pages/{page.pk}/copy/", sent).status_code == 302
        made = type(page).objects.get(slug=f"copy-{number}")
        assert keys(made) <= {None}
        made.get_latest_revision().publish()
        made.refresh_from_db()
        assert (made.live, keys(made) <= {None}) == (True, True)


def test_copied_with_its_history(page: Any) -> None:
    made = page.copy(update_attrs={"slug": "again"}, copy_revisions=True, keep_live=True)
    assert keys(made) <= {None}
    for revision in made.revisions.all():
        assert {revision.content.get(field.name) for field in unique_fields(type(page))} <= {None}
    made.get_latest_revision().publish()


def test_copied_with_all_below_it(page: Any) -> None:
    """Lists are copied by no editor; a program may, under another root."""
    root = Page.objects.get(pk=HomePage.objects.get().pk).get_parent()
    IndexPage.objects.filter(lists=page.kind).update(lists="")
    parent = page.get_parent().specific
    made = parent.copy(
        to=root, recursive=True, update_attrs={"lists": page.kind, "slug": "tree"}, keep_live=True
    )
    (child,) = [found.specific for found in made.get_children()]
    assert keys(child) <= {None}
    assert type(child) is type(page)


def test_an_alias_and_what_becomes_of_it(page: Any, client: Client) -> None:
    alias = page.create_alias(update_slug="alias")
    assert keys(alias) <= {None}
    page.title = "neu"
    page.save_revision().publish()  # goes on to the alias
    alias.refresh_from_db()
    assert (alias.title, keys(alias) <= {None}) == ("neu", True)
    editor = cast.sign_in(client, cast.editor())
    assert editor.post(f"/admin/pages/{alias.pk}/convert_alias/").status_code == 302
    alias.refresh_from_db()
    alias.get_latest_revision().publish()
    assert keys(type(page).objects.get(pk=alias.pk)) <= {None}


def test_an_older_revision_keeps_what_the_import_owns(page: Any) -> None:
    old = page.get_latest_revision()
    for field in unique_fields(type(page)):
        type(page).objects.filter(pk=page.pk).update(**{field.name: "key-new"})
    other = imported(page.kind, "two")
    for field in unique_fields(type(page)):
        type(page).objects.filter(pk=other.pk).update(**{field.name: "key-one"})
    old = Revision.objects.get(pk=old.pk)
    old.publish()
    page.refresh_from_db()
    assert keys(page) <= {"key-new"}
    RevertToPageRevisionAction(page, old).execute(skip_permission_checks=True)
    page.refresh_from_db()
    assert keys(page) <= {"key-new"}


def test_translated(page: Any) -> None:
    english, _ = Locale.objects.get_or_create(language_code="en")
    made = page.copy_for_translation(english, copy_parents=True)
    assert keys(made) <= {None}
    assert made.slug.startswith(page.slug)


def test_a_copied_alert_is_a_draft_so_that_nothing_is_announced_twice() -> None:
    page = publish("alert", "one", now=timezone.now(), valid_until=timezone.now() + timedelta(hours=1))
    made = page.copy(update_attrs={"slug": "two"}, keep_live=True)
    made.refresh_from_db()
    assert not made.live
