"""Serves the alert files as they lie on the disk: no database, no session, no template."""

from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from portal.alerts import alert_files


@require_safe
def alerts_json(_request: HttpRequest) -> HttpResponse:
    """The file for programs."""
    return _file(alert_files.JSON_NAME, "application/json; charset=utf-8", alert_files.render_json)


@require_safe
def alerts_html(_request: HttpRequest) -> HttpResponse:
    """The page for people, without any style or script."""
    return _file(alert_files.HTML_NAME, "text/html; charset=utf-8", alert_files.render_html)


def _file(name: str, content_type: str, empty: alert_files.Render) -> HttpResponse:
    try:
        text = (Path(settings.ALERTS_DIR) / name).read_text(encoding="utf-8")
    except FileNotFoundError:
        text = empty((), timezone.now())
    response = HttpResponse(text, content_type=content_type)
    response.headers["Cache-Control"] = "public, max-age=10"
    return response
