"""Model fields that hold an audience, topics or districts as checked JSON and edit as choices.

In migrations they stand as plain JSON fields, so that a migration imports no code of ours.
"""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from identity.domain.attributes import TOPICS
from identity.domain.audience import Audience, AudienceError
from portal.content.editing import forms
from portal.content.editing.vocabulary import EDITABLE_KEYS, district_codes


class _ChoiceJSONField(models.JSONField):
    """A JSON field with a form field of its own."""

    form_field: type[Any]
    empty_values: list[Any] = []  # an empty list is a value like any other, and is checked

    def deconstruct(self) -> Any:
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.JSONField", args, kwargs

    def formfield(
        self,
        form_class: Any = None,  # noqa: ARG002 (Django's own signature)
        choices_form_class: Any = None,  # noqa: ARG002
        **kwargs: Any,
    ) -> Any:
        return self.form_field(
            required=False,
            label=self.verbose_name,
            help_text=kwargs.get("help_text", self.help_text),
        )


class AudienceField(_ChoiceJSONField):
    """`{"area.district": ["busshozan"]}`: AND over the keys, OR within a key; empty means everybody."""

    form_field = forms.AudienceFormField

    def validate(self, value: Any, model_instance: models.Model | None) -> None:
        super().validate(value, model_instance)
        try:
            audience = Audience.parse(value)
        except AudienceError as error:
            raise ValidationError(str(error), code="audience") from error
        for key, _values in audience.clauses:
            if key not in EDITABLE_KEYS:
                raise ValidationError(
                    _("対象に「%(key)s」は使えません。"), code="audience_key", params={"key": key}
                )


class _ListField(_ChoiceJSONField):
    def allowed(self) -> frozenset[str]:
        raise NotImplementedError

    def validate(self, value: Any, model_instance: models.Model | None) -> None:
        super().validate(value, model_instance)
        if not isinstance(value, list):
            raise ValidationError(_("一覧で指定してください。"), code="list")
        for code in value:
            if code not in self.allowed():
                raise ValidationError(_("「%(code)s」は選べません。"), code="choice", params={"code": code})


class TopicsField(_ListField):
    """Codes of `identity.domain.attributes.TOPICS`."""

    form_field = forms.TopicsFormField

    def allowed(self) -> frozenset[str]:
        return frozenset(TOPICS)


class DistrictsField(_ListField):
    """Codes of the region's districts."""

    form_field = forms.DistrictsFormField

    def allowed(self) -> frozenset[str]:
        return district_codes()
