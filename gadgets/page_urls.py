"""Addresses of pages: catalogue, a gadget's own page, arranging the home, the provider's console."""

from django.urls import path

from gadgets import views as gadgets_views
from gadgets.cards import report_views
from gadgets.cityos import views as cityos_views
from gadgets.forms import views as forms_views
from gadgets.frames import views as frames_views
from gadgets.layout import catalogue_views
from gadgets.layout import views as layout_views
from gadgets.metrics import views as metrics_views
from gadgets.operation import views as operation_views
from gadgets.providers import console_views, organisation_views
from gadgets.registration import preview_views

app_name = "gadgets"
urlpatterns = [
    path("gadgets/", catalogue_views.catalogue, name="catalogue"),
    path("gadgets/<str:gadget_id>/", layout_views.page, name="page"),
    path("gadgets/<str:gadget_id>/add", layout_views.add, name="add"),
    path("gadgets/<str:gadget_id>/remove", layout_views.remove, name="remove"),
    path("gadgets/<str:gadget_id>/move", layout_views.move, name="move"),
    path("gadgets/<str:gadget_id>/settings", layout_views.settings, name="settings"),
    path("gadgets/<str:gadget_id>/forms/<str:name>/", forms_views.form, name="form"),
    path("gadgets/<str:gadget_id>/report/", report_views.report, name="report"),
    path("gadgets/<str:gadget_id>/frame/", frames_views.frame, name="frame"),
    path("fragments/card/<str:gadget_id>", gadgets_views.card_fragment, name="fragment"),
    path("connections/", cityos_views.connections, name="connections"),
    path("provider/contracts/", cityos_views.contracts_page, name="contracts"),
    path("provider/contracts/<int:contract_id>/", cityos_views.decide, name="contract"),
    path("home/arrange/", layout_views.arrange, name="arrange"),
    path("provider/", console_views.console, name="console"),
    path("provider/organisations/", console_views.create_organisation, name="create_organisation"),
    path("provider/organisations/<int:provider_id>/", organisation_views.page, name="organisation"),
    path("provider/organisations/<int:provider_id>/step/", organisation_views.step, name="organisation_step"),
    path("provider/contact/<str:token>/", organisation_views.contact, name="contact"),
    path("provider/join/", organisation_views.join, name="join"),
    path("provider/register/", console_views.register, name="register"),
    path("provider/gadgets/<str:gadget_id>/", console_views.detail, name="provider_gadget"),
    path("provider/gadgets/<str:gadget_id>/checks/", console_views.checks, name="provider_checks"),
    path("provider/gadgets/<str:gadget_id>/life/", operation_views.decide, name="provider_life"),
    path("provider/gadgets/<str:gadget_id>/preview/", preview_views.preview, name="provider_preview"),
    path("provider/gadgets/<str:gadget_id>/figures/", metrics_views.page, name="provider_figures"),
    path(
        "provider/gadgets/<str:gadget_id>/figures.csv",
        metrics_views.table,
        name="provider_figures_csv",
    ),
    path("provider/gadgets/<str:gadget_id>/say/", console_views.say, name="provider_say"),
    path("provider/gadgets/<str:gadget_id>/step/", console_views.step, name="provider_step"),
]
