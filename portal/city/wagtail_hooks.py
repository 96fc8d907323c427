"""Puts the operators' desks into Wagtail's admin: the review of gadgets, and protected persons."""

from typing import Any

from django.http import HttpRequest
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from wagtail import hooks
from wagtail.admin.menu import MenuItem

from portal.city import faults, household, protection, ranking, regions, tuning, tuning_pages, views
from portal.figures import dashboard


class DeskMenuItem(MenuItem):
    """Shown to editors and operators."""

    def is_shown(self, request: HttpRequest) -> bool:
        return tuning.is_desk(request)


class OperatorMenuItem(MenuItem):
    """Shown to operators."""

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
    return OperatorMenuItem(
        _("サービスの審査"), reverse("city_review"), icon_name="clipboard-list", order=250
    )


@hooks.register("register_admin_urls")
def protection_urls() -> list[URLPattern]:
    """One look-up, one decision, and no list."""
    return [
        path("protection/", protection.ask, name="city_protection"),
        path("protection/decide/", protection.decide, name="city_protection_decide"),
    ]


@hooks.register("register_admin_menu_item")
def protection_menu_item() -> MenuItem:
    """The way to the look-up."""
    return OperatorMenuItem(_("保護が必要な方"), reverse("city_protection"), icon_name="lock", order=260)


@hooks.register("register_admin_urls")
def household_urls() -> list[URLPattern]:
    """What waits, and the decision on one."""
    return [
        path("households/", household.desk, name="city_household"),
        path("households/<uuid:guardianship>/decide/", household.decide, name="city_household_decide"),
    ]


@hooks.register("register_admin_menu_item")
def household_menu_item() -> MenuItem:
    """The way to the desk for households."""
    return OperatorMenuItem(_("家族の申し込み"), reverse("city_household"), icon_name="group", order=255)


@hooks.register("register_admin_urls")
def region_urls() -> list[URLPattern]:
    """Regions whose packages are trusted, and what they offer."""
    return [
        path("regions/", regions.desk, name="city_regions"),
        path("regions/look/", regions.look, name="city_region_look"),
        path("regions/trust/", regions.trust, name="city_region_trust"),
        path("regions/take/", regions.take, name="city_region_take"),
        path("regions/of/<str:code>/", regions.offers, name="city_region"),
        path("regions/of/<str:code>/forget/", regions.forget, name="city_region_forget"),
    ]


@hooks.register("register_admin_menu_item")
def region_menu_item() -> MenuItem:
    """The way to the desk for other regions."""
    return OperatorMenuItem(_("ほかの地域"), reverse("city_regions"), icon_name="globe", order=256)


@hooks.register("register_admin_urls")
def ranking_figures_urls() -> list[URLPattern]:
    """The order for a persona, what changes it, and its figures over days and months."""
    return [
        path("ranking/", ranking.page, name="city_ranking"),
        path("ranking/prior/", tuning_pages.prior, name="city_prior"),
        path("ranking/rules/", tuning_pages.rules, name="city_rules"),
        path("ranking/rules/<int:number>/end/", tuning_pages.end, name="city_rule_end"),
        path("ranking/figures/", dashboard.page, name="city_ranking_figures"),
    ]


@hooks.register("register_admin_menu_item")
def ranking_menu_item() -> MenuItem:
    """The way to the order for a persona."""
    return DeskMenuItem(_("おすすめ順の確認"), reverse("city_ranking"), icon_name="view", order=258)


@hooks.register("register_admin_menu_item")
def ranking_figures_menu_item() -> MenuItem:
    """The way to the board of the order."""
    return OperatorMenuItem(
        _("おすすめ順の数字"), reverse("city_ranking_figures"), icon_name="history", order=257
    )


@hooks.register("register_admin_urls")
def faults_urls() -> list[URLPattern]:
    """What failed in the sweeps."""
    return [path("faults/", faults.page, name="city_faults")]


@hooks.register("register_admin_menu_item")
def faults_menu_item() -> MenuItem:
    """The way to what failed in the sweeps."""
    return OperatorMenuItem(_("失敗している処理"), reverse("city_faults"), icon_name="warning", order=261)


@hooks.register("construct_homepage_panels")
def faults_panel(_request: HttpRequest, panels: list[Any]) -> None:
    """The first thing that is seen after signing in."""
    panels.append(faults.FaultsPanel())
