"""Addresses for machines and scripts; no language stands in them."""

from django.urls import path

from gadgets.cityos import views as cityos_views
from gadgets.pages import views, views_api, views_calendar, views_frame, views_images, views_regions

app_name = "gadgets_wire"
urlpatterns = [
    path("schemas/<str:name>.json", views.schema, name="schema"),
    path(".well-known/jwks.json", views.jwks, name="jwks"),
    path(".well-known/region-gadgets.json", views_regions.feed, name="feed"),
    path("gadgets/<str:gadget_id>/package.rgadget", views_regions.packed, name="package"),
    path("connections.csv", cityos_views.connections_csv, name="connections_csv"),
    path("connections.json", cityos_views.connections_json, name="connections_json"),
    path("api/provider/gadgets", views_api.gadgets, name="api_gadgets"),
    path("api/provider/gadgets/<str:gadget_id>", views_api.gadget, name="api_gadget"),
    path("api/provider/gadgets/<str:gadget_id>/check", views_api.check, name="api_check"),
    path("api/provider/gadgets/<str:gadget_id>/submit", views_api.submit, name="api_submit"),
    path("fragments/card/<str:gadget_id>", views.card_fragment, name="card"),
    path("fragments/image/<str:gadget_id>/<str:signed>", views_images.image, name="image"),
    path("gadgets/<str:gadget_id>/dates.ics", views_calendar.dates, name="dates"),
    path("gadgets/<str:gadget_id>/frame/token", views_frame.token, name="frame_token"),
    path("gadgets/<str:gadget_id>/manifest.json", views.manifest, name="manifest"),
]
