"""Addresses of the public figures of the order."""

from django.urls import path

from portal.figures import model_pages, views

app_name = "figures"
urlpatterns = [
    path("figures/ranking/", views.page, name="ranking"),
    path("figures/ranking/model/", model_pages.page, name="model"),
    path("figures/ranking/<str:month>.csv", views.table, name="ranking_csv"),
    path("figures/ranking/<str:month>/", views.page, name="ranking_month"),
]
