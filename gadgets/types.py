"""The words of gadgets that cross package borders: a published gadget, what a page wants, a stored card."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit
from uuid import UUID

from core.texts import Texts

if TYPE_CHECKING:
    from identity.domain.audience import Audience

Value = str | bool | tuple[str, ...]
Setting = str | bool | int
Level = Literal["none", "audience", "pairwise"]
LEVELS: tuple[Level, ...] = ("none", "audience", "pairwise")


@dataclass(frozen=True, slots=True)
class ClaimSpec:
    """One attribute that a gadget asks for: its key, how much it is needed, why, and how long it is kept."""

    name: str
    need: Literal["required", "optional"]
    purpose: Texts
    retention: str
    terms: str = ""
    """The version of the gadget since which it is asked for in this way; a grant under older terms is asked anew."""

    @property
    def required(self) -> bool:
        return self.need == "required"


@dataclass(frozen=True, slots=True)
class SettingSpec:
    """One field of a gadget's settings; the portal draws the form from it.

    `choices` for an enum, `minimum`/`maximum` for an integer, `max_length` for a string.
    """

    name: str
    kind: Literal["enum", "boolean", "integer", "string"]
    default: Setting
    title: Texts
    choices: tuple[Setting, ...] = ()
    minimum: int = 0
    maximum: int = 0
    max_length: int = 0
    labels: Mapping[str, Texts] = field(default_factory=dict)
    """What a resident reads for a choice, by the choice as text (`choice_key`)."""

    def accepts(self, value: object) -> bool:
        if self.kind == "boolean":
            return isinstance(value, bool)
        if self.kind == "integer":
            return (
                isinstance(value, int)
                and not isinstance(value, bool)
                and self.minimum <= value <= self.maximum
            )
        if self.kind == "string":
            return isinstance(value, str) and len(value) <= self.max_length and "\0" not in value
        return any(type(value) is type(choice) and value == choice for choice in self.choices)


def choice_key(choice: Setting) -> str:
    """A choice as text, as JSON writes it: a form field and the labels name it so."""
    return str(choice).lower() if isinstance(choice, bool) else str(choice)


def clean_settings(specs: tuple[SettingSpec, ...], raw: Mapping[str, object] | None) -> dict[str, Setting]:
    """Every declared setting with a valid value: the given one, else the default; nothing undeclared."""
    given = raw or {}
    cleaned: dict[str, Setting] = {}
    for spec in specs:
        value = given.get(spec.name)
        cleaned[spec.name] = value if spec.accepts(value) else spec.default  # type: ignore[assignment]
    return cleaned


@dataclass(frozen=True, slots=True)
class DataSpec:
    """Entities that a gadget reads from the City OS. `near`: the claim whose place the nearest are chosen by."""

    name: str
    type: str
    attrs: tuple[str, ...]
    need: Literal["required", "optional"]
    purpose: Texts
    near: str = ""
    most: int = 1


@dataclass(frozen=True, slots=True)
class Offer:
    """Entities that a provider publishes to the City OS."""

    type: str
    attrs: tuple[str, ...]
    licence: str
    description: Texts = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FrameSpec:
    """A page of the provider's in a frame; heights in CSS pixels, the rest origins and permissions by name."""

    src: str
    connect: tuple[str, ...]
    img: tuple[str, ...]
    font: tuple[str, ...]
    permissions: tuple[str, ...]
    min_height: int
    max_height: int


@dataclass(frozen=True, slots=True)
class Pause:
    """A planned maintenance window: from `starts_at` until before `ends_at`; `note` is the provider's sentence."""

    starts_at: datetime
    ends_at: datetime
    note: Texts = field(default_factory=dict)

    def seconds_left(self, now: datetime) -> int:
        return max(1, ceil((self.ends_at - now).total_seconds()))


@dataclass(frozen=True, slots=True)
class News:
    """What residents are asked about again since `version`: each sentence with its claim ("": all of them)."""

    version: str
    changes: tuple[tuple[str, Texts], ...]


@dataclass(frozen=True, slots=True)
class GadgetInfo:
    """A published gadget, as the rest of the portal sees it. Times in seconds."""

    id: str
    version: str
    kind: str
    identity: Level
    title: Texts
    summary: Texts
    provider_name: str
    provider_privacy: str
    category: str
    claims: tuple[ClaimSpec, ...]
    sizes: tuple[str, ...]
    card_url: str | None
    login_url: str | None
    max_age: int
    stale: int
    link_origins: tuple[str, ...]
    client_id: str | None
    audience: "Audience"
    topics: tuple[str, ...]
    published_at: datetime
    settings: tuple[SettingSpec, ...] = ()
    regions: tuple[str, ...] = ("*",)
    action_url: str | None = None
    frame: FrameSpec | None = None
    data: tuple[DataSpec, ...] = ()
    provides: tuple[Offer, ...] = ()
    may_alert: bool = False
    template: Mapping[str, Any] | None = None
    pauses: tuple[Pause, ...] = ()
    news: tuple[News, ...] = ()
    retires_at: datetime | None = None
    retire_note: str = ""

    @property
    def own_origin(self) -> str:
        """Where its provider answers; empty for a gadget that has no provider's server."""
        parts = urlsplit(self.card_url or self.login_url or "")
        return f"{parts.scheme}://{parts.netloc}".lower() if parts.netloc else ""

    def pause(self, now: datetime) -> Pause | None:
        """The planned pause in which it is now: nobody calls it, and its failures count for nothing."""
        return next((one for one in self.pauses if one.starts_at <= now < one.ends_at), None)

    @property
    def has_card(self) -> bool:
        """Whether the portal can draw a card for it: the provider's, or one of the City OS."""
        return self.card_url is not None or self.template is not None

    def serves(self, home_region: str) -> bool:
        """Whether a resident from there may use it; "" is this region, whose gadgets are all for its residents."""
        return not home_region or "*" in self.regions or home_region in self.regions

    @property
    def declared(self) -> tuple[str, ...]:
        return tuple(claim.name for claim in self.claims)


@dataclass(frozen=True, slots=True)
class Source:
    """Who published the data, under which licence."""

    publisher: str
    licence: str
    url: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """One card as one reader wants it. `level` is what is really used: a public form is `none`.

    `resident_id` is there for reading the consent again before sending; only `pairwise` keys hold it.
    """

    gadget: GadgetInfo
    size: str
    locale: str
    settings: Mapping[str, Setting] = field(default_factory=dict)
    granted: tuple[str, ...] = ()
    claims: Mapping[str, Value] = field(default_factory=dict)
    resident_id: UUID | None = None
    consent_version: int = 0
    too_few: tuple[str, ...] = ()
    """Granted claims that are left out because too few residents share them."""
    cells: Mapping[str, int] | None = field(default=None, repr=False, compare=False)
    """The cells by which this was decided; whoever reads the consent again uses the same."""

    @property
    def level(self) -> Level:
        return self.gadget.identity if self.granted else "none"

    @property
    def public_form(self) -> bool:
        """Nothing about the resident is used, though the gadget could use something."""
        return self.gadget.identity != "none" and not self.granted


@dataclass(frozen=True, slots=True)
class StoredCard:
    """A card drawn once. Fresh until `fresh_until`; may be shown as old until `stale_until`.

    `html` is what to show; `forms` are the same card drawn as current and, where that differs, as old: a
    card past its freshness must not call a value current. `dates` (ISO date or time, label, note) are those
    of its dates blocks, for a calendar.
    """

    html: str
    summary: str
    fetched_at: datetime
    fresh_until: datetime
    stale_until: datetime
    observed_at: datetime
    source: Source
    valid_until: datetime | None = None
    etag: str = ""
    forms: tuple[str, str] = ("", "")
    dates: tuple[tuple[str, str, str], ...] = ()
    inputs: tuple[Mapping[str, Any], ...] = ()
    """The forms and submits of the card, as the provider sent them (`gadgets.protocol.forms.read`)."""

    def status(self, now: datetime) -> Literal["current", "old"]:
        """What the frame says of the card: past its own `valid_until`, or past its freshness, it is old."""
        if now >= self.fresh_until or (self.valid_until is not None and now >= self.valid_until):
            return "old"
        return "current"

    def wants_refresh(self, now: datetime) -> bool:
        return now >= self.fresh_until


@dataclass(frozen=True, slots=True)
class Unavailable:
    """No card can be shown now: a sentence for the resident, the place and the remedy for the provider."""

    code: str
    message: str
    retry: bool
    provider_message: str = ""
    seconds: int = 0
    """After so many seconds asking again can help; 0 where nobody can know."""


@dataclass(frozen=True, slots=True)
class FetchOutcome:
    """What one fetch came to, for the provider's own figures; nothing about a resident."""

    gadget_id: str
    version: str
    ok: bool
    code: str
    detail: str
    seconds: float
    at: datetime


def content_hash(raw: bytes) -> str:
    """The pin of an approved manifest: SHA-256, base64url without padding."""
    return base64.urlsafe_b64encode(hashlib.sha256(raw).digest()).rstrip(b"=").decode()


def plain(value: Value) -> str | bool | list[str]:
    """A claim's value as JSON holds it."""
    return list(value) if isinstance(value, tuple) else value


def canonical(value: object) -> str:
    """JSON that is the same for equal values: the ground of hashes and cache keys."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
