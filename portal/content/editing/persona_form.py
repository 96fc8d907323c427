"""The form of a persona: its names, and each attribute with the choices that a resident has."""

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from wagtail.admin.forms import WagtailAdminModelForm

from identity.domain.attributes import DEFINITIONS, SETTABLE, from_json, known_values, to_json
from portal.content.editing.vocabulary import audience_choices
from portal.content.models import GUEST, Persona

MOST = 20
"""A dry run makes two homes for each of them."""
PREFIX = "attribute_"
UNSAID = ("", _("（指定しない）"))


def field_name(key: str) -> str:
    """The form's name for an attribute: dots would part an address in scripts of the admin."""
    return PREFIX + key.replace(".", "-")


def _field(key: str) -> forms.Field:
    label, choices = audience_choices(key)
    if DEFINITIONS[key].kind == "many":
        return forms.MultipleChoiceField(
            label=label, choices=choices, required=False, widget=forms.CheckboxSelectMultiple
        )
    return forms.ChoiceField(label=label, choices=[UNSAID, *choices], required=False)


class PersonaForm(WagtailAdminModelForm):
    """One field for each attribute, in the order of the vocabulary. Stores the attributes as a resident's would be; refuses the guest's key and more than `MOST`."""

    class Meta:
        model = Persona
        fields: ClassVar[list[str]] = ["key", "name", "name_simple", "name_en", "order"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields |= {field_name(key): _field(key) for key in SETTABLE}
        for key, value in to_json(known_values(from_json(self.instance.attributes))).items():
            self.initial[field_name(key)] = str(value).lower() if isinstance(value, bool) else value
        if self.instance.pk:
            self.fields["key"].disabled = True

    def clean_key(self) -> str:
        """The guest is always there and is no persona."""
        key = str(self.cleaned_data["key"])
        if key == GUEST:
            raise ValidationError(_("「%(key)s」は使えません。"), params={"key": key})
        return key

    def clean(self) -> Any:
        if self.instance.pk is None and Persona.objects.count() >= MOST:
            raise ValidationError(_("架空の人は%(most)d人までです。"), params={"most": MOST})
        return super().clean()

    def save(self, commit: bool = True) -> Any:
        chosen = {key: self.cleaned_data[field_name(key)] for key in SETTABLE}
        said = {
            key: tuple(value) if isinstance(value, list) else value for key, value in chosen.items() if value
        }
        self.instance.attributes = to_json(known_values(said))
        return super().save(commit)
