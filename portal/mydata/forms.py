"""The form with which a resident fills in, changes or clears attributes; every field may be left empty."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from core.texts import pick
from identity.domain import attributes
from identity.domain.attributes import Definition, Value
from portal.mydata.overview import anchor

NOTHING_CAME = _lazy("フォームの項目が届きませんでした。何も変えていません。もう一度お送りください。")
_LISTS = tuple(key for key in attributes.SETTABLE if attributes.DEFINITIONS[key].kind != "many")


def field_name(key: str) -> str:
    """Form fields cannot hold a dot."""
    return key.replace(".", "-")


class AttributesForm(forms.Form):
    """One field for each attribute that a resident may set, built from the vocabulary in the reader's language."""

    def __init__(
        self, data: QueryDict | None = None, *, locale: str, initial: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(data, initial=dict(initial or {}), label_suffix="")
        self._locale = locale
        for key in attributes.SETTABLE:
            self.fields[field_name(key)] = _field(attributes.DEFINITIONS[key], locale)

    @staticmethod
    def initial_of(values: Mapping[str, Value]) -> dict[str, Any]:
        """The resident's values as the form's first state."""
        return {
            field_name(key): str(value).lower() if isinstance(value, bool) else value
            for key, value in values.items()
        }

    def clean(self) -> dict[str, Any]:
        """More and less of the same topic is a contradiction that only its writer can resolve.

        A browser always sends a list of choices, chosen or not: where none came, nothing is meant to be cleared.
        """
        cleaned = super().clean() or self.cleaned_data
        if not any(field_name(key) in self.data for key in _LISTS):
            raise forms.ValidationError(NOTHING_CAME)
        both = [code for code in cleaned.get("interests", ()) if code in cleaned.get("avoids", ())]
        if both:
            names = attributes.value_label("interests", tuple(both), self._locale)
            self.add_error(
                "avoids",
                _("%(names)sは、関心のある話題にも入っています。どちらか一つにしてください。")
                % {"names": names},
            )
        return cleaned

    def values(self) -> dict[str, object]:
        """What was sent, by attribute key; an empty one clears, one that did not come stays."""
        return {
            key: self.cleaned_data[field_name(key)]
            for key in attributes.SETTABLE
            if key not in _LISTS or field_name(key) in self.data
        }


def _field(known: Definition, locale: str) -> forms.ChoiceField:
    choices = [(code, pick(texts, locale)) for code, texts in known.options.items()]
    errors = {
        "invalid_choice": _("この項目は、一覧からえらんでください。"),
        "invalid_list": _("この項目は、一覧からえらんでください。"),
    }
    label = pick(known.label, locale)
    if known.kind == "many":
        return forms.MultipleChoiceField(
            choices=choices,
            required=False,
            label=label,
            error_messages=errors,
            widget=forms.CheckboxSelectMultiple(attrs={"id": f"field-{anchor(known.key)}"}),
        )
    return forms.ChoiceField(
        choices=[("", _("答えない")), *choices],
        required=False,
        label=label,
        error_messages=errors,
        widget=forms.Select(attrs={"id": f"field-{anchor(known.key)}"}),
    )
