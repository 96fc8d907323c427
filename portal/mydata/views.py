"""わたしのデータ: the resident's own pages, and the questions for consent. All of it works without JavaScript."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from core.forms.form_pages import posts
from core.markup import html_id
from core.sentences import sentence
from core.texts import Texts, pick
from gadgets import queries as gadget_queries
from gadgets.operation import rollout
from gadgets.release import granted_claims
from gadgets.types import GadgetInfo
from gadgets.webhooks import deliveries
from identity import actions, queries
from identity.domain import attributes
from identity.domain.consent import LEARNING, PURPOSE_CARD, RECOMMENDER, Notice
from identity.errors import AttributeProblem, ConsentProblem, NothingAsked, ProtectedPerson, UndeclaredItem
from identity.forms.sendings import sent_once
from identity.queries import Bundle
from identity.residents import mydata
from portal.mydata import overview as rows
from portal.mydata import places, prompt
from portal.mydata.access import actor_of, next_path, resident_required
from portal.mydata.forms import AttributesForm, field_name
from portal.mydata.recommendations import learning, ordering

ASKED = "consent_asked"
"""In the session once somebody answered: the home asks one question for each visit."""
LATEST = 5
LOG_PER_PAGE = 50


def _locale() -> str:
    return get_language() or "ja"


@require_safe
@resident_required
def overview(request: HttpRequest, bundle: Bundle) -> HttpResponse:
    """Who sees what, why, since when and how often; the access log; the attributes and who uses them."""
    locale, now, gadgets = _locale(), timezone.now(), gadget_queries.registry().gadgets
    own = bundle.by is None
    context = {
        "bundle": bundle,
        "recipients": rows.recipients(queries.overview(bundle.id), bundle, gadgets, locale, now),
        "accesses": rows.accesses(queries.access_log(bundle.id, LATEST), gadgets, locale),
        "told": rows.told(deliveries.notices(bundle.id), locale),
        "attributes": rows.known(bundle, gadgets, locale),
        "count_days": queries.COUNT_DAYS,
        "number": queries.resident_number(bundle.id),
        "places": places.of_the_id(back=reverse("mydata:overview")) if own else (),
        "home_region": places.region_name(mydata.home_region(bundle.id)) if own else "",
        "done": places.done(request),
    }
    return render(request, "mydata/overview.html", context)


@require_safe
@resident_required
def log(request: HttpRequest, bundle: Bundle) -> HttpResponse:
    """Everything that left, newest first, in pages; of one recipient where one is named."""
    locale, gadgets = _locale(), gadget_queries.registry().gadgets
    chosen = request.GET.get("recipient", "")
    page = mydata.accesses(
        bundle.id, recipient=chosen, number=request.GET.get("page", ""), per_page=LOG_PER_PAGE
    )
    context = {
        "accesses": rows.accesses(page.rows, gadgets, locale),
        "page": page,
        "chosen": chosen,
        "recipients": [
            (recipient, rows.title_of(recipient, gadgets, locale)) for recipient in page.recipients
        ],
    }
    return render(request, "mydata/log.html", context)


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
        form.add_error(field_name(error.key), sentence(error))
        return False
    return True


@require_http_methods(["GET", "HEAD", "POST"])
@resident_required
@sent_once
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
        if choice in learning.CHOICES:
            return _learning(request, bundle)
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


def _learning(request: HttpRequest, bundle: Bundle) -> HttpResponse:
    status, problem = learning.decide(request, bundle)
    if status == HTTPStatus.OK:
        return HttpResponseRedirect(f"{reverse('mydata:personalisation')}#learning")
    asked = learning.context(bundle, problem=problem, status=status)
    return _asks_ranking(request, bundle, status=status, asked=asked)


def _personalisation_row() -> str:
    return f"{reverse('mydata:overview')}#personalisation"


def _recipient_row(recipient: str) -> str:
    return f"{reverse('mydata:overview')}#to-{html_id(recipient)}"


def _asks_ranking(
    request: HttpRequest,
    bundle: Bundle,
    status: int = HTTPStatus.OK,
    asked: Mapping[str, Any] | None = None,
) -> HttpResponse:
    """The page; `asked` where it is learning whose answer could not be written, and not the order's."""
    locale = _locale()
    context = {
        **prompt.ranking_context(locale),
        "bundle": bundle,
        "orders": ordering.orders(bundle, locale=locale, now=timezone.now()),
        "shown": prompt.ranking_notice(locale).sha256,
        "changed": status == HTTPStatus.CONFLICT and asked is None,
        "learning": asked or learning.context(bundle),
        "next": next_path(request, ""),
    }
    return render(request, "mydata/personalisation.html", context, status=status)


@posts("mydata:overview")
@resident_required
@sent_once
def withdraw(request: HttpRequest, bundle: Bundle, recipient: str) -> HttpResponse:
    """Stops a recipient; the next request to it carries nothing of the resident."""
    taken = actions.withdraw(resident_id=bundle.id, recipient=recipient, by=actor_of(bundle))
    title = rows.title_of(recipient, gadget_queries.registry().gadgets, _locale())
    if taken:
        messages.success(request, _("「%(title)s」への提供を止めました。") % {"title": title})
    else:
        messages.info(request, _("提供している項目はありませんでした。"))
    return HttpResponseRedirect(_recipient_row(recipient))


@require_safe
@resident_required
def consent_page(request: HttpRequest, bundle: Bundle, recipient: str) -> HttpResponse:
    """The question on a page of its own: what, why, who, how long, and two equal answers.

    With `renew` it is about what is held already, for another year.
    """
    if recipient == RECOMMENDER:
        return HttpResponseRedirect(reverse("mydata:personalisation"))
    if recipient == LEARNING:
        return HttpResponseRedirect(f"{reverse('mydata:personalisation')}#learning")
    gadget = _gadget(recipient, bundle)
    if bundle.protected:
        return _asks(request, gadget, [], problem=ProtectedPerson())
    held = granted_claims(gadget, bundle)
    renews = "renew" in request.GET
    names = [name for name in gadget.declared if (name in held) == renews]
    return _asks(request, gadget, names, news=rollout.news(gadget, bundle, tuple(names)))


@posts("mydata:consent")
@resident_required
@sent_once
def consent_grant(request: HttpRequest, bundle: Bundle, recipient: str) -> HttpResponse:
    """Writes down that the resident allows what was asked."""
    return _decide(request, bundle, recipient, granted=True)


@posts("mydata:consent")
@resident_required
@sent_once
def consent_refuse(request: HttpRequest, bundle: Bundle, recipient: str) -> HttpResponse:
    """Writes down that the resident does not want it; the gadget stays in its public form."""
    return _decide(request, bundle, recipient, granted=False)


def _gadget(recipient: str, bundle: Bundle) -> GadgetInfo:
    """The version of the gadget that this resident is asked about."""
    chosen = gadget_queries.registry().choose(recipient, bundle, timezone.now())
    if chosen is None or not chosen.asks.serves(bundle.home_region):
        raise Http404(recipient)
    return chosen.asks


def _decide(request: HttpRequest, bundle: Bundle, recipient: str, *, granted: bool) -> HttpResponse:
    gadget, locale = _gadget(recipient, bundle), _locale()
    names = list(dict.fromkeys(request.POST.getlist("items")))
    try:
        if bundle.protected:
            raise ProtectedPerson
        if not names:
            raise NothingAsked
        news = rollout.news(gadget, bundle, tuple(names))
        notice = prompt.gadget_notice(gadget, names, locale, news=news)
        if _differs(request, gadget, notice.sha256):
            return _asks(request, gadget, names, news=news, status=HTTPStatus.CONFLICT)
        _write(bundle, gadget, names, notice, granted=granted)
    except ConsentProblem as error:
        again = [] if bundle.protected else list(gadget.declared)
        return _asks(request, gadget, again, problem=error, status=HTTPStatus.BAD_REQUEST)
    request.session[ASKED] = True
    messages.success(request, _said(gadget, locale, granted=granted))
    return HttpResponseRedirect(next_path(request, _recipient_row(recipient)))


@actions.together()
def _write(bundle: Bundle, gadget: GadgetInfo, names: list[str], notice: Notice, *, granted: bool) -> None:
    """A no to what is told now is a withdrawal as well, so that its recipient is told like of any other."""
    held = bundle.grants.get(gadget.id, frozenset()).intersection(names)
    if held and not granted:
        actions.withdraw(resident_id=bundle.id, recipient=gadget.id, items=held, by=actor_of(bundle))
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
        terms=gadget.version,
    )


def _differs(request: HttpRequest, gadget: GadgetInfo, sha256: str) -> bool:
    """Whether the form does not say what was on the screen, or that is no longer what the portal would show."""
    if request.POST.get("shown") != sha256:
        return True
    expected = {"level": gadget.identity, "purpose": PURPOSE_CARD, "language": _locale()}
    return any(name in request.POST and request.POST[name] != value for name, value in expected.items())


def _said(gadget: GadgetInfo, locale: str, *, granted: bool) -> str:
    title = {"title": pick(gadget.title, locale)}
    if granted:
        return _("「%(title)s」に使うことを許可しました。いつでも止められます。") % title
    return _("「%(title)s」には伝えません。だれでも見られる内容を表示します。") % title


def _asks(
    request: HttpRequest,
    gadget: GadgetInfo,
    names: list[str],
    *,
    news: Sequence[Texts] = (),
    problem: ConsentProblem | None = None,
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    locale = _locale()
    context: dict[str, Any] = {
        **prompt.body_context(gadget, names, locale, news=news),
        "language": locale,
        "changed": status == HTTPStatus.CONFLICT,
        "problem": _problem_text(problem) if problem else "",
        "next": next_path(request, ""),
    }
    if names:
        context["shown"] = prompt.gadget_notice(gadget, names, locale, news=news).sha256
    return render(request, "mydata/consent.html", context, status=status)


def _problem_text(problem: ConsentProblem) -> str:
    if isinstance(problem, NothingAsked):
        return _("項目が一つも選ばれていません。もう一度えらんでください。")
    if isinstance(problem, UndeclaredItem):
        return _("このサービスが求めていない項目がふくまれていました。何も記録していません。")
    if isinstance(problem, ProtectedPerson):
        return sentence(problem)
    return _("同意を記録できませんでした。もう一度えらんでください。")
