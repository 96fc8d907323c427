"""Addresses for machines and scripts; no language stands in them."""

from django.urls import path

from gadgets import views, views_calendar

app_name = "gadgets_wire"
urlpatterns = [
    path("schemas/<str:name>.json", views.schema, name="schema"),
    path(".well-known/jwks.json", views.jwks, name="jwks"),
    path("fragments/card/<str:gadget_id>", views.card_fragment, name="card"),
    path("gadgets/<str:gadget_id>/dates.ics", views_calendar.dates, name="dates"),
    path("gadgets/<str:gadget_id>/manifest.json", views.manifest, name="manifest"),
]
