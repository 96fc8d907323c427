"""Answers for machines and scripts: schemas, key set, approved manifests, one card as a fragment."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from gadgets import queries, words
from gadgets.cards import fetch, prefetch, signing
from gadgets.errors import NoCardError
from gadgets.protocol.wire import schema_bytes
from gadgets.types import GadgetInfo, StoredCard, Unavailable
from identity import queries as identity_queries
from identity.household import authority
from identity.queries import Bundle

SCHEMAS = ("manifest-1.0", "card-1.0", "event-answer-1.0", "package-1.0", "feed-1.0")


@require_safe
def schema(_request: HttpRequest, name: str) -> HttpResponse:
    """A published JSON Schema: manifest, card, answer to an event."""
    if name not in SCHEMAS:
        raise Http404
    response = HttpResponse(schema_bytes(name), content_type="application/schema+json")
    response["Access-Control-Allow-Origin"] = "*"
    response["Cache-Control"] = "public, max-age=3600"
    return response


@require_safe
def jwks(_request: HttpRequest) -> HttpResponse:
    """The keys with which providers verify our tokens."""
    response = JsonResponse(signing.jwks())
    response["Access-Control-Allow-Origin"] = "*"
    response["Cache-Control"] = "public, max-age=300"
    return response


@require_safe
def manifest(_request: HttpRequest, gadget_id: str) -> HttpResponse:
    """The approved bytes of a published gadget."""
    raw = queries.approved_manifest(gadget_id)
    if raw is None:
        raise Http404
    return HttpResponse(raw, content_type="application/json")


@dataclass(frozen=True, slots=True)
class FrameView:
    """What `gadgets/frame.html` draws: one of `stored` and `unavailable`, or neither for a gadget without card."""

    gadget: GadgetInfo
    stored: StoredCard | None
    unavailable: Unavailable | None
    public_form: bool
    now: datetime
    too_few: tuple[str, ...] = ()
    fell_back: bool = False
    """The reader's own card could not be had; this is the one that everybody sees."""

    @property
    def withheld(self) -> str:
        """Why less than what was granted is used, in words; empty when nothing is left out."""
        if self.fell_back:
            return _("あなた向けの内容は、いま取得できません。だれでも見られる内容を表示しています。")
        return words.withheld(self.too_few, public_form=self.public_form)

    @property
    def paused(self) -> str:
        """That the service pauses and until when; empty when it does not."""
        return words.paused(self.gadget.pause(self.now), self.now)

    @property
    def status(self) -> str:
        """`current`, `old` or `not_available`."""
        return self.stored.status(self.now) if self.stored else "not_available"

    @property
    def as_of(self) -> str:
        return words.as_of(self.stored, self.now) if self.stored else ""

    @property
    def source(self) -> str:
        return words.source(self.stored) if self.stored else ""


def frame_for(
    gadget: GadgetInfo,
    *,
    bundle: Bundle | None,
    locale: str,
    size: str = "",
    chosen: dict[str, object] | None = None,
) -> FrameView:
    """Asks for the card as this reader may have it; over after the time that a person waits."""
    wanted = fetch.wanted_for(
        gadget,
        bundle=bundle,
        locale=locale,
        size=size or gadget.sizes[0],
        settings=chosen or {},
        cells=queries.registry().cells,
    )
    found: StoredCard | Unavailable
    if not gadget.has_card:
        found = Unavailable(NoCardError.code, NoCardError.message, NoCardError.retry)
    else:
        found = fetch.refresh(wanted, deadline=fetch.PERSON_WAITS)
        prefetch.note(wanted)
    public = fetch.public_of(wanted) if gadget.has_card else None
    held = None
    if public is not None:
        prefetch.note(public)  # it is there when the reader's own is not
        held = fetch.cached(public) if isinstance(found, Unavailable) else None
    if held is not None:
        found = held
    return FrameView(
        gadget=gadget,
        stored=found if isinstance(found, StoredCard) else None,
        unavailable=found if isinstance(found, Unavailable) else None,
        public_form=wanted.public_form or held is not None,
        now=timezone.now(),
        too_few=wanted.too_few,
        fell_back=held is not None,
    )


@require_safe
@never_cache
def card_fragment(request: HttpRequest, gadget_id: str) -> HttpResponse:
    """One card with its status line, for the page's script; `?locale=` and `?size=` as the page has them.

    A guest gets the public form. The answer is 200 also when there is no card: it then says so in words.
    """
    locale = request.GET.get("locale", "")
    if locale not in dict(settings.LANGUAGES):
        locale = words.locale()
    resident_id = authority.subject(request)
    bundle = identity_queries.bundle(resident_id) if resident_id else None
    placed = queries.placement(resident_id, gadget_id) if resident_id else None
    size = request.GET.get("size", "") or (placed.size if placed else "")
    chosen = queries.registry().choose(gadget_id, bundle, timezone.now())
    if chosen is None:
        raise Http404
    with translation.override(locale):
        view = frame_for(
            chosen.shown,
            bundle=bundle,
            locale=locale,
            size=size,
            chosen=dict(placed.settings) if placed else {},
        )
        response = render(request, "gadgets/frame.html", {"view": view})
    response["Content-Language"] = "en" if locale == "en" else "ja"
    return response
