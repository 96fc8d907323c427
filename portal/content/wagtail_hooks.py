"""What Wagtail's admin is told about our pages: the reach panel, its address, and whether an alert's file stands."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail import hooks
from wagtail.admin.auth import require_admin_access
from wagtail.admin.viewsets.model import ModelViewSet
from wagtail.admin.viewsets.pages import PageViewSet
from wagtail.models import Page

from portal.alerts import alert_files
from portal.content import tasks
from portal.content.editing import taking_down
from portal.content.editing.persona_form import PersonaForm
from portal.content.editing.reach import ReachCreateView, ReachEditView, reach_view
from portal.content.models import AlertPage, EventPage, GonePage, NewsPage, Persona, ServicePage


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


@hooks.register("before_edit_page")
def schedule_failed(request: HttpRequest, page: Any) -> None:
    """Tells the editor that the clock could not publish the page or take it down, and that it is tried again."""
    for fault in tasks.faults_of(page.pk) if request.method == "GET" else ():
        messages.error(
            request,
            _(
                "予定の時刻の処理に失敗しました（%(error)s、%(tries)d回）。予定はそのままで、毎分やり直します。"
            )
            % {"error": fault.error, "tries": fault.tries},
        )


@hooks.register("before_delete_page")
def ask_before_deleting(request: HttpRequest, page: Page) -> HttpResponse | None:
    return taking_down.ask(request, page, "delete")


@hooks.register("after_delete_page")
def keep_after_deleting(request: HttpRequest, _page: Page) -> None:
    taking_down.keep(request)


@hooks.register("before_unpublish_page")
def ask_before_unpublishing(request: HttpRequest, page: Page) -> HttpResponse | None:
    return taking_down.ask(request, page, "unpublish")


@hooks.register("after_unpublish_page")
def keep_after_unpublishing(request: HttpRequest, _page: Page) -> None:
    taking_down.keep(request)


@hooks.register("before_move_page")
def fixed_stay(request: HttpRequest, page: Page, _destination: Page) -> HttpResponse | None:
    return taking_down.refuse_fixed(request, page)


@hooks.register("before_copy_page")
def fixed_are_not_copied(request: HttpRequest, page: Page) -> HttpResponse | None:
    return taking_down.refuse_fixed(request, page)


@hooks.register("before_bulk_action")
def fixed_stay_in_bulk(request: HttpRequest, action: str, objects: Any, _action: Any) -> HttpResponse | None:
    return taking_down.refuse_bulk(request, action, objects)


class GoneViewSet(ModelViewSet):
    """The list of what was taken down; an editor changes the reason, or lets the address be forgotten."""

    model = GonePage
    icon = "doc-empty-inverse"
    menu_label = gettext_lazy("下げたページ")
    menu_order = 270
    add_to_admin_menu = True
    form_fields = ("explanation", "explanation_simple", "explanation_en", "target")
    list_display = ("path", "title", "target", "gone_at")
    inspect_view_enabled = False


@hooks.register("register_admin_viewset")
def gone_viewset() -> ModelViewSet:
    return GoneViewSet("content_gone")


class PersonaViewSet(ModelViewSet):
    """The made-up people of previews and dry runs; who may edit content may edit them."""

    model = Persona
    icon = "user"
    menu_label = gettext_lazy("架空の人")
    menu_order = 271
    add_to_admin_menu = True
    list_display = ("name", "key", "order")
    inspect_view_enabled = False
    copy_view_enabled = False

    def get_form_class(self, for_update: bool = False) -> type[PersonaForm]:  # noqa: ARG002 (Wagtail's own signature)
        return PersonaForm


@hooks.register("register_admin_viewset")
def persona_viewset() -> ModelViewSet:
    return PersonaViewSet("content_personas")


def _in_file(pk: int) -> bool:
    return any(alert.id == f"p{pk}" for alert in alert_files.read_files(settings.ALERTS_DIR))
