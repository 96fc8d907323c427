"""How an editor picks audience, topics and districts: lists of choices, never raw JSON."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django import forms
from django.forms import widgets
from django.utils.translation import gettext_lazy as _

from portal.content.editing.vocabulary import EDITABLE_KEYS, audience_choices, district_choices, topic_choices

Choice = tuple[str, str]


class _KeyedCheckboxes(widgets.MultiWidget):
    """One list of choices for each attribute key, as fields of their own with a legend."""

    template_name = "content/widgets/audience.html"

    def __init__(self, fields: Mapping[str, tuple[str, Iterable[Choice]]], attrs: Any = None) -> None:
        self.keys = tuple(fields)
        self.legends = tuple(legend for legend, _choices in fields.values())
        super().__init__(
            {
                key.replace(".", "-"): widgets.CheckboxSelectMultiple(choices=list(choices))
                for key, (_legend, choices) in fields.items()
            },
            attrs,
        )

    def decompress(self, value: Any) -> list[Any]:
        chosen = value if isinstance(value, Mapping) else {}
        return [[_as_code(item) for item in chosen.get(key, [])] for key in self.keys]

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        for legend, subwidget in zip(self.legends, context["widget"]["subwidgets"], strict=True):
            subwidget["legend"] = legend
        return context

    def id_for_label(self, _id: str) -> str:
        """A group of groups has no single control that a label could point at."""
        return ""


class AudienceFormField(forms.MultiValueField):
    """Gives and takes `{"key": [values]}`; keys without a choice are left out."""

    def __init__(self, **kwargs: Any) -> None:
        choices = {key: audience_choices(key) for key in EDITABLE_KEYS}
        fields = [
            forms.MultipleChoiceField(choices=values, required=False) for _legend, values in choices.values()
        ]
        kwargs.setdefault("label", _("対象"))
        super().__init__(fields=fields, require_all_fields=False, widget=_KeyedCheckboxes(choices), **kwargs)

    def compress(self, data_list: list[list[str]]) -> dict[str, list[Any]]:
        return {
            key: [_as_value(key, code) for code in codes]
            for key, codes in zip(EDITABLE_KEYS, data_list or [[]] * len(EDITABLE_KEYS), strict=True)
            if codes
        }

    def has_changed(self, initial: Any, data: Any) -> bool:
        widget: Any = self.widget
        before = initial if isinstance(initial, list) else widget.decompress(initial)
        after = data or [[]] * len(before)
        return [sorted(codes) for codes in before] != [sorted(codes or []) for codes in after]


class _CodesFormField(forms.MultipleChoiceField):
    """Codes out of a vocabulary that is read when the form is made."""

    vocabulary: Callable[[], Iterable[Choice]]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            choices=list(type(self).vocabulary()), widget=widgets.CheckboxSelectMultiple, **kwargs
        )


class TopicsFormField(_CodesFormField):
    """Topics of a page."""

    vocabulary = staticmethod(topic_choices)


class DistrictsFormField(_CodesFormField):
    """Districts that a page is about."""

    vocabulary = staticmethod(district_choices)


def _as_code(value: Any) -> str:
    if value is True:
        return "true"
    return "false" if value is False else str(value)


def _as_value(key: str, code: str) -> Any:
    return code == "true" if key == "household.has_child" else code
