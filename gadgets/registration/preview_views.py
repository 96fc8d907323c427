"""The preview of a gadget for its provider: its real card for people who do not exist, in each size and language.

The cards come through the door with tokens of this moment, all at once, and are kept nowhere.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import mark_safe
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from core.texts import Texts
from gadgets import queries
from gadgets.outbound.outside_transaction import give_back_connections
from gadgets.protocol.manifest import Manifest
from gadgets.registration import check_environment
from gadgets.rgadget.drawing import PEOPLE, Choice, Shown, cases, one
from gadgets.web import signed_in

THEMES = ("light", "dark")


@require_safe
@never_cache
@signed_in
def preview(request: HttpRequest, resident_id: UUID, gadget_id: str) -> HttpResponse:
    """`?person=`, `?size=`, `?locale=`, `?theme=`; what is unknown counts as not chosen."""
    view = queries.gadget_for_member(gadget_id, resident_id)
    if view is None:
        raise Http404
    manifest = view.current.manifest if view.current else None
    given = {name: [str(value)] for name, value in request.GET.items()}
    first: dict[str, list[str]] = {"size": [manifest.sizes[0]]} if manifest else {}
    choice = Choice.of({**first, **given})
    theme = request.GET.get("theme", "")
    shown = _drawn(manifest, gadget_id, choice) if manifest and manifest.endpoints.card else []
    context: dict[str, Any] = {
        "view": view,
        "choice": choice,
        "theme": theme if theme in THEMES else THEMES[0],
        "themes": THEMES,
        "people": [(code, _in_words(texts)) for code, texts in PEOPLE.items()],
        "sizes": manifest.sizes if manifest else (),
        "locales": settings.LANGUAGES,
        "shown": [(item, mark_safe(item.html)) for item in shown],  # noqa: S308  drawn by gadgets.cards.drawing
        "manifest": manifest,
    }
    return render(request, "gadgets/preview.html", context)


def _drawn(manifest: Manifest, gadget_id: str, choice: Choice) -> list[Shown]:
    env = check_environment.environment(gadget_id)
    language = "en" if get_language() == "en" else "ja"
    wanted = cases(manifest, choice)
    give_back_connections()
    with ThreadPoolExecutor(max_workers=4, thread_name_prefix="preview") as pool:
        return list(pool.map(lambda case: one(manifest, env, case, language), wanted))


def _in_words(texts: Mapping[str, str] | Texts) -> str:
    return texts.get("en" if get_language() == "en" else "ja") or texts["ja"]
