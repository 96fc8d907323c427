"""The editor's side panel that says how many residents a page's audience reaches, never a small number."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.forms.widgets import Media
from django.http import HttpRequest, JsonResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from wagtail.admin.ui.side_panels import BaseSidePanel
from wagtail.admin.views.pages.create import CreateView
from wagtail.admin.views.pages.edit import EditView

from identity.actions import ask_reach
from identity.domain.audience import K_REACH, Audience
from identity.domain.roles import Actor
from identity.errors import NoSuchResident
from identity.queries import actor_in
from portal.content.editing.forms import AudienceFormField
from portal.content.editing.vocabulary import audience_in_words, stored_audience


def _actor(request: HttpRequest) -> Actor:
    try:
        return actor_in(request)
    except NoSuchResident as error:
        raise PermissionDenied from error


def reach_in_words(audience: Audience, by: Actor) -> str:
    """One sentence for the editor; that they asked is kept in the audit chain."""
    if not audience.clauses:
        return _("全員に届きます。")
    count = ask_reach(audience=audience, by=by)
    if count is None:
        return _("%(k)d人未満のため人数は出しません。対象を広げることを考えてください。") % {"k": K_REACH}
    return _("約 %(count)s人（10人きざみ）") % {"count": f"{count:,}"}


def reach_view(request: HttpRequest) -> JsonResponse:
    """The sentences for an audience that is being picked; the fields are named as in the editor's form."""
    field = AudienceFormField(required=False)
    picked: Any = field.widget.value_from_datadict(request.GET, {}, "audience")
    try:
        audience = Audience.parse(field.clean(picked))
    except ValidationError as error:
        return JsonResponse({"words": "", "reach": " ".join(error.messages)}, status=400)
    return JsonResponse(
        {"words": audience_in_words(audience, "ja"), "reach": reach_in_words(audience, _actor(request))}
    )


class ReachSidePanel(BaseSidePanel):
    """「届く人数」 of the audience as it was last saved; the page's script renews it while choices change."""

    class SidePanelToggle(BaseSidePanel.SidePanelToggle):
        aria_label = gettext_lazy("届く人数を開く・閉じる")
        icon_name = "group"
        has_counter = False

    name = "reach"
    title = gettext_lazy("届く人数")
    template_name = "content/admin/reach_panel.html"
    order = 150

    def get_context_data(self, parent_context: Mapping[str, Any]) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(parent_context)
        audience = stored_audience(self.object.audience)
        reach = reach_in_words(audience, _actor(self.request))
        return {**context, "words": audience_in_words(audience, "ja"), "reach": reach}

    @property
    def media(self) -> Media:
        return Media(js=["content/reach.js"])


class ReachEditView(EditView):
    """Wagtail's editor with the panel."""

    def get_side_panels(self) -> Any:
        return _with_reach(self, super().get_side_panels())


class ReachCreateView(CreateView):
    """Wagtail's form for a new page with the panel."""

    def get_side_panels(self) -> Any:
        return _with_reach(self, super().get_side_panels())


def _with_reach(view: Any, panels: Any) -> Any:
    if not getattr(view, "expects_json_response", False):
        panels.append(ReachSidePanel(view.page, view.request))
    return panels
