"""Registers わたしのデータ with Django; it has no tables of its own."""

from django.apps import AppConfig


class MyDataConfig(AppConfig):
    name = "portal.mydata"
    label = "mydata"
    verbose_name = "わたしのデータ"

    def ready(self) -> None:
        """Whoever signs in for the first time is welcomed."""
        from identity.residents import onboarding
        from portal.mydata import welcome

        onboarding.stop_first(welcome.first_stop)
