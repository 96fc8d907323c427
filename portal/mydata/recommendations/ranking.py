"""What moves my order: every weight that bears on it, both orders, and less of a topic with its effect and its way back."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from core.forms.form_pages import posts
from core.texts import pick
from identity import actions, queries
from identity.domain.attributes import KEYS, TOPICS, Value, label, value_label
from identity.domain.consent import PURPOSE_RANKING, RANKING_ITEMS, RECOMMENDER, Notice
from identity.forms.sendings import sent_once
from identity.queries import Bundle
from portal.home import guest as guests
from portal.home.index.content_index import Catalogue, current
from portal.home.index.rule_words import told
from portal.home.page.compose import Mode, Reader
from portal.mydata import prompt
from portal.mydata.access import actor_of, next_path, resident_required
from portal.mydata.recommendations import ordering, weight_labels
from recommender.domain.rules import Rule

ASKED = "mydata/_asked_preferences.html"
AVOIDS = "avoids"


def _locale() -> str:
    return get_language() or "ja"


@require_safe
def ranking(request: HttpRequest) -> HttpResponse:
    """For everybody: how the order comes about. A resident's own weights, or those of a guest's choices."""
    if queries.current_resident(request) is not None:
        return _of_resident(request)
    choices = guests.read(request.COOKIES.get(settings.GUEST_COOKIE_NAME))
    response = render(request, "mydata/ranking.html", _weights(choices.attributes, "guest"))
    response.headers["Cache-Control"] = "private, no-store"
    patch_vary_headers(response, ("Cookie",))
    return response


@resident_required
def _of_resident(request: HttpRequest, bundle: Bundle) -> HttpResponse:
    return _page(request, bundle)


def _page(
    request: HttpRequest, bundle: Bundle, *, problem: str = "", status: int = HTTPStatus.OK
) -> HttpResponse:
    locale, missing = _locale(), unasked(bundle)
    context = {
        **_weights(ordering.used(bundle), "resident"),
        "bundle": bundle,
        "orders": ordering.orders(bundle, locale=locale, now=timezone.now()),
        "problem": problem,
        "comparing": bundle.learning and current().experiment is not None,
        "unused": [
            label(key, locale) for key in KEYS if key in bundle.attributes and key not in RANKING_ITEMS
        ],
        "missing": asked(missing, locale) if missing else None,
        "avoided": [(topic, pick(TOPICS[topic], locale)) for topic in _several(bundle.attributes, AVOIDS)],
    }
    return render(request, "mydata/ranking.html", context, status=status)


def _weights(attributes: Mapping[str, Value], mode: Mode) -> dict[str, Any]:
    """What the tables need."""
    locale, catalogue = _locale(), current()
    compiled = catalogue.compiled
    reader = Reader(mode, locale, attributes)
    return {
        "groups": weight_labels.groups(reader.profile, compiled, attributes, locale, mode),
        "kinds": weight_labels.kinds(compiled),
        "common": weight_labels.common(compiled, locale),
        "rules": _rules(catalogue, attributes, locale),
        "guest": mode == "guest",
    }


def _rules(catalogue: Catalogue, attributes: Mapping[str, Value], locale: str) -> list[tuple[str, Rule]]:
    """The editors' rules that bear on this reader's list now, in words."""
    found = catalogue.rules.concerning(attributes, timezone.now())
    return [(told(one.rule, catalogue, locale), one.rule) for one in found]


# --- what the order may use ---------------------------------------------------------------------------------------


def unasked(bundle: Bundle) -> tuple[str, ...]:
    """What came to the order after this resident said yes to it, and so was never asked."""
    if not bundle.personalised:
        return ()
    granted = bundle.grants.get(RECOMMENDER, frozenset())
    return tuple(item for item in RANKING_ITEMS if item not in granted)


def asked(items: tuple[str, ...], locale: str) -> dict[str, Any]:
    """The question about these items, and what its answer sends back."""
    context = {"labels": [label(item, locale) for item in items], **prompt.TIMES}
    return {**context, "shown": notice_of(items, locale).sha256}


def notice_of(items: tuple[str, ...], locale: str) -> Notice:
    """The question as plain text, for the ledger."""
    context = {"labels": [label(item, locale) for item in items], **prompt.TIMES}
    return Notice(locale, prompt.plain(render_to_string(ASKED, {"asked": context})))


def _allow(bundle: Bundle, items: tuple[str, ...]) -> None:
    actions.grant(
        resident_id=bundle.id,
        recipient=RECOMMENDER,
        purpose=PURPOSE_RANKING,
        items=items,
        declared=RANKING_ITEMS,
        level="none",
        notice=notice_of(items, _locale()),
        controller=prompt.controller(),
        by=actor_of(bundle),
    )


@posts("mydata:ranking")
@resident_required
@sent_once
def allow(request: HttpRequest, bundle: Bundle) -> HttpResponse:
    """A yes to what the order could not use yet; the first yes to the order is given on its own page."""
    missing = unasked(bundle)
    if not missing:
        return HttpResponseRedirect(reverse("mydata:ranking"))
    if request.POST.get("shown") != notice_of(missing, _locale()).sha256:
        return _page(request, bundle, problem=_changed(), status=HTTPStatus.CONFLICT)
    _allow(bundle, missing)
    messages.success(request, _("おすすめの並べかえに使うようにしました。"))
    return HttpResponseRedirect(reverse("mydata:ranking"))


def _changed() -> str:
    return _("お見せした内容が変わりました。もう一度お確かめください。まだ何も記録していません。")


# --- less of a topic ----------------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
@resident_required
@sent_once
def less(request: HttpRequest, bundle: Bundle) -> HttpResponse:
    """POST asks for less of a topic; GET shows what that has moved, and the way back."""
    topic = (request.POST if request.method == "POST" else request.GET).get("topic", "")
    if topic not in TOPICS:
        return _page(request, bundle, problem=_("その話題はありません。"), status=HTTPStatus.BAD_REQUEST)
    if not bundle.personalised:
        messages.info(request, _("話題を減らせるのは、おすすめの並べかえを使っているときだけです。"))
        return HttpResponseRedirect(reverse("mydata:ranking"))
    if request.method == "POST":
        return _ask_for_less(request, bundle, topic)
    return _effect(request, bundle, topic)


def _ask_for_less(request: HttpRequest, bundle: Bundle, topic: str) -> HttpResponse:
    """Whoever said yes to the order before it knew this wish is asked about this one thing, here and now."""
    items: tuple[str, ...] = (AVOIDS,) if AVOIDS in unasked(bundle) else ()
    if items:
        shown = request.POST.get("shown")
        if shown != notice_of(items, _locale()).sha256:
            context = {
                "topic": topic,
                "name": pick(TOPICS[topic], _locale()),
                "asked": asked(items, _locale()),
                "problem": _changed() if shown else "",
            }
            status = HTTPStatus.CONFLICT if shown else HTTPStatus.OK
            return render(request, "mydata/ranking_ask.html", context, status=status)
    declared = _several(bundle.attributes, "interests")
    with actions.together():
        if items:
            _allow(bundle, items)
        _set(
            bundle,
            {AVOIDS: {*_several(bundle.attributes, AVOIDS), topic}, "interests": {*declared} - {topic}},
        )
    query = {"topic": topic, **({"was": "1"} if topic in declared else {})}
    return HttpResponseRedirect(f"{reverse('mydata:ranking_less')}?{urlencode(query)}")


def _effect(request: HttpRequest, bundle: Bundle, topic: str) -> HttpResponse:
    avoided = _several(bundle.released, AVOIDS)
    if topic not in avoided:
        return HttpResponseRedirect(reverse("mydata:ranking"))
    locale, chosen = _locale(), request.GET.get("was") == "1"
    before = {**bundle.released, AVOIDS: tuple(one for one in avoided if one != topic)}
    if chosen:
        before["interests"] = (*_several(bundle.released, "interests"), topic)
    context = {
        "topic": topic,
        "name": pick(TOPICS[topic], locale),
        "was": chosen,
        "effect": ordering.effect(bundle, before, topic, locale=locale, now=timezone.now()),
    }
    return render(request, "mydata/ranking_less.html", context)


@posts("mydata:ranking")
@resident_required
def undo(request: HttpRequest, bundle: Bundle) -> HttpResponse:
    """Takes "less of this" back; what was among the interests before is there again."""
    topic = request.POST.get("topic", "")
    avoided = _several(bundle.attributes, AVOIDS)
    if topic in avoided:
        values: dict[str, set[str]] = {AVOIDS: {*avoided} - {topic}}
        if request.POST.get("was") == "1":
            values["interests"] = {*_several(bundle.attributes, "interests"), topic}
        _set(bundle, values)
        name = value_label("interests", topic, _locale())
        messages.success(request, _("「%(name)s」を減らすのをやめました。") % {"name": name})
        if topic not in values.get("interests", _several(bundle.attributes, "interests")):
            messages.info(
                request,
                _(
                    "「%(name)s」は、いま「選んだテーマ」に入っていません。上に並べたいときは、属性の画面で選んでください。"
                )
                % {"name": name},
            )
    return HttpResponseRedirect(next_path(request, reverse("mydata:ranking")))


def _set(bundle: Bundle, values: Mapping[str, set[str]]) -> None:
    given = {key: sorted(topics) for key, topics in values.items()}
    actions.set_attributes(resident_id=bundle.id, values=given, by=actor_of(bundle))


def _several(values: Mapping[str, Value], key: str) -> tuple[str, ...]:
    found = values.get(key)
    return found if isinstance(found, tuple) else ()
