"""Addresses for machines and scripts; no language stands in them."""

from django.urls import path

from gadgets import views as gadgets_views
from gadgets.cards import calendar_views
from gadgets.cityos import views as cityos_views
from gadgets.disclosure import views as disclosure_views
from gadgets.federation import views as federation_views
from gadgets.frames import views as frames_views
from gadgets.images import views as images_views
from gadgets.providers import api_views

app_name = "gadgets_wire"
urlpatterns = [
    path("schemas/<str:name>.json", gadgets_views.schema, name="schema"),
    path(".well-known/jwks.json", gadgets_views.jwks, name="jwks"),
    path(".well-known/region-gadgets.json", federation_views.feed, name="feed"),
    path("gadgets/<str:gadget_id>/package.rgadget", federation_views.packed, name="package"),
    path("connections.csv", cityos_views.connections_csv, name="connections_csv"),
    path("connections.json", cityos_views.connections_json, name="connections_json"),
    path("api/claims", disclosure_views.claims, name="claims"),
    path("api/provider/gadgets", api_views.gadgets, name="api_gadgets"),
    path("api/provider/gadgets/<str:gadget_id>", api_views.gadget, name="api_gadget"),
    path("api/provider/gadgets/<str:gadget_id>/check", api_views.check, name="api_check"),
    path("api/provider/gadgets/<str:gadget_id>/submit", api_views.submit, name="api_submit"),
    path("fragments/card/<str:gadget_id>", gadgets_views.card_fragment, name="card"),
    path("fragments/image/<str:gadget_id>/<str:signed>", images_views.image, name="image"),
    path("gadgets/<str:gadget_id>/dates.ics", calendar_views.dates, name="dates"),
    path("gadgets/<str:gadget_id>/frame/token", frames_views.token, name="frame_token"),
    path("gadgets/<str:gadget_id>/manifest.json", gadgets_views.manifest, name="manifest"),
]
