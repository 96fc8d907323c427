"""Registers the home with Django."""

from django.apps import AppConfig


class HomeConfig(AppConfig):
    name = "portal.home"
