"""Registers the operators' desk with Django."""

from django.apps import AppConfig


class CityConfig(AppConfig):
    name = "portal.city"
    label = "city"
