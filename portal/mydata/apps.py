"""Registers わたしのデータ with Django; it has no tables of its own."""

from django.apps import AppConfig


class MyDataConfig(AppConfig):
    name = "portal.mydata"
    label = "mydata"
    verbose_name = "わたしのデータ"
