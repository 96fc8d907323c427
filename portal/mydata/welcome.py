"""The first visit: at most three steps, each of which can be left, with a live sample of the home.

Each step writes what it asked when its last button is pressed, and nothing before that. What was chosen as a guest
is offered here, or on a page of its own to somebody who has been here before.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse, translate_url
from django.utils import timezone, translation
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from core.forms.form_pages import posts
from core.sentences import sentence
from core.texts import pick
from gadgets import queries as gadget_queries
from identity import actions
from identity.domain import attributes
from identity.domain.attributes import LOCALES, Value
from identity.errors import AttributeProblem
from identity.forms.sendings import sent_once
from identity.queries import Bundle
from identity.residents import onboarding
from identity.residents.onboarding import Arrival
from portal.home import guest as guests
from portal.home import sample as samples
from portal.mydata import districts, merge, prompt
from portal.mydata.access import actor_of, next_path, own_account, resident_required

STEPS: Mapping[str, tuple[str, ...]] = {
    "reading": ("language", "access_needs"),
    "district": ("area.district",),
    "topics": ("interests",),
}
"""What each step asks for."""
NAMES = {"reading": "welcome", "district": "welcome_district", "topics": "welcome_topics"}
ORDER = tuple(STEPS)
SAMPLE = 6


def first_stop(request: HttpRequest, arrival: Arrival, target: str) -> str:
    """The welcome for somebody new, the question about a guest's choices for others, or straight on."""
    if not arrival.plain:
        return target
    choices = guests.read(request.COOKIES.get(settings.GUEST_COOKIE_NAME))
    name = ""
    if not arrival.onboarded:
        name = "mydata:welcome"
    elif choices and merge.offer(choices, arrival.attributes):
        name = "mydata:guest_choices"
    if not name:
        return target
    with translation.override(_language_of(target)):
        return f"{reverse(name)}?{urlencode({'next': target})}"


def _language_of(path: str) -> str:
    first = path.lstrip("/").partition("/")[0].partition("?")[0]
    return first if first in LOCALES else "ja"


def _locale() -> str:
    return get_language() or "ja"


# --- the steps -----------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@own_account
@resident_required
@sent_once
def step(request: HttpRequest, bundle: Bundle, name: str) -> HttpResponse:
    """One step: what is held already stands in it; a search or a sample draws it again and writes nothing."""
    if request.method != "POST":
        return _draw(request, bundle, name, bundle.attributes)
    if not {*STEPS[name], "next", "choice"} & set(request.POST):
        return _draw(request, bundle, name, bundle.attributes, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    sent = _sent(request, name)
    try:
        chosen = _checked(sent)
    except AttributeProblem as error:
        return _draw(request, bundle, name, bundle.attributes, problem=error)
    if request.POST.get("action") in {"search", "sample"}:
        return _draw(request, bundle, name, {**bundle.attributes, **chosen})
    if name == ORDER[-1]:
        return _finish(request, bundle, sent, chosen)
    actions.set_attributes(resident_id=bundle.id, values=sent, by=actor_of(bundle))
    return HttpResponseRedirect(_following(request, name, chosen))


def _sent(request: HttpRequest, name: str) -> dict[str, object]:
    """What the form of this step says, by attribute; an empty one clears, one that did not come stays."""
    post = request.POST
    many = {key for key in STEPS[name] if attributes.DEFINITIONS[key].kind == "many"}
    return {
        key: post.getlist(key) if key in many else post[key]
        for key in STEPS[name]
        if key in many or key in post
    }


def _checked(sent: Mapping[str, object]) -> dict[str, Value]:
    """Raises `UnknownValue`; what is empty counts as nothing chosen."""
    return {key: attributes.validate_settable(key, raw) if raw else () for key, raw in sent.items()}


def _following(request: HttpRequest, name: str, chosen: Mapping[str, Value]) -> str:
    """The next step, in the language that was just chosen."""
    target = next_path(request, reverse("home:home"))
    wanted = chosen.get("language")
    language = wanted if isinstance(wanted, str) and wanted else _locale()
    # An address is understood in its own language only.
    with translation.override(_language_of(target)):
        target = translate_url(target, language)
    with translation.override(language):
        following = reverse("mydata:" + NAMES[ORDER[ORDER.index(name) + 1]])
    return f"{following}?{urlencode({'next': target})}"


def _finish(
    request: HttpRequest, bundle: Bundle, sent: Mapping[str, object], chosen: Mapping[str, Value]
) -> HttpResponse:
    """The last step: the topics, and whether the order may follow what is known."""
    choice, by = request.POST.get("choice"), actor_of(bundle)
    notice = prompt.ranking_notice(_locale())
    held = {**bundle.attributes, **chosen}
    if choice not in {"on", "off"}:
        return _draw(request, bundle, "topics", held, status=HTTPStatus.BAD_REQUEST)
    if choice == "on" and request.POST.get("shown") != notice.sha256:
        return _draw(request, bundle, "topics", held, status=HTTPStatus.CONFLICT)
    with actions.together():
        actions.set_attributes(resident_id=bundle.id, values=sent, by=by)
        if choice == "on":
            actions.opt_in_personalisation(
                resident_id=bundle.id, notice=notice, controller=prompt.controller(), by=by
            )
        else:
            actions.opt_out(resident_id=bundle.id, by=by)
        onboarding.set_onboarded(resident_id=bundle.id, by=by, now=timezone.now())
    messages.success(request, _("設定しました。「わたしのデータ」でいつでも変えられます。"))
    return _without_cookie(HttpResponseRedirect(next_path(request, reverse("home:home"))))


@posts("mydata:welcome")
@own_account
@resident_required
def later(request: HttpRequest, bundle: Bundle) -> HttpResponse:
    """Leaves all that is left of the steps; what was chosen as a guest is asked about another time."""
    onboarding.set_onboarded(resident_id=bundle.id, by=actor_of(bundle), now=timezone.now())
    return HttpResponseRedirect(next_path(request, reverse("home:home")))


@posts("mydata:welcome_topics")
@own_account
@resident_required
def sample(request: HttpRequest, bundle: Bundle) -> HttpResponse:
    """The first entries of a home with the topics that are ticked now; a piece of HTML, and nothing is written."""
    try:
        chosen = _checked(_sent(request, "topics"))
    except AttributeProblem:
        return HttpResponse(status=HTTPStatus.UNPROCESSABLE_ENTITY)
    return render(request, "mydata/_sample.html", {"lines": _sample(bundle, {**bundle.attributes, **chosen})})


def _sample(bundle: Bundle, values: Mapping[str, Value]) -> tuple[samples.Line, ...]:
    known = {key: value for key, value in values.items() if value != ()}
    return samples.lines(
        attributes.derive(known),
        gadget_queries.layout(bundle.id),
        personalised=True,
        locale=_locale(),
        now=timezone.now(),
        limit=SAMPLE,
    )


# --- drawing -------------------------------------------------------------------------------------------------


def _draw(
    request: HttpRequest,
    bundle: Bundle,
    name: str,
    held: Mapping[str, Value],
    *,
    problem: AttributeProblem | None = None,
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    number = ORDER.index(name)
    context: dict[str, Any] = {
        "bundle": bundle,
        "step": name,
        "number": number + 1,
        "steps": len(ORDER),
        "back": reverse("mydata:" + NAMES[ORDER[number - 1]]) if number else "",
        "next": next_path(request, reverse("home:home")),
        "problem": sentence(problem) if problem else "",
        **_FIELDS[name](request, bundle, held),
    }
    if status == HTTPStatus.CONFLICT:
        context["changed"] = True
    if problem is not None:
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    return render(request, f"mydata/welcome_{name}.html", context, status=status)


def _options(key: str, held: Mapping[str, Value]) -> list[tuple[str, str, bool]]:
    """(code, name, chosen) of one attribute."""
    value = held.get(key, ())
    chosen = value if isinstance(value, tuple) else (value,)
    options = attributes.DEFINITIONS[key].options
    return [(code, pick(texts, _locale()), code in chosen) for code, texts in options.items()]


def _languages(held: Mapping[str, Value]) -> list[tuple[str, str, str, bool]]:
    """(code, name in that very language, `lang` of the name, chosen): who reads no Japanese finds theirs."""
    options = attributes.DEFINITIONS["language"].options
    return [
        (code, pick(texts, code), "en" if code == "en" else "ja", code == held["language"])
        for code, texts in options.items()
    ]


def _reading(request: HttpRequest, bundle: Bundle, held: Mapping[str, Value]) -> dict[str, Any]:
    offered = merge.offer(guests.read(request.COOKIES.get(settings.GUEST_COOKIE_NAME)), bundle.attributes)
    return {
        "languages_offered": _languages({"language": _locale(), **held}),
        "needs": _options("access_needs", held),
        "offer": _offer_context(offered) if offered else None,
        "here": request.get_full_path(),
    }


def _district(request: HttpRequest, bundle: Bundle, held: Mapping[str, Value]) -> dict[str, Any]:  # noqa: ARG001
    search = request.POST.get("search", "").strip()
    found = districts.search(search)
    chosen = held.get("area.district") or ""
    if search and len(found) == 1:
        chosen = found[0]
    shown = found or districts.search("")
    if chosen and chosen not in shown:
        shown = (*shown, str(chosen))
    return {
        "search": search,
        "found": len(found),
        "rows": districts.rows(shown, _locale()),
        "chosen": chosen,
    }


def _topics(request: HttpRequest, bundle: Bundle, held: Mapping[str, Value]) -> dict[str, Any]:  # noqa: ARG001
    locale = _locale()
    return {
        "topics": _options("interests", held),
        "lines": _sample(bundle, held),
        **prompt.ranking_context(locale),
        "shown": prompt.ranking_notice(locale).sha256,
    }


_FIELDS = {"reading": _reading, "district": _district, "topics": _topics}


# --- what was chosen as a guest ------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@own_account
@resident_required
@sent_once
def guest_choices(request: HttpRequest, bundle: Bundle) -> HttpResponse:
    """Asks whether a guest's choices become the resident's; either answer takes the cookie away."""
    target = next_path(request, reverse("home:home"))
    offered = merge.offer(guests.read(request.COOKIES.get(settings.GUEST_COOKIE_NAME)), bundle.attributes)
    if offered is None:
        return _without_cookie(HttpResponseRedirect(target))
    choice = request.POST.get("choice")
    if request.method != "POST":
        return _ask(request, offered, target)
    if choice == "leave":
        messages.info(request, _("ゲストのときの内容は入れていません。この端末から消しました。"))
        return _without_cookie(HttpResponseRedirect(target))
    which = request.POST.get("district", "")
    if choice != "take" or (offered.held and which not in {merge.GUEST, merge.HELD}):
        return _ask(request, offered, target, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    new = merge.taken_over(offered, bundle.attributes, district=which or merge.GUEST)
    if new:
        actions.set_attributes(resident_id=bundle.id, values=new, by=actor_of(bundle))
    messages.success(request, _("ゲストのときの内容を、あなたの設定に入れました。"))
    return _without_cookie(HttpResponseRedirect(target))


def _ask(
    request: HttpRequest, offered: merge.Offer, target: str, status: int = HTTPStatus.OK
) -> HttpResponse:
    context = {
        "offer": _offer_context(offered),
        "here": target,
        "problem": _("どちらの地区にするかを、えらんでください。") if status != HTTPStatus.OK else "",
    }
    return render(request, "mydata/guest_choices.html", context, status=status)


def _offer_context(offered: merge.Offer) -> dict[str, Any]:
    return {"title": offered.title(_locale()), "districts": offered.districts(_locale())}


def _without_cookie(response: HttpResponse) -> HttpResponse:
    response.delete_cookie(settings.GUEST_COOKIE_NAME, samesite="Lax")
    return response
