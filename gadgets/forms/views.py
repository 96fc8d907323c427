"""The page of a form that a card asks a resident to fill in: drawn, checked, sent, and what went wrong in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from core.sentences import sentence
from gadgets import queries, words
from gadgets.cards import fetch
from gadgets.errors import (
    CardError,
    DoorError,
    FormChangedError,
    FormGoneError,
    FormRefusedError,
    GadgetBusyError,
    GadgetError,
    NotGrantedError,
)
from gadgets.forms import submission
from gadgets.protocol import forms
from gadgets.protocol.forms import FieldFault, FieldSpec, FormSpec
from gadgets.protocol.text import paragraphs
from gadgets.types import Wanted
from gadgets.web import for_subject, retry_after
from identity import queries as identity_queries

PREFIX = "f-"


@dataclass(frozen=True, slots=True)
class Row:
    """One field with what was typed and what is wrong with it."""

    spec: FieldSpec
    value: str
    fault: str

    @property
    def name(self) -> str:
        return f"{PREFIX}{self.spec.name}"

    @property
    def hint(self) -> str:
        return _hint(self.spec)

    @property
    def described_by(self) -> str:
        parts = (("help", self.spec.help), ("hint", self.hint), ("error", self.fault))
        return " ".join(f"{self.name}-{part}" for part, there in parts if there)


def _hint(field: FieldSpec) -> str:
    """The limits of a field, said before they are broken."""
    if field.kind == "text":
        return _("%(limit)s文字まで") % {"limit": field.max_length}
    if field.kind == "number":
        return _("%(low)sから%(high)sまで") % {
            "low": forms.shown(field.minimum),
            "high": forms.shown(field.maximum),
        }
    return ""


def _fault_words(found: FieldFault) -> str:
    return {
        "missing": _("入力してください。"),
        "too_long": _("%(limit)s文字以内にしてください。"),
        "no_number": _("数字で入力してください。"),
        "not_whole": _("小数点のない数字で入力してください。"),
        "too_small": _("%(limit)s以上にしてください。"),
        "too_large": _("%(limit)s以下にしてください。"),
        "no_choice": _("一つ選んでください。"),
        "no_date": _("日付を確かめてください。"),
        "too_early": _("%(limit)s以降の日にしてください。"),
        "too_late": _("%(limit)s以前の日にしてください。"),
        "bad_text": _("使えない文字が含まれています。"),
    }[found.fault] % {"limit": found.limit}


def error_words(error: GadgetError) -> str:
    """What happened to what was typed: not sent, perhaps sent, or refused, and what to do now."""
    if isinstance(error, FormRefusedError) and error.reason:
        return _("提供者が受け付けませんでした。提供者からの説明: %(reason)s") % {"reason": error.reason}
    if may_have_arrived(error):
        return " ".join(
            (
                _arrived_words(error),
                _(
                    "届いていれば、提供者には、入力した内容と、このサービスだけで使うあなたの番号が伝わっています。名前や連絡先は伝わりません。"
                ),
            )
        )
    if isinstance(error, DoorError):
        return _(
            "提供者につながりませんでした。何も送っていません。しばらくしてから、もう一度お試しください。"
        )
    return sentence(error)


def may_have_arrived(error: GadgetError | None) -> bool:
    """Whether the provider may have what was typed, although nobody knows what became of it."""
    return isinstance(error, CardError) or (isinstance(error, DoorError) and error.sent)


def _arrived_words(error: GadgetError) -> str:
    if isinstance(error, CardError):
        return _(
            "提供者に届きましたが、返事に誤りがあり、結果を確かめられません。"
            "もう一度送っても、二重にはなりません。"
        )
    return _(
        "提供者からの返事を確かめられませんでした。届いたかどうか分かりません。"
        "もう一度送っても、二重にはなりません。"
    )


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@for_subject
def form(request: HttpRequest, resident_id: UUID, gadget_id: str, name: str) -> HttpResponse:
    """Draws the form; a POST checks it, sends it and leads back to the gadget's page with its new card."""
    bundle = identity_queries.bundle(resident_id)
    chosen = queries.registry().choose(gadget_id, bundle, timezone.now())
    if chosen is None or chosen.shown.action_url is None:
        raise Http404
    gadget = chosen.shown
    placed = queries.placement(resident_id, gadget_id)
    wanted = fetch.wanted_for(
        gadget,
        bundle=bundle,
        locale=words.locale(),
        size=request.GET.get("size", "") or (placed.size if placed else ""),
        settings=dict(placed.settings) if placed else {},
        cells=queries.registry().cells,
    )
    page = _Page(request, resident_id, wanted, name)
    return page.posted() if request.method == "POST" else page.asked()


class _Page:
    """One request for the page of a form."""

    def __init__(self, request: HttpRequest, resident_id: UUID, wanted: Wanted, name: str) -> None:
        self.request, self.resident_id, self.wanted, self.name = request, resident_id, wanted, name
        self.gadget = wanted.gadget

    def asked(self) -> HttpResponse:
        found = submission.opened(self.wanted, self.name)
        if found.spec is None:
            return self.draw(None, {}, error=found.error)
        sealed = submission.seal(self.gadget.id, self.resident_id, found.raw)
        first = {field.name: field.value for field in found.spec.fields}
        return self.draw(found.spec, first, sealed=sealed, key=uuid4().hex)

    def posted(self) -> HttpResponse:
        sealed = self.request.POST.get("form", "")
        drawn = submission.unseal(self.gadget.id, self.resident_id, sealed)
        if drawn is None or drawn.name != self.name:
            messages.error(self.request, _("入力の画面が古くなっています。もう一度入力してください。"))
            return HttpResponseRedirect(self.request.get_full_path())
        typed = {field.name: self.request.POST.get(PREFIX + field.name, "") for field in drawn.fields}
        key = self.request.POST.get("key", "")[:64] or uuid4().hex
        values, faults = forms.check(drawn, typed)
        found = submission.opened(self.wanted, self.name, again=True)
        same = found.spec is not None and found.spec.digest == drawn.digest
        if not same and not faults and self.sent_before(drawn, values, key):
            return self.told()
        if found.spec is None:
            return self.draw(drawn, typed, sealed=sealed, key=key, error=found.error)
        if not same:
            sealed = submission.seal(self.gadget.id, self.resident_id, found.raw)
            return self.draw(found.spec, typed, sealed=sealed, key=key, error=FormChangedError())
        if faults:
            return self.draw(drawn, typed, sealed=sealed, key=key, faults=faults)
        try:
            submission.send(wanted=self.wanted, spec=drawn, values=values, key=key)
        except GadgetError as error:
            return self.draw(drawn, typed, sealed=sealed, key=key, error=error)
        return self.told()

    def sent_before(self, drawn: FormSpec, values: Mapping[str, forms.Value], key: str) -> bool:
        try:
            return submission.sent_before(
                gadget_id=self.gadget.id, resident_id=self.resident_id, spec=drawn, values=values, key=key
            )
        except GadgetBusyError:
            return False

    def told(self) -> HttpResponse:
        sent = _("「%(name)s」に送りました。") % {"name": self.gadget.provider_name}
        messages.success(self.request, sent)
        return HttpResponseRedirect(f"{reverse('gadgets:page', args=[self.gadget.id])}#card")

    def draw(
        self,
        spec: FormSpec | None,
        typed: Mapping[str, str],
        *,
        sealed: str = "",
        key: str = "",
        faults: tuple[FieldFault, ...] = (),
        error: GadgetError | None = None,
    ) -> HttpResponse:
        wrong = {found.field.name: _fault_words(found) for found in faults}
        context = {
            "gadget": self.gadget,
            "spec": spec,
            "intro": [mark_safe(part) for part in paragraphs(spec.intro)] if spec else [],  # noqa: S308  cleaned there
            "rows": [
                Row(field, typed.get(field.name, ""), wrong.get(field.name, "")) for field in spec.fields
            ]
            if spec
            else [],
            "sealed": sealed,
            "key": key,
            "faulty": bool(faults),
            "problem": error_words(error) if error else "",
            "uncertain": may_have_arrived(error),
            "may_send": spec is not None and not isinstance(error, FormGoneError),
            "not_granted": isinstance(error, NotGrantedError),
            "told": self.wanted.granted,
        }
        status = 200 if self.request.method != "POST" else 422 if faults or error is None else _status(error)
        answer = render(self.request, "gadgets/form.html", context, status=status)
        return retry_after(answer, error.seconds if error else 0)


def _status(error: GadgetError) -> int:
    if isinstance(error, DoorError | CardError):
        return 502
    return 503 if error.retry and not isinstance(error, FormChangedError) else 409
