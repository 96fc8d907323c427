"""Blocks of which an editor builds a page's body and the zones of the home."""

from typing import Any

from django import forms
from django.utils.functional import cached_property
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from wagtail import blocks
from wagtail.images.blocks import ImageChooserBlock

from core.texts import pick

RICH_TEXT = ("h3", "h4", "ol", "ul", "link", "bold")
SIZES = (("S", _("小")), ("M", _("中")), ("L", _("大")))
ZONES = ("for_you", "gadgets", "events", "news")
"""Alerts are none: they stand above all zones, whatever these are."""


def gadget_choices() -> list[tuple[str, str]]:
    """Published gadgets, as the editor's list of choices."""
    from gadgets.queries import registry  # the page models import these blocks before gadgets has its own

    locale = get_language() or "ja"
    return [(gadget.id, pick(gadget.title, locale)) for gadget in registry().gadgets.values()]


class GadgetIdBlock(blocks.FieldBlock):
    """The id of a published gadget; stored as text, so that a suspended gadget does not break the page."""

    def __init__(self, required: bool = True, **kwargs: Any) -> None:
        self.needed = required
        super().__init__(**kwargs)

    @cached_property
    def field(self) -> forms.Field:
        return _GadgetIdField(required=self.needed)

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        """Stands as plain text in migrations."""
        return "wagtail.blocks.CharBlock", [], {"required": self.needed}


class _GadgetIdField(forms.ChoiceField):
    """A choice whose present value stays valid after its gadget left the registry."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(choices=gadget_choices, **kwargs)

    def valid_value(self, value: Any) -> bool:
        return super().valid_value(value) or "." in str(value)


class NoticeBlock(blocks.StructBlock):
    """A boxed sentence."""

    level = blocks.ChoiceBlock(
        choices=[("info", _("お知らせ")), ("warning", _("注意")), ("error", _("警告"))],
        default="info",
        label=pgettext_lazy("sort", "種類"),
    )
    text = blocks.TextBlock(label=_("文"))

    class Meta:
        icon = "warning"
        label = _("囲み")
        template = "content/blocks/notice.html"


class GadgetBlock(blocks.StructBlock):
    """Shows the card of a gadget inside a page."""

    gadget = GadgetIdBlock(label=_("ガジェット"))
    size = blocks.ChoiceBlock(choices=SIZES, default="M", label=_("大きさ"))

    class Meta:
        icon = "grip"
        label = _("ガジェット")
        template = "content/blocks/gadget.html"


class PictureBlock(blocks.StructBlock):
    """A picture with the text that stands for it; without that text it is refused."""

    image = ImageChooserBlock(label=_("画像（写真や図）"))
    alt = blocks.CharBlock(
        max_length=200, label=_("代わりの文"), help_text=_("画像が見えない人に、何が写っているかを伝えます。")
    )
    caption = blocks.CharBlock(required=False, max_length=200, label=_("説明"))

    class Meta:
        icon = "image"
        label = _("画像（写真や図）")
        template = "content/blocks/picture.html"


class BodyBlock(blocks.StreamBlock):
    """The body of a page. No raw HTML."""

    paragraph = blocks.RichTextBlock(
        features=list(RICH_TEXT), label=_("文章"), template="content/blocks/paragraph.html"
    )
    notice = NoticeBlock()
    gadget = GadgetBlock()
    picture = PictureBlock()

    class Meta:
        required = False


class ZoneBlock(blocks.StructBlock):
    """A zone of the home with its heading in each language; an empty heading takes the usual one."""

    title = blocks.CharBlock(required=False, max_length=60, label=_("見出し"))
    title_en = blocks.CharBlock(required=False, max_length=60, label=_("見出し(英語)"))
    title_simple = blocks.CharBlock(required=False, max_length=60, label=_("見出し(やさしい日本語)"))


class SlotBlock(blocks.StructBlock):
    """A gadget that everybody has at first; a locked one cannot be removed by a resident."""

    gadget = GadgetIdBlock(label=_("ガジェット"))
    size = blocks.ChoiceBlock(choices=SIZES, default="M", label=_("大きさ"))
    locked = blocks.BooleanBlock(required=False, label=_("外せない"))


class GadgetsZoneBlock(ZoneBlock):
    """The zone of cards with the default slots."""

    slots = blocks.ListBlock(SlotBlock(), required=False, default=[], label=_("はじめから置くガジェット"))


class ZonesBlock(blocks.StreamBlock):
    """The zones of the home, in their order."""

    for_you = ZoneBlock(label=_("あなたへ"), icon="user")
    gadgets = GadgetsZoneBlock(label=_("ガジェット"), icon="grip")
    events = ZoneBlock(label=_("イベント"), icon="date")
    news = ZoneBlock(label=_("お知らせ"), icon="doc-full")

    class Meta:
        block_counts = {zone: {"max_num": 1} for zone in ZONES}
