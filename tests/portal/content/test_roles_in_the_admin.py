"""The page of the roles and the permissions in the database say the same, and Wagtail's dead review is gone."""

import io
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from PIL import Image as Picture
from wagtail.images import get_image_model
from wagtail.models import GroupCollectionPermission, GroupPagePermission, Workflow

from identity.domain.roles import GROUPS
from portal.content.models import HomePage, IndexPage
from tests import cast
from tests.architecture.tables import REFERENCE, codes, rows
from tests.portal.content.pages import publish

pytestmark = pytest.mark.django_db
PLACES = {
    "the admin": "model",
    "redirects": "model",
    "pages taken down": "model",
    "personas (the made-up people of previews and dry runs)": "model",
    "the home and all below it": "home",
    "the list of alerts and all below it": "alerts",
    "pictures": "root",
}


def in_the_database() -> set[tuple[str, str, str]]:
    role_of = {name: role for role, name in GROUPS.items()}
    places = {HomePage.objects.get().pk: "home", IndexPage.objects.get(lists="alert").pk: "alerts"}
    found = set()
    for group in Group.objects.all():
        role = role_of[group.name]
        found |= {(role, "model", one.codename) for one in group.permissions.all()}
    for one in GroupPagePermission.objects.select_related("group", "permission"):
        found.add((role_of[one.group.name], places[one.page_id], one.permission.codename))
    for one in GroupCollectionPermission.objects.select_related("group", "permission", "collection"):
        place = "root" if one.collection.is_root() else one.collection.name
        found.add((role_of[one.group.name], place, one.permission.codename))
    return found


def test_the_page_of_the_roles_is_what_stands_in_the_database() -> None:
    told = {
        (codes(cells[0])[0], PLACES[cells[1]], codename)
        for heading, cells in rows(REFERENCE / "roles.md")
        if heading == "Permissions in the admin"
        for codename in codes(cells[2])
    }
    assert told == in_the_database()


def test_the_dead_review_is_on_no_page_and_comments_are_on_every_page(client: Client) -> None:
    assert not Workflow.objects.exists()
    editor = cast.sign_in(client, cast.editor())
    pages = [publish(kind, f"a-{kind}", now=timezone.now()) for kind in ("news", "event", "alert", "service")]
    for page in (*pages, HomePage.objects.get(), *IndexPage.objects.all()):
        html = editor.get(f"/admin/pages/{page.pk}/edit/").content.decode()
        assert "Moderators" not in html
        assert 'id="comments"' in html or "data-comment" in html, page


def test_an_operator_publishes_alerts_and_nothing_else(client: Client) -> None:
    from tests.portal.content.test_alert_rules import ALL
    from tests.portal.content.test_editor import add_url, form

    operator = cast.sign_in(client, cast.operator())
    assert operator.post(add_url("alertpage", "alert"), form(**ALL)).status_code == 302
    assert IndexPage.objects.get(lists="alert").get_children().live().count() == 1
    assert operator.get(add_url("newspage", "news")).status_code in {302, 403}
    assert operator.get(f"/admin/pages/{HomePage.objects.get().pk}/edit/").status_code in {302, 403}


def picture(kind: str = "PNG") -> SimpleUploadedFile:
    data = io.BytesIO()
    Picture.new("RGB", (8, 8), "white").save(data, kind)
    return SimpleUploadedFile(f"p.{kind.lower()}", data.getvalue())


def upload(client: Client, **fields: Any) -> Any:
    collection = get_image_model()._meta.get_field("collection").remote_field.model.get_first_root_node()
    return client.post("/admin/images/add/", {"title": "花", "collection": collection.pk, **fields})


# Wagtail leaves the file of a drawn picture to the collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")
def test_an_editor_uploads_a_picture_with_a_text_in_its_place_in_a_safe_format(
    client: Client, settings: Any, tmp_path: Any
) -> None:
    settings.MEDIA_ROOT = tmp_path
    editor = cast.sign_in(client, cast.editor())
    refused = upload(editor, file=picture())
    assert refused.context["form"].errors["description"]
    svg = SimpleUploadedFile("x.svg", b'<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>')
    assert upload(editor, file=svg, description="花").context["form"].errors["file"]
    bad = SimpleUploadedFile("x.png", b"no picture")
    assert upload(editor, file=bad, description="花").context["form"].errors["file"]
    assert not get_image_model().objects.exists()
    assert upload(editor, file=picture(), description="白い花").status_code == 302
    image = get_image_model().objects.get()
    body = [("picture", {"image": image, "alt": "白い花", "caption": ""})]
    page = publish("news", "flowers", now=timezone.now(), body=body)
    html = client.get(page.url).content.decode()
    assert 'alt="白い花"' in html
    operator = cast.sign_in(cast.portal_client(), cast.operator())
    assert upload(operator, file=picture(), description="x").status_code in {302, 403}
    assert get_image_model().objects.count() == 1
