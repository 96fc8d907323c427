"""Pages for residents: a gadget's own page, adding and removing, arranging the home."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings as django_settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from core.forms.form_pages import posts
from core.markup import html_id
from gadgets import actions, hooks, queries, words
from gadgets.errors import BadSettingError, GadgetError
from gadgets.layout import layout
from gadgets.layout.layout import DIRECTIONS, Arranged
from gadgets.operation import rollout
from gadgets.types import ClaimSpec, GadgetInfo, Setting, SettingSpec, choice_key
from gadgets.views import FrameView, frame_for
from gadgets.web import actor, back, for_subject, refused
from identity import queries as identity_queries
from identity.household import authority
from identity.queries import Bundle

STATUS = {"granted": "granted", "refused": "refused", "withdrawn": "refused"}


@dataclass(frozen=True, slots=True)
class Row:
    """A gadget in a list, and whether it is on the reader's home."""

    gadget: GadgetInfo
    on_home: bool
    arranged: Arranged | None = None

    @property
    def title(self) -> str:
        return words.pick(self.gadget.title)


@dataclass(frozen=True, slots=True)
class ClaimRow:
    """One attribute that a gadget asks for; `decision` is granted, refused or empty."""

    claim: ClaimSpec
    decision: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One choice of a setting: its name in the form, its label for the reader, whether it holds now."""

    key: str
    label: str
    chosen: bool


def _choice_label(spec: SettingSpec, choice: Setting) -> str:
    key = choice_key(choice)
    if key in spec.labels:
        return words.pick(spec.labels[key])
    if isinstance(choice, bool):
        return _("はい") if choice else _("いいえ")
    return key


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One field of the settings form, with the value that holds now."""

    spec: SettingSpec
    value: Setting

    @property
    def choices(self) -> list[Choice]:
        """The choices of an enum by what the reader calls them; the code only where nothing else is known."""
        return [
            Choice(
                choice_key(it),
                _choice_label(self.spec, it),
                it == self.value and type(it) is type(self.value),
            )
            for it in self.spec.choices
        ]


def _arranged(resident_id: UUID | None) -> tuple[Arranged, ...]:
    placements = queries.layout(resident_id) if resident_id else ()
    return layout.arrange(hooks.registered().default_slots(), placements)


def _on_home(resident_id: UUID | None) -> Mapping[str, Arranged]:
    return {it.gadget_id: it for it in _arranged(resident_id) if not it.hidden}


@require_safe
def page(request: HttpRequest, gadget_id: str) -> HttpResponse:
    """A gadget's own page: its card drawn by the server, what it may know, its settings, its provider."""
    resident_id = authority.subject(request)
    bundle = identity_queries.bundle(resident_id) if resident_id else None
    chosen = queries.registry().choose(gadget_id, bundle, timezone.now())
    if chosen is None:
        return ended(request, gadget_id)
    gadget, asks = chosen.shown, chosen.asks
    placed = queries.placement(resident_id, gadget_id) if resident_id else None
    view: FrameView = frame_for(
        gadget,
        bundle=bundle,
        locale=words.locale(),
        size=gadget.sizes[-1],
        chosen=dict(placed.settings) if placed else {},
    )
    at_home = _on_home(resident_id).get(gadget_id)
    context = {
        "view": view,
        "gadget": gadget,
        "resident": resident_id is not None,
        "placed": at_home,
        "asks": asks,
        "claims": _claims(asks, bundle),
        "local_only": _is_foreign(gadget, bundle),
        "to_ask": bundle is not None
        and not bundle.protected
        and any(not row.decision for row in _claims(asks, bundle)),
        "consent_url": f"{reverse('mydata:consent', args=[gadget.id])}?{urlencode({'next': f'{request.path}#card'})}",
        "settings_form": _settings_form(gadget, placed.settings if placed else {}) if at_home else (),
        "sizes": gadget.sizes,
    }
    return render(request, "gadgets/page.html", context)


def ended(request: HttpRequest, gadget_id: str) -> HttpResponse:
    """The page of a gadget that is over: that it was there, and until when."""
    ended = queries.ended([gadget_id]).get(gadget_id)
    if ended is None:
        raise Http404
    return render(request, "gadgets/ended.html", {"ended": ended}, status=HTTPStatus.GONE)


def _is_foreign(gadget: GadgetInfo, bundle: Bundle | None) -> bool:
    """Whether the reader comes from a neighbouring region that this gadget is not for."""
    return bundle is not None and not gadget.serves(bundle.home_region)


def _published(gadget_id: str) -> GadgetInfo:
    gadget = queries.registry().gadgets.get(gadget_id)
    if gadget is None:
        raise Http404
    return gadget


def _claims(gadget: GadgetInfo, bundle: Bundle | None) -> list[ClaimRow]:
    """What was granted under older terms counts as not asked yet."""
    decided = bundle.decided.get(gadget.id, {}) if bundle else {}
    again = rollout.outdated(gadget, bundle) if bundle else ()
    return [
        ClaimRow(claim, "" if claim in again else STATUS.get(decided.get(claim.name, ""), ""))
        for claim in gadget.claims
    ]


def _settings_form(gadget: GadgetInfo, chosen: Mapping[str, Setting]) -> list[SettingRow]:
    return [SettingRow(spec, chosen.get(spec.name, spec.default)) for spec in gadget.settings]


@posts("gadgets:page")
@for_subject
def add(request: HttpRequest, resident_id: UUID, gadget_id: str) -> HttpResponse:
    """Puts the gadget on the home."""
    return _change(
        request,
        gadget_id,
        lambda: actions.place(
            resident_id=resident_id,
            gadget_id=gadget_id,
            by=actor(request),
            slots=hooks.registered().default_slots(),
        ),
        _("「%(title)s」をホームに追加しました。"),
    )


@posts("gadgets:page")
@for_subject
def remove(request: HttpRequest, resident_id: UUID, gadget_id: str) -> HttpResponse:
    """Takes the gadget off the home."""
    return _change(
        request,
        gadget_id,
        lambda: actions.unplace(
            resident_id=resident_id,
            gadget_id=gadget_id,
            by=actor(request),
            slots=hooks.registered().default_slots(),
        ),
        _("「%(title)s」をホームから外しました。"),
    )


@posts("gadgets:arrange")
@for_subject
def move(request: HttpRequest, resident_id: UUID, gadget_id: str) -> HttpResponse:
    """One step of the arranging page: `step` is up, down, first, hide or show."""
    step = request.POST.get("step", "")
    by, slots = actor(request), hooks.registered().default_slots()
    told = {
        "up": _("「%(title)s」を1つ上に移動しました。"),
        "down": _("「%(title)s」を1つ下に移動しました。"),
        "first": _("「%(title)s」を先頭に移動しました。"),
        "hide": _("「%(title)s」を隠しました。"),
        "show": _("「%(title)s」を表示します。"),
    }
    if step not in told:
        raise Http404

    def change() -> None:
        for direction in DIRECTIONS:
            if step == direction:
                actions.move(
                    resident_id=resident_id, gadget_id=gadget_id, direction=direction, by=by, slots=slots
                )
        if step in {"hide", "show"}:
            actions.hide(
                resident_id=resident_id, gadget_id=gadget_id, by=by, slots=slots, hidden=step == "hide"
            )

    return _change(request, gadget_id, change, told[step], anchor=f"g-{html_id(gadget_id)}")


@posts("gadgets:page")
@for_subject
def settings(request: HttpRequest, resident_id: UUID, gadget_id: str) -> HttpResponse:
    """Size and settings of one gadget on the home."""
    gadget = _published(gadget_id)

    def change() -> None:
        actions.configure(
            resident_id=resident_id,
            gadget_id=gadget_id,
            by=actor(request),
            slots=hooks.registered().default_slots(),
            size=request.POST.get("size", ""),
            settings={
                spec.name: _typed(spec, request.POST.get(f"setting-{spec.name}")) for spec in gadget.settings
            },
        )

    return _change(request, gadget_id, change, _("「%(title)s」の設定を保存しました。"))


def _typed(spec: SettingSpec, raw: str | None) -> Setting:
    """What a form field means: its text is matched with what the gadget declares."""
    if spec.kind == "boolean":
        return raw == "on"
    if spec.kind == "integer":
        if raw is None or re.fullmatch(r"-?[0-9]{1,18}", raw) is None:
            raise BadSettingError
        return int(raw)
    if spec.kind == "enum":
        for choice in spec.choices:
            if choice_key(choice) == raw:
                return choice
        raise BadSettingError
    return raw or ""


def _change(
    request: HttpRequest, gadget_id: str, change: Callable[[], None], told: str, anchor: str = ""
) -> HttpResponseRedirect:
    gadget = queries.registry().gadgets.get(gadget_id)
    fallback = reverse("gadgets:page", args=[gadget_id]) if gadget else reverse("gadgets:catalogue")
    try:
        change()
    except GadgetError as error:
        refused(request, error)
    else:
        messages.success(request, told % {"title": words.pick(gadget.title) if gadget else gadget_id})
    # Back to the card in the list, or to the part of the gadget's own page that the form stands in.
    return back(
        request, fallback, anchor or (f"g-{html_id(gadget_id)}" if request.POST.get("next") else "on-home")
    )


@require_safe
@for_subject
def arrange(request: HttpRequest, resident_id: UUID) -> HttpResponse:
    """The home's gadgets as a list with buttons: up, down, to the top, hide."""
    gadgets = queries.registry().gadgets
    rows = [
        Row(gadgets[it.gadget_id], not it.hidden, it)
        for it in _arranged(resident_id)
        if it.gadget_id in gadgets
    ]
    return render(request, "gadgets/arrange.html", {"rows": rows, "demo": django_settings.DEMO})
