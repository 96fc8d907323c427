"""A world for the life of gadgets: the portal's key set on a port, real providers beside it, and steps by HTTP."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from examples.kit.config import read
from examples.kit.provider import Provider as ExampleProvider
from examples.kit.web import JSON, Response, Server, Site
from gadgets import actions, queries
from gadgets.cards import signing
from gadgets.models import CheckLine, CheckRun, StateNotice
from gadgets.models import Provider as Organisation
from gadgets.protocol.card import MEDIA_TYPE
from gadgets.providers import contacts
from gadgets.registration import check_runs
from identity.domain.roles import SYSTEM
from identity.models import Resident
from tests import cast
from tests.gadgets.crowd import gather
from tests.gadgets.providers import Answer, Handler, Provider, Seen, card_document, reply

Build = Callable[[Any], ExampleProvider]
PORTAL = "portal.region.localhost"
PRIVACY = "<!doctype html><title>BusCo</title><p>このサービスは、住民の情報を何も受け取りません。</p>"


@contextmanager
def key_server() -> Iterator[str]:
    """The portal's key set on a port of its own, for providers that verify tokens; yields its URL."""
    site = Site()
    site.route("GET", "/.well-known/jwks.json", lambda _: Response(json.dumps(signing.jwks()), 200, JSON))
    server = Server(site, 0)
    thread = server.start()
    try:
        yield f"http://{PORTAL}:{server.port}/.well-known/jwks.json"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


@contextmanager
def example(build: Build, name: str, **env: str) -> Iterator[ExampleProvider]:
    """One of the real example providers on a free port, verifying with the portal's keys."""
    with key_server() as key_url:
        probe = Server(Site(), 0)
        port = probe.port
        probe.server_close()
        config = read(
            {"PORT": str(port), "PORTAL_URL": settings.PORTAL_URL, "PORTAL_JWKS_URL": key_url} | env,
            default_port=port,
            name=name,
        )
        provider = build(config)
        server = Server(provider.site, port)
        thread = server.start()
        try:
            yield provider
        finally:
            server.shutdown()
            server.server_close()
            thread.join(5)
            for close in provider.on_close:
                close()
            provider.http.close()


class Careless:
    """A provider that verifies nothing; `document`, `listed` and `card` may be changed at any time."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        origin = provider.origin
        self.url = f"{origin}/gadget.json"
        self.id = "localhost.waste.bins"
        self.listed: Any = {"gadgets": [self.url]}
        self.document: dict[str, Any] = {
            "manifest": "1.0",
            "id": self.id,
            "version": "1.0.0",
            "provider": {
                "name": "BusCo",
                "type": "company",
                "privacy": f"{origin}/privacy",
                "support": "mailto:help@bus.example",
                "security": "mailto:sec@bus.example",
            },
            "title": {"ja": "ごみ箱", "en": "Bins"},
            "summary": {"ja": "ごみ箱の場所", "en": "Where the bins are"},
            "category": "environment",
            "kind": "card",
            "identity": "none",
            "sizes": ["S"],
            "endpoints": {"card": f"{origin}/g/card", "health": f"{origin}/g/health"},
            "claims": [],
            "data": [],
            "provides": [],
            "link_origins": [origin],
            "cache": {"max_age": 600, "stale": 600},
            "settings": {"type": "object", "properties": {}},
            "regions": ["*"],
        }
        self.card: Answer | Mapping[str, Any] = card_document()
        self.event: Answer = reply(b"", status=204)
        self.action: Answer = reply(b"", status=204)
        self.privacy: Answer = reply(PRIVACY.encode(), content_type="text/html; charset=utf-8")

    def pairwise(self, *, events: bool = True, login: bool = True) -> None:
        """Knows residents by a pseudonym, and is told of what happens to them; `login`: has a site of its own."""
        origin = self.provider.origin
        self.document["identity"] = "pairwise"
        if login:
            self.document["endpoints"]["login"] = f"{origin}/oidc/start"
        if events:
            self.document["endpoints"]["events"] = f"{origin}/g/events"
        self.document["claims"] = [
            {
                "name": name,
                "need": "optional",
                "retention": "P30D",
                "purpose": {"ja": "試験のため", "en": "For a test"},
            }
            for name in ("area.waste_zone", "age_band")
        ]

    def takes_forms(self) -> None:
        """Knows residents by a pseudonym, and takes what they fill in."""
        self.pairwise(events=False)
        self.document["endpoints"]["action"] = f"{self.provider.origin}/g/action"

    @property
    def posted(self) -> list[Seen]:
        """The forms that came."""
        return [seen for seen in self.provider.seen if seen.path == "/g/action"]

    @property
    def events(self) -> list[Seen]:
        """The requests that came to the endpoint of events."""
        return [seen for seen in self.provider.seen if seen.path == "/g/events"]

    def answer(self, handler: Handler) -> None:
        """By path; a card is answered to anybody."""
        documents = {"/.well-known/region-gadget.json": self.listed, "/gadget.json": self.document}
        if handler.path in documents:
            body = json.dumps(documents[handler.path], ensure_ascii=False).encode()
            reply(body, content_type="application/json")(handler)
        elif handler.path == "/g/events":
            self.event(handler)
        elif handler.path == "/g/action":
            self.action(handler)
        elif handler.path == "/privacy":
            self.privacy(handler)
        elif handler.path == "/g/card" and callable(self.card):
            self.card(handler)
        elif handler.path == "/g/card":
            reply(json.dumps(self.card, ensure_ascii=False).encode(), content_type=MEDIA_TYPE)(handler)
        else:
            reply(b"ok", content_type="text/plain")(handler)


@contextmanager
def careless() -> Iterator[Careless]:
    """A provider on a free port that accepts every token."""
    with Provider.running(reply(b"")) as provider:
        made = Careless(provider)
        provider.answer = made.answer
        yield made


class Desk:
    """One person's browser without scripts: posts forms and lets what waits for the commit happen."""

    def __init__(self, resident: Resident | None, capture: Any) -> None:
        self.resident = resident
        self._capture = capture
        self.client = Client(headers={"host": urlsplit(settings.PORTAL_URL).netloc})
        if resident is not None:
            cast.sign_in(self.client, resident)

    def get(self, url: str, /, **query: str) -> HttpResponse:
        return self.client.get(url, query)

    def post(self, url: str, /, **form: str) -> HttpResponse:
        """Posts and follows to the page that answers."""
        with self._capture(execute=True):
            return self.client.post(url, form, follow=True)

    def page(self, url: str, /, **query: str) -> str:
        """The HTML of a page that must be there."""
        answer = self.get(url, **query)
        assert answer.status_code == 200, f"{url}: {answer.status_code}"
        return answer.content.decode()

    # the provider's console

    def organisation(self, name: str = "BusCo") -> int:
        self.post(reverse("gadgets:create_organisation"), name=name, kind="company", contact="a@bus.example")
        made = Organisation.objects.get(name=name).pk
        proven(made)
        return made

    def register(self, url: str, organisation: int) -> HttpResponse:
        return self.post(reverse("gadgets:register"), url=url, provider=str(organisation))

    def step(self, gadget_id: str, step: str) -> HttpResponse:
        return self.post(reverse("gadgets:provider_step", args=[gadget_id]), step=step)

    def checks(self) -> None:
        """What the executor does behind the request."""
        with self._capture(execute=True):
            check_runs.run_waiting()

    # the operator's desk

    def decide(self, gadget_id: str, decision: str, reason: str = "") -> HttpResponse:
        return self.post(
            reverse("city_review_decide", args=[gadget_id]), decision=decision, reason=reason, verified="on"
        )


def proven(organisation: int) -> None:
    """The link in the mail was opened; the mail itself is not what the test is about."""
    StateNotice.objects.filter(provider_id=organisation, decision=contacts.PROOF).delete()
    Organisation.objects.filter(pk=organisation).update(contact_proved_at=timezone.now())


def passed(gadget_id: str) -> None:
    """A finished run without a fault, as if the checks had been run: for tests of what comes afterwards."""
    run = CheckRun.objects.get(version__gadget__gadget_id=gadget_id, state="waiting")
    CheckRun.objects.filter(pk=run.pk).update(state="running")
    CheckLine.objects.create(
        run=run, position=0, number=1, ok=True, title={"ja": "書き方"}, message={"ja": "正しい"}
    )
    actions.finish_checks(run_id=run.pk, ok=True)


def publish(url: str, capture: Any, *, name: str = "WasteCo") -> str:
    """A gadget that went through its life up to being published; returns its id."""
    member = Resident.objects.filter(username="wasteco").first() or cast.wasteco()
    by = cast.as_actor(member)
    with capture(execute=True):
        organisation = actions.create_organisation(
            name=name, kind="company", contact="a@waste.example", by=by
        )
        proven(organisation)
        gadget_id = actions.register(url=url, provider_id=organisation, by=by)
        passed(gadget_id)
        actions.submit(gadget_id=gadget_id, by=by)
        actions.approve(gadget_id=gadget_id, by=SYSTEM)
    with capture(execute=True):
        gather(queries.registry().gadgets[gadget_id])
    return gadget_id
