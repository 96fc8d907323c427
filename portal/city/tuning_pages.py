"""The desk's pages that change the order: the prior and the rules, each tried on the personas before it is made."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from wagtail.admin import messages

from core.forms.form_pages import posts
from core.sentences import sentence
from identity.forms.sendings import sent_once
from identity.queries import names as names_of
from portal.city import trial, tuning
from portal.city.tuning_forms import PriorForm, RuleForm, refusal
from portal.content.editing.vocabulary import audience_in_words, stored_audience
from portal.home.index.content_index import current
from portal.home.index.rule_words import told
from recommender import editing
from recommender.domain import priors
from recommender.domain.rules import Rule
from recommender.domain.weights import Prior
from recommender.errors import EditedMeanwhileError, RuleMissingError, RuleRefusedError

SAVE = "save"
FROM_THE_CODE = 0
WRONG = 422


def _locale() -> str:
    return get_language() or "ja"


# --- the prior ---------------------------------------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sent_once
def prior(request: HttpRequest) -> HttpResponse:
    """The numbers, filled in from the version that holds or from an earlier one; a dry run; the change."""
    by = tuning.desk_of(request)
    now, locale = timezone.now(), _locale()
    if request.method != "POST":
        holds = editing.prior_version()
        versions = editing.prior_versions()
        # One that another release wrote and nobody can read does not rank, and is not filled in either.
        newest = versions[0].id if versions else FROM_THE_CODE
        shown = request.GET.get("version", str(newest))
        form = PriorForm(_version(shown), locale=locale, initial={"base": holds, "shown": shown})
        return _prior(request, form)
    data = request.POST.copy()
    form = PriorForm(_version(data.get("shown", "")), data, locale=locale)
    if not form.is_valid():
        return _prior(request, form, status=WRONG)
    document = form.document()
    if request.POST.get("step") != SAVE:
        effects = trial.of_prior(priors.from_json(document), now=now, locale=locale)
        return _prior(request, form, effects=effects)
    reason = form.cleaned_data["reason"]
    if not reason.strip():
        form.add_error("reason", _("変える理由を書いてください。"))
        return _prior(request, form, status=WRONG)
    try:
        number = tuning.set_prior(
            document=document, reason=reason, by=by, now=now, base=form.cleaned_data["base"]
        )
    except EditedMeanwhileError as error:
        # Whoever decides again has been told.
        data["base"] = str(editing.prior_version())
        return _prior(request, form, problem=sentence(error), status=409)
    messages.success(
        request, _("第%(number)s版にしました。すぐに全員の順番に使います。") % {"number": number}
    )
    return HttpResponseRedirect(reverse("city_prior"))


def _version(number: str) -> Prior:
    """The version of this number."""
    if number == str(FROM_THE_CODE):
        return Prior()
    for version in editing.prior_versions():
        if str(version.id) == number:
            return version.prior
    raise Http404


def _prior(
    request: HttpRequest,
    form: PriorForm,
    *,
    effects: tuple[trial.Effect, ...] | None = None,
    problem: str = "",
    status: int = 200,
) -> HttpResponse:
    versions = editing.prior_versions()
    context = {
        "form": form,
        "effects": effects,
        "unchanged": effects is not None and not any(effect.changed for effect in effects),
        "problem": problem,
        "versions": versions,
        "holds": versions[0].id if versions else FROM_THE_CODE,
        "names": _names(version.by for version in versions),
    }
    return render(request, "city/prior.html", context, status=status)


@dataclass(frozen=True, slots=True)
class RuleLine:
    """A rule as the desk reads it: what it does, for whom, and who made it."""

    rule: Rule
    words: str
    whom: str
    by: str


# --- rules -------------------------------------------------------------------------------------------------------


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sent_once
def rules(request: HttpRequest) -> HttpResponse:
    """What holds, what will and what did; the form for one more, its dry run, and the making."""
    by = tuning.desk_of(request)
    now, locale, catalogue = timezone.now(), _locale(), current()
    if request.method != "POST":
        item = request.GET.get("item", "")
        if item and item not in catalogue.compiled.index:
            raise Http404
        # Kept under the last day of an event: the rule outlasts the day that stands there now.
        item = catalogue.same_event(item)[-1] if item else ""
        return _rules(request, RuleForm(catalogue, item=item, now=now, locale=locale))
    form = RuleForm(catalogue, request.POST, now=now, locale=locale)
    if not form.is_valid():
        return _rules(request, form, status=WRONG)
    rule = form.rule()
    if request.POST.get("step") != SAVE:
        return _rules(request, form, effects=trial.of_rule(rule, now=now, locale=locale))
    try:
        tuning.make_rule(rule=rule, by=by, now=now)
    except RuleRefusedError as error:
        form.add_error(None, refusal(error))
        return _rules(request, form, status=WRONG)
    messages.success(request, _("決まりを作りました。"))
    return HttpResponseRedirect(reverse("city_rules"))


@posts("city_rules")
def end(request: HttpRequest, number: int) -> HttpResponse:
    """Ends a rule at once."""
    by = tuning.desk_of(request)
    try:
        tuning.end_rule(number=number, by=by, now=timezone.now())
    except RuleMissingError as error:
        messages.error(request, sentence(error))
    else:
        messages.success(request, _("決まりを終わらせました。"))
    return HttpResponseRedirect(reverse("city_rules"))


def _rules(
    request: HttpRequest,
    form: RuleForm,
    *,
    effects: tuple[trial.Effect, ...] | None = None,
    status: int = 200,
) -> HttpResponse:
    now, locale, catalogue = timezone.now(), _locale(), current()
    made = editing.made_rules()
    names = _names(one.by for one in made)
    lines = [
        RuleLine(
            one.rule,
            told(one.rule, catalogue, locale),
            audience_in_words(stored_audience(one.rule.audience), locale),
            names.get(one.by, "") if one.by else "",
        )
        for one in made
    ]
    context: dict[str, Any] = {
        "form": form,
        "effects": effects,
        "unchanged": effects is not None and not any(effect.changed for effect in effects),
        "open": [line for line in lines if line.rule.ends_at > now],
        "ended": [line for line in lines if line.rule.ends_at <= now],
        "now": now,
    }
    return render(request, "city/rules.html", context, status=status)


def _names(ids: Iterable[UUID | None]) -> Mapping[UUID, str]:
    return names_of({one for one in ids if one is not None})
