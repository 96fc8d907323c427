"""Draws a card or a whole tile where no portal runs: configures the least of Django that the card's templates need.

The provider's tool and the conformance checks use it. In the portal, whose settings are there already, `ready`
changes nothing.
"""

import os
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

from core.region.current import current_region
from gadgets.protocol.card import Card
from gadgets.protocol.manifest import Manifest
from gadgets.types import StoredCard, Unavailable


def ready() -> None:
    """Call before drawing. Idempotent."""
    from django.conf import settings
    from django.conf.locale import LANG_INFO

    if settings.configured or os.environ.get("DJANGO_SETTINGS_MODULE"):
        return
    here = Path(str(files("gadgets")))
    LANG_INFO.setdefault(
        "ja-simple",
        {"bidi": False, "code": "ja-simple", "name": "Easy Japanese", "name_local": "やさしい日本語"},
    )
    settings.configure(
        LANGUAGE_CODE="ja",
        LANGUAGES=[("ja", "日本語"), ("en", "English"), ("ja-simple", "やさしい日本語")],
        LOCALE_PATHS=[here.parent / "portal" / "locale"],
        TIME_ZONE=current_region().time_zone.key,
        USE_TZ=True,
        USE_I18N=True,
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "DIRS": [here / "templates"],
                "OPTIONS": {
                    "libraries": {
                        "gadget_words": "gadgets.templatetags.gadget_words",
                        "card_links": "gadgets.templatetags.card_links",
                    },
                    "builtins": ["core.templatetags.markup"],
                },
            }
        ],
    )
    import django

    django.setup()


def card_html(card: Card, *, locale: str, size: str = "L", old: bool = False) -> str:
    """The card as a page of the portal holds it."""
    from gadgets.cards.render import render  # its templates need the settings that `ready` makes

    ready()
    return render(card, locale=locale, size=size, old=old)


def stored(
    card: Card, manifest: Manifest, *, locale: str, now: datetime, size: str = "L", old: bool = False
) -> StoredCard:
    """The card as the portal would keep it for the manifest's times; `old`: as it is once these have passed."""
    fresh = now - timedelta(seconds=1) if old else now + timedelta(seconds=manifest.max_age)
    return StoredCard(
        html=card_html(card, locale=locale, size=size, old=old),
        summary=card.summary,
        fetched_at=now,
        fresh_until=fresh,
        stale_until=fresh + timedelta(seconds=manifest.stale),
        observed_at=card.observed_at,
        source=card.source,
        valid_until=card.valid_until,
    )


def tile(
    manifest: Manifest,
    held: StoredCard | Unavailable | None,
    *,
    locale: str,
    size: str,
    now: datetime,
    page_url: str = "",
    anchor: str = "",
) -> str:
    """The whole tile of a gadget on a home: title, provider, body, and the status in words.

    `page_url`: where the gadget's own page is, which the title leads to. `anchor` tells tiles of one page apart.
    """
    ready()
    from django.template.loader import get_template
    from django.utils import translation

    from gadgets import words  # translations, which need the settings that `ready` makes

    found = held if isinstance(held, StoredCard) else None
    with translation.override(locale):
        view: dict[str, Any] = {
            "gadget": {
                "id": manifest.id,
                "summary": manifest.summary,
                "card_url": manifest.endpoints.card or manifest.template,
                "has_card": bool(manifest.endpoints.card or manifest.template),
                "provider_name": manifest.provider.name,
            },
            "stored": found,
            "unavailable": held if isinstance(held, Unavailable) else None,
            "status": found.status(now) if found else "not_available",
            "as_of": words.as_of(found, now) if found else "",
            "source": words.source(found) if found else "",
            "public_form": False,
            "withheld": "",
        }
        context = {
            "view": view,
            "gadget": view["gadget"],
            "title": words.pick(manifest.title),
            "size": size.lower(),
            "anchor": anchor or manifest.id,
            "page_url": page_url,
            "login_url": manifest.endpoints.login or "",
        }
        return get_template("gadgets/conformance/tile.html").render(context)
