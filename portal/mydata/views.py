"""わたしのデータ: the resident's own pages, and the questions for consent. All of it works without JavaScript."""

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from gadgets import queries as gadget_queries
from gadgets.types import GadgetInfo
from identity import actions, attributes, queries
from identity.consent import PURPOSE_CARD, RECOMMENDER
from identity.errors import AttributeProblem, ConsentProblem, NothingAsked, UndeclaredItem
from identity.queries import Bundle
from portal.mydata import overview as rows
from portal.mydata import prompt
from portal.mydata.access import actor_of, next_path, resident_required
from portal.mydata.forms import AttributesForm, field_name

ASKED = "consent_asked"
"""In the session once somebody answered: the home asks one question for each visit."""


def _locale() -> str:
    return get_language() or "ja"


@require_safe
@resident_required
def overview(request: HttpRequest, bundle: Bundle) -> HttpResponse:
    """Who sees what, why, since when and how often; the access log; the attributes and who uses them."""
    locale, gadgets = _locale(), gadget_queries.registry().gadgets
    context = {
        "bundle": bundle,
        "recipients": rows.recipients(queries.overview(bundle.id), bundle, gadgets, locale),
        "accesses": rows.accesses(queries.access_log(bundle.id), gadgets, locale),
        "attributes": rows.known(bundle, gadgets, locale),
        "count_days": queries.COUNT_DAYS,
    }
    return render(request, "mydata/overview.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@resident_required
def attributes_form(request: HttpRequest, bundle: Bundle) -> HttpResponse:
    """Fills in, changes or clears attributes; what follows from them moves at once."""
    locale = _locale()
    if request.method == "POST":
        form = AttributesForm(request.POST, locale=locale)
        if form.is_valid() and _saved(form, bundle):
            messages.success(request, _("保存しました。次の表示から反映されます。"))
            return HttpResponseRedirect(next_path(request, reverse("mydata:overview")))
    else:
        form = AttributesForm(locale=locale, initial=AttributesForm.initial_of(bundle.attributes))
    gadgets = gadget_queries.registry().gadgets
    fields = [
        {
            "bound": form[field_name(key)],
            "anchor": rows.anchor(key),
            "many": attributes.DEFINITIONS[key].kind == "many",
            "used_by": rows.used_by(bundle, key, gadgets, locale),
        }
        for key in attributes.SETTABLE
    ]
    context = {"form": form, "fields": fields, "next": next_path(request, "")}
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.errors else HTTPStatus.OK
    return render(request, "mydata/attributes.html", context, status=status)


def _saved(form: AttributesForm, bundle: Bundle) -> bool:
    try:
        actions.set_attributes(resident_id=bundle.id, values=form.values(), by=actor_of(bundle))
    except AttributeProblem as error:
        form.add_error(field_name(error.key), error.message)
        return False
    return True


@require_http_methods(["GET", "HEAD", "POST"])
@resident_required
def personalisation(request: HttpRequest, bundle: Bundle) -> HttpResponse:
    """The switch of the personalised order: on asks with the full text, off is chronological from then on."""
    if request.method == "POST":
        choice = request.POST.get("choice")
        if choice == "on":
            return _switch_on(request, bundle)
        if choice == "off":
            actions.opt_out(resident_id=bundle.id, by=actor_of(bundle))
            messages.success(request, _("おすすめの並べかえを止めました。新しい順に表示します。"))
            return HttpResponseRedirect(next_path(request, _personalisation_row()))
        return _asks_ranking(request, bundle, status=HTTPStatus.BAD_REQUEST)
    return _asks_ranking(request, bundle)


def _switch_on(request: HttpRequest, bundle: Bundle) -> HttpResponse:
    notice = prompt.ranking_notice(_locale())
    if request.POST.get("shown") != notice.sha256:
        return _asks_ranking(request, bundle, status=HTTPStatus.CONFLICT)
    actions.opt_in_personalisation(
        resident_id=bundle.id, notice=notice, controller=prompt.controller(), by=actor_of(bundle)
    )
    messages.success(request, _("おすすめの並べかえを始めました。理由は、それぞれの項目に出ます。"))
    return HttpResponseRedirect(next_path(request, _personalisation_row()))


def _personalisation_row() -> str:
    return f"{reverse('mydata:overview')}#personalisation"


def _asks_ranking(request: HttpRequest, bundle: Bundle, status: int = HTTPStatus.OK) -> HttpResponse:
    locale = _locale()
    context = {
        **prompt.ranking_context(locale),
        "bundle": bundle,
        "shown": prompt.ranking_notice(locale).sha256,
        "changed": status == HTTPStatus.CONFLICT,
        "next": next_path(request, ""),
    }
    return render(request, "mydata/personalisation.html", context, status=status)


@require_POST
@resident_required
def withdraw(request: HttpRequest, bundle: Bundle, recipient: str) -> HttpResponse:
    """Stops a recipient; the next request to it carries nothing of the resident."""
    taken = actions.withdraw(resident_id=bundle.id, recipient=recipient, by=actor_of(bundle))
    title = rows.title_of(recipient, gadget_queries.registry().gadgets, _locale())
    if taken:
        messages.success(request, _("「%(title)s」への提供を止めました。") % {"title": title})
    else:
        messages.info(request, _("提供している項目はありませんでした。"))
    return HttpResponseRedirect(reverse("mydata:overview"))


@require_safe
@resident_required
def consent_page(request: HttpRequest, bundle: Bundle, recipient: str) -> HttpResponse:
    """The question on a page of its own: what, why, who, how long, and two equal answers."""
    if recipient == RECOMMENDER:
        return HttpResponseRedirect(reverse("mydata:personalisation"))
    gadget = _gadget(recipient)
    held = bundle.grants.get(recipient, frozenset())
    return _asks(request, gadget, [name for name in gadget.declared if name not in held])


@require_POST
@resident_required
def consent_grant(request: HttpRequest, bundle: Bundle, recipient: str) -> HttpResponse:
    """Writes down that the resident allows what was asked."""
    return _decide(request, bundle, recipient, granted=True)


@require_POST
@resident_required
def consent_refuse(request: HttpRequest, bundle: Bundle, recipient: str) -> HttpResponse:
    """Writes down that the resident does not want it; the gadget stays in its public form."""
    return _decide(request, bundle, recipient, granted=False)


def _gadget(recipient: str) -> GadgetInfo:
    gadget = gadget_queries.registry().gadgets.get(recipient)
    if gadget is None:
        raise Http404(recipient)
    return gadget


def _decide(request: HttpRequest, bundle: Bundle, recipient: str, *, granted: bool) -> HttpResponse:
    gadget, locale = _gadget(recipient), _locale()
    names = list(dict.fromkeys(request.POST.getlist("items")))
    try:
        notice = prompt.gadget_notice(gadget, names, locale)
        if _differs(request, gadget, notice.sha256):
            return _asks(request, gadget, names, status=HTTPStatus.CONFLICT)
        (actions.grant if granted else actions.refuse)(
            resident_id=bundle.id,
            recipient=gadget.id,
            purpose=PURPOSE_CARD,
            items=names,
            declared=gadget.declared,
            level=gadget.identity,
            notice=notice,
            controller=gadget.provider_name,
            by=actor_of(bundle),
        )
    except ConsentProblem as error:
        return _asks(request, gadget, list(gadget.declared), problem=error, status=HTTPStatus.BAD_REQUEST)
    request.session[ASKED] = True
    messages.success(request, _said(gadget, locale, granted=granted))
    return HttpResponseRedirect(next_path(request, reverse("mydata:overview")))


def _differs(request: HttpRequest, gadget: GadgetInfo, sha256: str) -> bool:
    """Whether what the form says was on the screen is no longer what the portal would show."""
    expected = {"shown": sha256, "level": gadget.identity, "purpose": PURPOSE_CARD, "language": _locale()}
    return any(name in request.POST and request.POST[name] != value for name, value in expected.items())


def _said(gadget: GadgetInfo, locale: str, *, granted: bool) -> str:
    title = {"title": attributes.pick(gadget.title, locale)}
    if granted:
        return _("「%(title)s」に使うことを許可しました。いつでも止められます。") % title
    return _("「%(title)s」には伝えません。だれでも見られる内容を表示します。") % title


def _asks(
    request: HttpRequest,
    gadget: GadgetInfo,
    names: list[str],
    *,
    problem: ConsentProblem | None = None,
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    locale = _locale()
    context: dict[str, Any] = {
        **prompt.body_context(gadget, names, locale),
        "language": locale,
        "changed": status == HTTPStatus.CONFLICT,
        "problem": _problem_text(problem) if problem else "",
        "next": next_path(request, ""),
    }
    if names:
        context["shown"] = prompt.gadget_notice(gadget, names, locale).sha256
    return render(request, "mydata/consent.html", context, status=status)


def _problem_text(problem: ConsentProblem) -> str:
    if isinstance(problem, NothingAsked):
        return _("項目が一つも選ばれていません。もう一度えらんでください。")
    if isinstance(problem, UndeclaredItem):
        return _("このサービスが求めていない項目がふくまれていました。何も記録していません。")
    return _("同意を記録できませんでした。もう一度えらんでください。")
