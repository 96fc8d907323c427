"""わたしのデータ, the family: children and represented adults, acting for them and coming back, sharing by a code."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from core.forms.form_pages import posts
from core.region_time import region_date
from core.sentences import sentence
from core.texts import pick
from identity import queries
from identity.domain.attributes import DISTRICTS, SCHOOL_YEARS
from identity.errors import ActingEnded, HouseholdProblem, IdentityError, NotAllowed
from identity.forms import kept
from identity.forms.sendings import sent_once
from identity.household import authority, guardianships
from identity.household.authority import ACTIVE, ASKED, CHILD, REFUSED, GuardianRow, WardRow
from identity.queries import Bundle
from portal.mydata.access import actor_of, fresh_required, own_account, resident_required

ASKED_BEFORE = "consent_asked"
"""In the session once somebody answered a question for consent; another person may be asked anew."""
FORM = "mydata/household_form.html"


@dataclass(frozen=True, slots=True)
class Line:
    """A guardianship in words; `until` is the last day on which it holds."""

    row: WardRow | GuardianRow
    basis: str
    state: str
    until: date | None


def _line(row: WardRow | GuardianRow) -> Line:
    return Line(row, basis_text(row.basis), _state_text(row), _until(row.ends_on))


def _until(ends_on: date | None) -> date | None:
    return ends_on - timedelta(days=1) if ends_on else None


def basis_text(basis: str) -> str:
    """Why somebody acts for somebody."""
    return _("子ども") if basis == CHILD else _("代わりに手続きをする大人")


def _state_text(row: WardRow | GuardianRow) -> str:
    if isinstance(row, GuardianRow):
        return _("代わりに見られます") if row.state == ACTIVE else _("申し込み中です")
    if row.state == REFUSED:
        return _refusal_text(row.reason)
    if row.state == ASKED:
        waits = {"operator": _("市の確認を待っています"), "ward": _("ご本人の返事を待っています")}
        return waits[row.waits_for]
    return _("代わりに見られます") if row.holds else _("いまは使えません。市の窓口にお問い合わせください。")


def _refusal_text(reason: str) -> str:
    return {
        "papers_missing": _("認められませんでした（書類が足りません）"),
        "not_entitled": _("認められませんでした（書類で確かめられませんでした）"),
        guardianships.DECLINED: _("ご本人が断りました"),
    }.get(reason, _("認められませんでした。市の窓口にお問い合わせください。"))


# --- the list, and for whom one acts -------------------------------------------------------------------------


@require_safe
@own_account
@resident_required
def overview(request: HttpRequest, bundle: Bundle) -> HttpResponse:
    """For whom the resident may act, who may act for them, and what waits for an answer."""
    context = {
        "wards": [_line(row) for row in authority.wards(bundle.id, timezone.now())],
        "guardians": [_line(row) for row in authority.guardians_of(bundle.id)],
    }
    return render(request, "mydata/household.html", context)


@never_cache
@posts("mydata:household")
def act(request: HttpRequest) -> HttpResponse:
    """Begins to act for a ward, or goes back to oneself (`back`)."""
    if queries.current_resident(request) is None:
        return kept.to_sign_in(request)
    request.session.pop(ASKED_BEFORE, None)
    if "back" in request.POST:
        authority.leave(request)
        messages.success(request, _("ご自分のページに戻りました。"))
        return HttpResponseRedirect(reverse("home:home"))
    try:
        authority.enter(request, _uuid(request.POST.get("ward", "")))
    except ActingEnded:
        messages.error(request, _("この方の代わりに見ることはできません。"))
        return HttpResponseRedirect(reverse("mydata:household"))
    return HttpResponseRedirect(reverse("home:home"))


def _uuid(raw: str) -> UUID:
    try:
        return UUID(raw)
    except ValueError as error:
        raise Http404 from error


# --- adding --------------------------------------------------------------------------------------------------


class NameForm(forms.Form):
    """How somebody without an account is to be called here."""

    name = forms.CharField(max_length=50, label_suffix="")

    def __init__(self, data: Mapping[str, Any] | None = None, **more: Any) -> None:
        super().__init__(data, label_suffix="", **more)
        self.fields["name"].label = _("呼び名")
        self.fields["name"].help_text = _("この画面で使う名前です。本名でなくてもかまいません。")
        self.fields["name"].error_messages["required"] = _("呼び名を入れてください。")


class ChildForm(NameForm):
    """A child: name, district, school year, and until when at the latest."""

    district = forms.ChoiceField(required=False)
    year = forms.ChoiceField(required=False)
    until = forms.ChoiceField(required=False)

    def __init__(
        self, data: Mapping[str, Any] | None = None, *, locale: str, today: date, **more: Any
    ) -> None:
        super().__init__(data, **more)
        none = ("", _("答えない"))
        choices = {
            "district": [none, *((code, pick(known.name, locale)) for code, known in DISTRICTS.items())],
            "year": [none, *((code, pick(texts, locale)) for code, texts in SCHOOL_YEARS.items())],
            "until": [
                ("", _("高校を終えるころまで（学年から自動で決めます）")),
                *((str(year), _("%(year)s年3月末") % {"year": year}) for year in _years(today)),
            ],
        }
        labels = {
            "district": _("お住まいの地区"),
            "year": _("学年"),
            "until": _("いつまで代わりに見ますか"),
        }
        for name, values in choices.items():
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)  # noqa: S101  (for the type checker)
            field.choices, field.label = values, labels[name]
            field.error_messages["invalid_choice"] = _("この項目は、一覧からえらんでください。")
        self.fields["until"].help_text = _("誕生日は聞きません。その日が来ると、自動で終わります。")

    def ends_on(self, today: date) -> date:
        """The day from which it holds no longer."""
        until = self.cleaned_data["until"]
        if until:
            return date(int(until), 4, 1)
        return authority.end_of_school(today, (self.cleaned_data["year"],))

    def values(self, language: str) -> dict[str, object]:
        """The child's own attributes."""
        year = self.cleaned_data["year"]
        return {
            "area.district": self.cleaned_data["district"],
            "household.school_years": (year,) if year else (),
            "language": language,
        }


def _years(today: date) -> range:
    """Years in which 1 April lies after today and not beyond what is allowed."""
    first = today.year if today < date(today.year, 4, 1) else today.year + 1
    latest = authority.latest_end(today)
    return range(first, latest.year + (latest >= date(latest.year, 4, 1)))


@require_http_methods(["GET", "HEAD", "POST"])
@own_account
@fresh_required
@sent_once
def add_child(request: HttpRequest, bundle: Bundle) -> HttpResponse:
    """A child without an account: a person of its own, for whom the guardian decides."""
    locale, today = get_language() or "ja", region_date()
    if request.method == "POST":
        form = ChildForm(request.POST, locale=locale, today=today)
        if form.is_valid():
            language = str(bundle.attributes.get("language", ""))
            problem = _tried(
                lambda: guardianships.add_child(
                    guardian=bundle.id,
                    name=form.cleaned_data["name"],
                    ends_on=form.ends_on(today),
                    values=form.values(language),
                    by=actor_of(bundle),
                )
            )
            if problem is None:
                name = {"name": form.cleaned_data["name"]}
                return _done(request, _("%(name)sさんを加えました。") % name)
            form.add_error(None, problem)
    else:
        initial = {"district": bundle.attributes.get("area.district", "")}
        form = ChildForm(locale=locale, today=today, initial=initial)
    return _form(
        request,
        form,
        title=_("子どもを加える"),
        lead=_(
            "地域IDを持っていないお子さんを、ご自分の家族として加えます。お子さんの情報と許可は、あなたのものとは別です。"
        ),
        button=_("加える"),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@own_account
@fresh_required
@sent_once
def represent(request: HttpRequest, bundle: Bundle) -> HttpResponse:
    """Asks the city to represent an adult who has no account; who has one shows a code instead."""
    form = NameForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        problem = _tried(
            lambda: guardianships.ask_to_represent(
                guardian=bundle.id, name=form.cleaned_data["name"], by=actor_of(bundle)
            )
        )
        if problem is None:
            return _done(
                request,
                _("申し込みました。書類と受付番号を、市の窓口にお持ちください。確かめるまで使えません。"),
            )
        form.add_error(None, problem)
    return _form(
        request,
        form,
        title=_("大人の代わりに手続きをする"),
        lead=_(
            "地域IDを持っていない大人の代わりになるには、市の確認が要ります。地域IDを持っている方は、ご本人の画面に出る番号を入れてください。"
        ),
        button=_("申し込む"),
    )


class CodeForm(forms.Form):
    """A code that somebody showed."""

    code = forms.CharField(max_length=40)

    def __init__(self, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data, label_suffix="")
        self.fields["code"].label = _("番号")
        self.fields["code"].error_messages["required"] = _("番号を入れてください。")
        self.fields["code"].widget.attrs |= {"autocomplete": "off", "autocapitalize": "characters"}


@require_http_methods(["GET", "HEAD", "POST"])
@own_account
@fresh_required
@sent_once
def join(request: HttpRequest, bundle: Bundle) -> HttpResponse:
    """Uses a code that the other guardian, or the person themselves, showed."""
    form = CodeForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        made: list[str] = []
        problem = _tried(
            lambda: made.append(
                guardianships.redeem(guardian=bundle.id, code=form.cleaned_data["code"], by=actor_of(bundle))
            )
        )
        if problem is None:
            told = _("加えました。") if made == [ACTIVE] else _("申し込みました。市の確認を待っています。")
            return _done(request, told)
        form.add_error("code", problem)
    return _form(
        request,
        form,
        title=_("番号を入れる"),
        lead=_(
            "もう一人の保護者か、ご本人の画面に出た番号を入れてください。番号は24時間、一度だけ使えます。"
        ),
        button=_("この番号を使う"),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@own_account
@fresh_required
@sent_once
def code(request: HttpRequest, bundle: Bundle, ward: UUID | None = None) -> HttpResponse:
    """Shows a code: for a second guardian of `ward`, or for somebody who is to represent the resident."""
    name = ""
    if ward is not None:
        rows = [row for row in authority.wards(bundle.id, timezone.now()) if row.ward == ward and row.holds]
        if not rows:
            raise Http404
        name = rows[0].name
    context: dict[str, Any] = {"name": name}
    status = HTTPStatus.OK
    if request.method == "POST":
        try:
            context["code"] = guardianships.make_code(ward=ward or bundle.id, by=actor_of(bundle))
        except (HouseholdProblem, NotAllowed) as error:
            context["problem"] = sentence(error)
            status = HTTPStatus.UNPROCESSABLE_ENTITY
    return render(request, "mydata/household_code.html", context, status=status)


# --- answering and ending ------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@own_account
@fresh_required
@sent_once
def answer(request: HttpRequest, bundle: Bundle, guardianship: UUID) -> HttpResponse:
    """The resident's own yes or no to somebody who asks to represent them."""
    found = [row for row in authority.guardians_of(bundle.id) if row.id == guardianship]
    if not found:
        raise Http404
    problem = None
    if request.method == "POST":
        yes = request.POST.get("answer") == "yes"
        problem = _tried(
            lambda: guardianships.answer(guardianship_id=guardianship, yes=yes, by=actor_of(bundle))
        )
        if problem is None:
            told = (
                _("認めました。市の確認がすむと始まります。") if yes else _("断りました。何も見られません。")
            )
            return _done(request, told)
    return _confirm(request, {"row": found[0], "asks": True, "problem": problem})


@require_http_methods(["GET", "HEAD", "POST"])
@own_account
@fresh_required
@sent_once
def end(request: HttpRequest, bundle: Bundle, guardianship: UUID) -> HttpResponse:
    """Ends it after one more look; a ward without an account and without another guardian is erased then."""
    rows: list[WardRow | GuardianRow] = [
        *authority.wards(bundle.id, timezone.now()),
        *(row for row in authority.guardians_of(bundle.id) if row.may_end),
    ]
    found = [row for row in rows if row.id == guardianship]
    if not found:
        raise Http404
    problem = None
    if request.method == "POST":
        problem = _tried(lambda: guardianships.end(guardianship_id=guardianship, by=actor_of(bundle)))
        if problem is None:
            return _done(request, _("終わりにしました。"))
    row = found[0]
    last = isinstance(row, WardRow) and not row.has_account and not row.others
    return _confirm(request, {"row": row, "asks": False, "last": last, "problem": problem})


def _tried(write: Any) -> str | None:
    """What was wrong, in words; None when it was done."""
    try:
        write()
    except IdentityError as error:
        return sentence(error)
    return None


def _done(request: HttpRequest, told: str) -> HttpResponse:
    messages.success(request, told)
    return HttpResponseRedirect(reverse("mydata:household"))


def _form(request: HttpRequest, form: forms.Form, **context: str) -> HttpResponse:
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, FORM, {"form": form, **context}, status=status)


def _confirm(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    line = _line(context["row"])
    status = HTTPStatus.UNPROCESSABLE_ENTITY if context["problem"] else HTTPStatus.OK
    return render(request, "mydata/household_confirm.html", {**context, "line": line}, status=status)
