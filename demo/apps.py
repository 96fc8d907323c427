"""Registers the demo with Django, for `manage.py seed_demo`."""

from django.apps import AppConfig


class DemoConfig(AppConfig):
    name = "demo"
