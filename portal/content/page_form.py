"""The editor's form of a page: nobody has to make up an address for a Japanese title."""

from typing import Any

from django.utils import timezone
from django.utils.text import slugify
from wagtail.admin.forms import WagtailAdminPageForm
from wagtail.models import Page

LONGEST = 60


class RegionPageForm(WagtailAdminPageForm):
    """An empty address is filled in: the words of the English title, or else the day."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "slug" in self.fields:
            self.fields["slug"].required = False

    def clean(self) -> dict[str, Any]:
        if "slug" in self.cleaned_data and not self.cleaned_data["slug"]:
            # While a draft is saved again and again, it keeps the address of the first time.
            self.cleaned_data["slug"] = self.instance.slug or self._address()
        cleaned: dict[str, Any] = super().clean()
        return cleaned

    def _address(self) -> str:
        words = slugify(self.cleaned_data.get("title_en") or "")[:LONGEST].strip("-")
        base = words or f"{timezone.localdate():%Y%m%d}"
        candidate, number = base, 1
        while not Page._slug_is_available(candidate, self.parent_page, self.instance):
            number += 1
            candidate = f"{base}-{number}"
        return candidate
