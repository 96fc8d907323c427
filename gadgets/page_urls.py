"""Addresses of pages: catalogue, a gadget's own page, arranging the home, the provider's console."""

from django.urls import path

from gadgets.cityos import views as cityos_views
from gadgets.pages import (
    views,
    views_catalogue,
    views_forms,
    views_frame,
    views_life,
    views_organisation,
    views_preview,
    views_provider,
    views_provider_figures,
    views_report,
    views_residents,
)

app_name = "gadgets"
urlpatterns = [
    path("gadgets/", views_catalogue.catalogue, name="catalogue"),
    path("gadgets/<str:gadget_id>/", views_residents.page, name="page"),
    path("gadgets/<str:gadget_id>/add", views_residents.add, name="add"),
    path("gadgets/<str:gadget_id>/remove", views_residents.remove, name="remove"),
    path("gadgets/<str:gadget_id>/move", views_residents.move, name="move"),
    path("gadgets/<str:gadget_id>/settings", views_residents.settings, name="settings"),
    path("gadgets/<str:gadget_id>/forms/<str:name>/", views_forms.form, name="form"),
    path("gadgets/<str:gadget_id>/report/", views_report.report, name="report"),
    path("gadgets/<str:gadget_id>/frame/", views_frame.frame, name="frame"),
    path("fragments/card/<str:gadget_id>", views.card_fragment, name="fragment"),
    path("connections/", cityos_views.connections, name="connections"),
    path("provider/contracts/", cityos_views.contracts_page, name="contracts"),
    path("provider/contracts/<int:contract_id>/", cityos_views.decide, name="contract"),
    path("home/arrange/", views_residents.arrange, name="arrange"),
    path("provider/", views_provider.console, name="console"),
    path("provider/organisations/", views_provider.create_organisation, name="create_organisation"),
    path("provider/organisations/<int:provider_id>/", views_organisation.page, name="organisation"),
    path("provider/organisations/<int:provider_id>/step/", views_organisation.step, name="organisation_step"),
    path("provider/contact/<str:token>/", views_organisation.contact, name="contact"),
    path("provider/join/", views_organisation.join, name="join"),
    path("provider/register/", views_provider.register, name="register"),
    path("provider/gadgets/<str:gadget_id>/", views_provider.detail, name="provider_gadget"),
    path("provider/gadgets/<str:gadget_id>/checks/", views_provider.checks, name="provider_checks"),
    path("provider/gadgets/<str:gadget_id>/life/", views_life.decide, name="provider_life"),
    path("provider/gadgets/<str:gadget_id>/preview/", views_preview.preview, name="provider_preview"),
    path("provider/gadgets/<str:gadget_id>/figures/", views_provider_figures.page, name="provider_figures"),
    path(
        "provider/gadgets/<str:gadget_id>/figures.csv",
        views_provider_figures.table,
        name="provider_figures_csv",
    ),
    path("provider/gadgets/<str:gadget_id>/say/", views_provider.say, name="provider_say"),
    path("provider/gadgets/<str:gadget_id>/step/", views_provider.step, name="provider_step"),
]
