"""Addresses of the static alert files, for the demo; a city's nginx serves the same files by itself."""

from django.urls import path

from portal.content import views

urlpatterns = [
    path("alerts.json", views.alerts_json, name="alerts_json"),
    path("alerts.html", views.alerts_html, name="alerts_html"),
]
