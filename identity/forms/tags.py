"""`{% csrf_token %}` with one more hidden field: whom the form was drawn for. Every form has it, those of libraries too."""

from typing import Any

from django import template
from django.template.defaulttags import CsrfTokenNode
from django.utils.html import format_html
from django.utils.safestring import SafeString

from identity.forms import kept

register = template.Library()


class FormTokenNode(CsrfTokenNode):
    """Django's own field, and ours."""

    def render(self, context: Any) -> SafeString | str:
        token = super().render(context)
        request = context.get("request")
        mark = kept.drawn_for(request) if token and request is not None else ""
        return (
            token + format_html('<input type="hidden" name="{}" value="{}">', kept.FIELD, mark)
            if mark
            else token
        )


@register.tag
def csrf_token(parser: Any, token: Any) -> FormTokenNode:  # noqa: ARG001
    """Replaces Django's tag (`builtins` in the settings)."""
    return FormTokenNode()
