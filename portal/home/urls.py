"""Addresses of the home; they stand before Wagtail's, so that no page tree is walked for it."""

from django.urls import path

from portal.home import views

app_name = "home"
urlpatterns = [
    path("", views.home, name="home"),
    path("guest/", views.guest, name="guest"),
    path("all-news/", views.news, name="news"),
]
