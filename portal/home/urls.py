"""Addresses of the home; they stand before Wagtail's, so that no page tree is walked for it."""

from django.urls import path

from portal.home import acts, views

app_name = "home"
urlpatterns = [
    path("", views.home, name="home"),
    path("guest/", views.guest, name="guest"),
    path("all-news/", views.news, name="news"),
    path("for-you/open/<str:token>/<str:item>/", acts.opened, name="opened"),
    path("for-you/not-for-me/", acts.not_for_me, name="not_for_me"),
    path("for-you/show-again/", acts.show_again, name="show_again"),
]
