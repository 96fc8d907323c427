"""What every page template may use: the region, the language switch and who is signed in."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import translate_url
from django.utils.functional import SimpleLazyObject
from django.utils.translation import get_language

from core.forms import form_pages
from core.region import theme
from core.region.current import current_region
from core.region_time import region_now
from core.texts import pick
from identity.household import authority
from identity.sessions import person, portal_sessions

LANGUAGE_LABELS = (("ja", "日本語", "ja"), ("ja-simple", "やさしい日本語", "ja"), ("en", "English", "en"))


def _languages(request: HttpRequest) -> list[dict[str, Any]]:
    current = get_language()
    return [
        {
            "code": code,
            "label": label,
            "html_lang": html_lang,
            "current": code == current,
            "url": translate_url(form_pages.address(request), code),
        }
        for code, label, html_lang in LANGUAGE_LABELS
    ]


def _until(request: HttpRequest) -> datetime | None:
    """When the session ends if nothing more happens; None where nobody is signed in."""
    left = portal_sessions.seconds_left(request)
    return region_now() + timedelta(seconds=left) if left else None


def portal(request: HttpRequest) -> dict[str, Any]:
    """`region_name`, `region_attribution`, `region_digest`, `source_attributions`, `html_lang`, `languages`, `this_page`, `signed_in`, `acting`, `session_left`, `session_until`, `demo`, `portal_url`, `id_site`."""
    locale, region = get_language() or "ja", current_region()
    return {
        "region_name": pick(region.portal_name, locale),
        "region_attribution": pick(region.attribution, locale),
        "region_digest": theme.digest(),
        "source_attributions": region.source_attributions,
        "html_lang": "en" if locale == "en" else "ja",
        # Wagtail's admin means a Locale of its own by this name.
        **({} if request.path_info.startswith("/admin/") else {"locale": locale}),
        "languages": SimpleLazyObject(lambda: _languages(request)),
        # Where signing in leads back to: a page, also from the answer to a form.
        "this_page": SimpleLazyObject(lambda: form_pages.address(request)),
        "signed_in": SimpleLazyObject(lambda: person.signed_in(request)),
        # The home fills the banner in for each request; its pages are drawn once for everybody.
        "acting": SimpleLazyObject(lambda: authority.acting(request)),
        "session_left": SimpleLazyObject(lambda: portal_sessions.seconds_left(request)),
        "session_until": SimpleLazyObject(lambda: _until(request)),
        "demo": settings.DEMO,
        "portal_url": settings.PORTAL_URL,
        "id_site": getattr(request, "id_site", False),
    }
