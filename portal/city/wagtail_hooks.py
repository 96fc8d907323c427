"""Puts the review of gadgets into Wagtail's admin, for operators only."""

from django.http import HttpRequest
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from wagtail import hooks
from wagtail.admin.menu import MenuItem

from portal.city import views


class ReviewMenuItem(MenuItem):
    """Shown to whoever may review."""

    def is_shown(self, request: HttpRequest) -> bool:
        return views.is_operator(request)


@hooks.register("register_admin_urls")
def review_urls() -> list[URLPattern]:
    """The queue, one gadget, and the decision on it."""
    return [
        path("services/", views.queue, name="city_review"),
        path("services/<str:gadget_id>/", views.detail, name="city_review_gadget"),
        path("services/<str:gadget_id>/decide/", views.decide, name="city_review_decide"),
    ]


@hooks.register("register_admin_menu_item")
def review_menu_item() -> MenuItem:
    """The way to the queue."""
    return ReviewMenuItem(_("サービスの審査"), reverse("city_review"), icon_name="clipboard-list", order=250)
