"""Forms of the desk: the editors' prior as numbers, and one rule."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

from core.region_time import region_local
from core.sentences import sentence
from core.texts import pick
from identity.domain.attributes import DEFINITIONS, TOPICS, label, value_label
from portal.content.editing.date_fields import JapaneseDateTimeField
from portal.content.editing.forms import AudienceFormField
from portal.content.editing.vocabulary import EDITABLE_KEYS
from portal.home.index.content_index import Catalogue
from portal.home.index.rule_words import KINDS
from portal.home.index.rule_words import kind as kind_in_words
from recommender.domain import rules
from recommender.domain.priors import LEAST_DAYS, MOST, MOST_DAYS, to_json
from recommender.domain.rules import Rule
from recommender.domain.weights import Prior
from recommender.errors import RuleRefusedError

SINGLE: Mapping[str, str | Promise] = {
    "own_district": gettext_lazy("お住まいの地区の項目"),
    "followed": gettext_lazy("気になる地区の項目"),
    "elsewhere": gettext_lazy("ほかの地区だけの項目"),
    "declared": gettext_lazy("選んだ話題の項目"),
    "avoided": gettext_lazy("減らしたい話題の項目"),
    "audience": gettext_lazy("届け先の条件に当てはまる項目"),
    "same_language": gettext_lazy("読む言語の項目"),
    "other_language": gettext_lazy("読まない言語の項目"),
}
TOLD = ("household.has_child", "household.school_years", "age_band", "language")
"""Attributes from which editors may expect something about topics; from how somebody reads nothing follows."""
_LOCAL = "%Y-%m-%d %H:%M"


# --- the prior ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Group:
    """Fields that stand together under one heading."""

    heading: str
    fields: tuple[forms.BoundField, ...]


class PriorForm(forms.Form):
    """Every number of the prior by its name, one row to add, the reason, the version that held (`base`), and the one whose
    numbers were filled in (`shown`): it says which fields there are.
    """

    base = forms.IntegerField(widget=forms.HiddenInput, min_value=0)
    shown = forms.IntegerField(widget=forms.HiddenInput, min_value=0)
    reason = forms.CharField(
        label=gettext_lazy("変える理由"),
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=1000,
        required=False,
    )

    def __init__(self, prior: Prior, *args: Any, locale: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._document = to_json(prior)
        self._paths: dict[str, tuple[str, ...]] = {}
        self._groups: list[tuple[str, list[str]]] = []
        self._weights(locale)
        self._added(locale)

    def _weights(self, locale: str) -> None:
        document = self._document
        singles = [self._number((name,), str(words), document[name]) for name, words in SINGLE.items()]
        self._groups.append((_("場所、話題、言語"), singles))
        kinds = KINDS
        base = document["base"]
        begins = [self._number(("base", kind), kind_in_words(kind), base.get(kind, 0.0)) for kind in kinds]
        self._groups.append((_("種類ごとのはじめの高さ"), begins))
        days, default = document["half_life_days"], document["default_half_life_days"]
        halves = [
            self._number(("half_life_days", kind), kind_in_words(kind), days.get(kind, default), days=True)
            for kind in kinds
        ]
        self._groups.append((_("半分になるまでの日数"), halves))
        for key, rows in document["attribute_topic"].items():
            if key not in DEFINITIONS:
                continue  # of another release; it moves nothing, and stays as it is
            for value, topics in rows.items():
                names = [
                    self._number(
                        ("attribute_topic", key, value, topic), pick(TOPICS[topic], locale), topics[topic]
                    )
                    for topic in TOPICS
                    if topic in topics
                ]
                if names:
                    self._groups.append((f"{label(key, locale)}: {value_label(key, value, locale)}", names))

    def _number(self, path: tuple[str, ...], words: str, value: float, *, days: bool = False) -> str:
        name = "/".join(path)
        least, most, step = (LEAST_DAYS, MOST_DAYS, 0.1) if days else (-MOST, MOST, 0.05)
        widget = forms.NumberInput(attrs={"step": "any" if days else step})
        self.fields[name] = forms.FloatField(
            label=words, initial=round(value, 4), min_value=least, max_value=most, widget=widget
        )
        self._paths[name] = path
        return name

    def _added(self, locale: str) -> None:
        who = [
            (f"{key}={value}", f"{label(key, locale)}: {value_label(key, value, locale)}")
            for key in TOLD
            for value in _values(key)
        ]
        empty = [("", "―")]
        self.fields["who"] = forms.ChoiceField(label=_("だれに"), choices=[*empty, *who], required=False)
        topics = [(topic, pick(texts, locale)) for topic, texts in TOPICS.items()]
        self.fields["topic"] = forms.ChoiceField(label=_("話題"), choices=[*empty, *topics], required=False)
        self.fields["weight"] = forms.FloatField(
            label=_("重み"),
            min_value=-MOST,
            max_value=MOST,
            required=False,
            widget=forms.NumberInput(attrs={"step": 0.05}),
        )

    @property
    def groups(self) -> Iterator[Group]:
        """All numbers, as they stand together."""
        for heading, names in self._groups:
            yield Group(heading, tuple(self[name] for name in names))

    def clean(self) -> dict[str, Any]:
        found = super().clean() or self.cleaned_data
        added = [found.get(name) not in {"", None} for name in ("who", "topic", "weight")]
        if any(added) and not all(added) and not {"who", "topic", "weight"} & set(self.errors):
            self.add_error("who", _("足すときは、だれに、話題、重みの三つとも入れてください。"))
        return found

    def document(self) -> dict[str, Any]:
        """The whole prior as `recommender.domain.priors.from_json` reads it; a weight of 0 about a topic is left out."""
        found = dict(self._document)
        tables: dict[str, Any] = {
            name: dict(found[name]) for name in ("base", "half_life_days", "attribute_topic")
        }
        rows = {
            (key, value): dict(topics)
            for key, values in found["attribute_topic"].items()
            for value, topics in values.items()
        }
        for name, path in self._paths.items():
            number = self.cleaned_data[name]
            if len(path) == 1:
                found[name] = number
            elif path[0] == "attribute_topic":
                rows[path[1], path[2]][path[3]] = number
            else:
                tables[path[0]][path[1]] = number
        if self.cleaned_data.get("who"):
            key, _equals, value = self.cleaned_data["who"].partition("=")
            rows.setdefault((key, value), {})[self.cleaned_data["topic"]] = self.cleaned_data["weight"]
        tables["attribute_topic"] = {}
        for (key, value), topics in rows.items():
            kept = {topic: number for topic, number in topics.items() if number}
            if kept:
                tables["attribute_topic"].setdefault(key, {})[value] = kept
        return {**found, **tables}


def _values(key: str) -> list[str]:
    return list(DEFINITIONS[key].options)


# --- a rule ------------------------------------------------------------------------------------------------------


class RuleForm(forms.Form):
    """One rule; what it names is one choice of items, topics, providers and kinds."""

    target = forms.ChoiceField(label=gettext_lazy("何を"))
    effect = forms.ChoiceField(
        label=gettext_lazy("どうする"),
        choices=[
            ("pin", gettext_lazy("先頭に出す（一つの項目だけ。同時に2件まで）")),
            ("up", gettext_lazy("上げる")),
            ("down", gettext_lazy("下げる")),
            ("hide", gettext_lazy("一覧に出さない")),
        ],
        widget=forms.RadioSelect,
        initial="up",
    )
    strength = forms.FloatField(
        label=gettext_lazy("強さ（上げる、下げるとき）"),
        help_text=gettext_lazy("0.1 から 3 まで。0.7 は、2倍開かれやすい項目と同じ高さです。"),
        min_value=rules.LEAST_AMOUNT,
        max_value=rules.MOST_AMOUNT,
        initial=0.7,
        required=False,
        widget=forms.NumberInput(attrs={"step": 0.1}),
    )
    starts_at = JapaneseDateTimeField(label=pgettext_lazy("beginning", "いつから"))
    ends_at = JapaneseDateTimeField(
        label=gettext_lazy("いつまで"),
        help_text=gettext_lazy("その時刻になると、だれも何もしなくても終わります。1年より長くはできません。"),
    )
    audience = AudienceFormField(
        label=gettext_lazy("だれに（選ばなければ全員）"),
        required=False,
    )
    reason = forms.CharField(
        label=gettext_lazy("理由"),
        help_text=gettext_lazy("住民にも「順番の決まり方」で見えます。"),
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=500,
    )

    def __init__(
        self, catalogue: Catalogue, *args: Any, item: str = "", now: datetime, locale: str, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._now = now
        chosen = item or _item_of(self.data.get("target", ""))
        self.fields["target"].choices = _targets(catalogue, chosen, locale)  # type: ignore[attr-defined]
        if item:
            self.initial["target"] = f"item:{item}"
        tomorrow = region_local(now).replace(minute=0, second=0, microsecond=0)
        self.initial.setdefault("starts_at", tomorrow.strftime(_LOCAL))
        self.initial.setdefault("ends_at", (tomorrow + timedelta(days=7)).strftime(_LOCAL))

    def clean_audience(self) -> dict[str, Any]:
        found: dict[str, Any] = self.cleaned_data["audience"] or {}
        return {key: values for key, values in found.items() if key in EDITABLE_KEYS}

    def clean(self) -> dict[str, Any]:
        found = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                self.rule().check(self._now)
            except RuleRefusedError as error:
                field = {"amount": "strength"}.get(error.field, error.field)
                self.add_error(field if field in self.fields else None, refusal(error))
        return found

    def rule(self) -> Rule:
        """The rule as it was filled in; call it when nothing is wrong with the fields."""
        found = self.cleaned_data
        of, _colon, target = found["target"].partition(":")
        effect, strength = found["effect"], found.get("strength") or 0.0
        amounts = {"up": strength, "down": -strength}
        return Rule(
            id=0,
            effect="boost" if effect in amounts else effect,
            of=of,
            target=target,
            amount=amounts.get(effect, 0.0),
            audience=found.get("audience", {}),
            reason=found["reason"].strip(),
            starts_at=found["starts_at"],
            ends_at=found["ends_at"],
        )


def refusal(error: RuleRefusedError) -> str:
    """What is wrong with a rule, at its field."""
    words = {
        "target": _("先頭に出せるのは、一つの項目だけです。「順番を見る」で項目を選んでください。"),
        "amount": _("上げる、下げるには、0.1 から 3 までの強さを入れてください。"),
        "ends_at": _("終わりは、いまより後で、始まりから1年以内にしてください。"),
        "count": _("決まりは、同時に%(most)s件までです。要らないものを先に終わらせてください。")
        % {"most": rules.MOST_RULES},
    }
    return words.get(error.field, sentence(error))


def _item_of(target: str) -> str:
    of, _colon, name = target.partition(":")
    return name if of == "item" else ""


def _targets(catalogue: Catalogue, item: str, locale: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """An item that was chosen before, then topics, providers and kinds of what is published."""
    found = []
    row = catalogue.compiled.index.get(item)
    if row is not None:
        found.append((_("選んだ項目"), [(f"item:{item}", pick(catalogue.entries[row].title, locale))]))
    topics = [(f"topic:{topic}", pick(TOPICS[topic], locale)) for topic in TOPICS]
    providers = sorted({entry.item.provider for entry in catalogue.entries if entry.item.provider})
    kinds = [(f"kind:{kind}", kind_in_words(kind)) for kind in KINDS]
    found += [(_("話題"), topics), (pgettext("sort", "種類"), kinds)]
    if providers:
        found.append((_("提供者"), [(f"provider:{name}", name) for name in providers]))
    return found
