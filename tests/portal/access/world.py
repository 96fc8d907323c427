"""One thing of each kind that an address can name, and seven people who ask for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from urllib.parse import urlsplit

from django.conf import settings
from django.test import Client
from wagtail.images.models import Image
from wagtail.images.tests.utils import get_test_image_file
from wagtail.models import Page

from core.region import theme
from gadgets import actions as gadget_actions
from gadgets.cards import signing
from gadgets.models import Gadget, Region
from identity.household import guardianships
from identity.models import Guardianship, Resident
from tests import cast
from tests.portal.access import table
from tests.portal.content.pages import publish as publish_page
from tests.portal.mydata.conftest import WASTE
from tests.portal.mydata.conftest import publish as publish_gadget

NOBODY_LISTENS = "http://portal.neighbour.localhost:9"


@dataclass(frozen=True)
class World:
    people: Mapping[str, Resident]
    arguments: Mapping[str, str]

    def on_the_portal(self) -> dict[str, Client]:
        clients = {}
        for principal in table.PRINCIPALS:
            client = cast.portal_client()
            client.raise_request_exception = False
            if principal != table.GUEST:
                cast.sign_in(client, self.people[principal])
            clients[principal] = client
        end(clients[table.ENDED], settings.SESSION_COOKIE_NAME)
        return clients

    def at_the_id(self) -> dict[str, Client]:
        """With the embedded ID's own session, which is another cookie on another host."""
        clients = {}
        for principal in table.PRINCIPALS:
            client = Client(raise_request_exception=False, HTTP_HOST=urlsplit(settings.ID_URL).netloc)
            if principal != table.GUEST:
                client.force_login(
                    self.people[principal], backend="allauth.account.auth_backends.AuthenticationBackend"
                )
                client.cookies[settings.ID_SESSION_COOKIE_NAME] = client.cookies.pop(
                    settings.SESSION_COOKIE_NAME
                ).value
            clients[principal] = client
        end(clients[table.ENDED], settings.ID_SESSION_COOKIE_NAME)
        return clients


def end(client: Client, cookie: str) -> None:
    """The session is deleted where it is kept; the browser still sends its cookie."""
    key = client.cookies[cookie].value
    import_module(settings.SESSION_ENGINE).SessionStore(session_key=key).delete()


def make(now: datetime) -> World:
    people = {
        table.RESIDENT: cast.hanako(), table.PROVIDER: cast.wasteco(), table.EDITOR: cast.editor(),
        table.OPERATOR: cast.operator(), table.AUDITOR: cast.auditor(), table.ENDED: cast.linh(),
    }  # fmt: skip
    organisation = gadget_actions.create_organisation(
        name="WasteCo", kind="company", contact="help@waste.example", by=cast.as_actor(people[table.PROVIDER])
    )
    publish_gadget()
    Gadget.objects.update(provider_id=organisation)
    page = publish_page("news", "bins", now=now)
    return World(people, arguments(people, page, organisation))


def arguments(people: Mapping[str, Resident], page: Page, organisation: int) -> dict[str, str]:
    """By a parameter's name, or by the beginning of the addresses that it stands in."""
    hanako, taro = people[table.RESIDENT], cast.taro()
    code = guardianships.make_code(ward=taro.pk, by=cast.as_actor(taro))
    guardianships.redeem(guardian=hanako.pk, code=code, by=cast.as_actor(hanako))
    image = Image.objects.create(title="ごみ箱", file=get_test_image_file())
    Region.objects.create(
        code="neighbour", name={"ja": "隣の市"}, portal_url=NOBODY_LISTENS, keys=signing.jwks()
    )
    parent, revision = str(page.get_parent().pk), page.save_revision()
    return {
        "<page>": "news/bins/", "<rest>": "unknown/", "<pk>": "1", "<id>": "1",
        # the portal's own
        "<client_id>": f"gadget-{WASTE}", "/schemas/<name>": "card-1.0", "<gadget_id>": WASTE, "<signed>": "unsigned",
        "<name>": "report", "<digest>": theme.digest(), "<guardianship>": str(Guardianship.objects.get().pk), "<code>": "neighbour",
        "<redirect_id>": "1", "<number>": "1", "<token>": "token", "<item>": f"p{page.pk}", "<recipient>": WASTE, "<device>": "1",
        "<ward>": str(taro.pk), "<reference>": "AAAA-AAAA-AAAA-AAAA", "<month>": "2026-09",
        "<contract_id>": "1", "<provider_id>": str(organisation),
        # Wagtail's
        "<page_id>": str(page.pk), "<parent_page_id>": parent, "<page_to_move_id>": str(page.pk),
        "<destination_id>": parent, "/admin/pages/<page>": str(page.pk), "/admin/pages/<pk>": str(page.pk), "/admin/api/main/pages/<pk>": str(page.pk),
        "<revision_id>": str(revision.pk), "<revision_id_a>": "live", "<revision_id_b>": "latest",
        "<content_type_app_name>": "content", "<content_type_model_name>": "newspage", "<app_label>": "content",
        "<model_name>": "newspage", "<action>": "publish", "<action_name>": "approve", "<task_state_id>": "1",
        "<task_id>": "1", "<workflow_state_id>": "1", "<page_pk>": str(page.pk), "<workflow_pk>": "1",
        "<app_name>": "content", "<model>": "newspage", "<object_id>": str(page.pk), "<session_id>": "1",
        "/admin/images/<image_id>": str(image.pk), "<filter_spec>": "width-100", "<uploaded_file_id>": "1",
        "/admin/images/<pk>": str(image.pk), "<collection_id>": "1", "<document_id>": "1", "<doc_id>": "1",
        "<uidb64>": "MQ", "/admin/password_reset/<token>": "token", "<slug>": "bins",
        "/admin/users/<pk>": str(hanako.pk),
    }  # fmt: skip
