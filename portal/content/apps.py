"""Connects the signals of the content pages when Django starts."""

from django.apps import AppConfig


class ContentConfig(AppConfig):
    name = "portal.content"
    label = "content"
    verbose_name = "ページ"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """A published, moved or removed page raises the version number; an alert is written as a file."""
        from portal.content import signals  # models, which are there only now
        from portal.content.editing import date_fields, desk_tables  # likewise

        date_fields.install()
        desk_tables.install()
        signals.connect()
