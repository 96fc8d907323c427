"""The editor's form of a page: nobody has to make up an address for a Japanese title."""

from typing import Any

from django.utils import timezone
from django.utils.text import slugify
from wagtail.admin.forms import WagtailAdminPageForm
from wagtail.admin.forms.pages import CopyForm
from wagtail.models import Page

from core.region_time import region_date
from portal.alerts.alert_words import faults

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

    @property
    def publishes(self) -> bool:
        """Whether the page goes out with this form, now or by the clock, or to somebody who lets it go out."""
        return any(name in self.data for name in ("action-publish", "action-submit"))

    def _address(self) -> str:
        words = slugify(self.cleaned_data.get("title_en") or "")[:LONGEST].strip("-")
        base = words or f"{region_date():%Y%m%d}"
        candidate, number = base, 1
        while not Page._slug_is_available(candidate, self.parent_page, self.instance):
            number += 1
            candidate = f"{base}-{number}"
        return candidate


class AlertPageForm(RegionPageForm):
    """What an alert lacks is told at its field before it goes out; a draft may lack it."""

    def _post_clean(self) -> None:
        super()._post_clean()
        if self.publishes and not self.instance.live:  # a page that is out already is checked by the model
            for field, words in faults(self.instance, timezone.now()).items():
                if field not in self.errors:
                    self.add_error(field, words)


class DraftCopyForm(CopyForm):
    """A copy of an alert is a draft: nothing is announced twice because somebody copied a page."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields.pop("publish_copies", None)
