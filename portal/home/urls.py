"""Addresses of the home; they stand before Wagtail's, so that no page tree is walked for it."""

from django.urls import path

from portal.home import views
from portal.home.feedback import item_actions

app_name = "home"
urlpatterns = [
    path("", views.home, name="home"),
    path("guest/", views.guest, name="guest"),
    path("all-news/", views.news, name="news"),
    path("for-you/open/<str:token>/<str:item>/", item_actions.opened, name="opened"),
    path("for-you/not-for-me/", item_actions.not_for_me, name="not_for_me"),
    path("for-you/show-again/", item_actions.show_again, name="show_again"),
]
