"""What Wagtail's admin is told about our pages: the reach panel, its address, and whether an alert's file stands."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest
from django.urls import path
from django.utils.translation import gettext as _
from wagtail import hooks
from wagtail.admin.auth import require_admin_access
from wagtail.admin.viewsets.pages import PageViewSet

from portal.content import alerts
from portal.content.models import AlertPage, EventPage, NewsPage, ServicePage
from portal.content.reach import ReachCreateView, ReachEditView, reach_view


def _viewset(page_model: type[Any]) -> PageViewSet:
    class ReachViewSet(PageViewSet):
        model = page_model
        add_view_class = ReachCreateView
        edit_view_class = ReachEditView

    return ReachViewSet(f"content_{page_model.__name__.lower()}")


@hooks.register("register_admin_viewset")
def page_viewsets() -> list[PageViewSet]:
    """Our page types have the reach panel in their editors."""
    return [_viewset(model) for model in (NewsPage, EventPage, AlertPage, ServicePage)]


@hooks.register("register_admin_urls")
def admin_urls() -> list[Any]:
    """The panel asks here while an editor picks an audience."""
    return [path("reach/", require_admin_access(reach_view), name="content_reach")]


@hooks.register("before_serve_page")
def closed_page_is_missing(page: Any, _request: HttpRequest, *_: Any) -> None:
    """Before Wagtail's own check, which would answer with a form for a password."""
    if page.get_view_restrictions():
        raise Http404


@hooks.register("after_publish_page")
def alert_file_stands(request: HttpRequest, page: Any) -> None:
    """Tells the editor when an alert is published but its static file could not be written."""
    if isinstance(page.specific, AlertPage) and not _in_file(page.pk):
        messages.error(
            request,
            _("緊急のお知らせは公開されましたが、静的ファイルに書けませんでした。運用者に知らせてください。"),
        )


def _in_file(pk: int) -> bool:
    return any(alert.id == f"p{pk}" for alert in alerts.read_files(settings.ALERTS_DIR))
