"""Registers the gadgets package with Django."""

from django.apps import AppConfig


class GadgetsConfig(AppConfig):
    name = "gadgets"
    default_auto_field = "django.db.models.BigAutoField"
