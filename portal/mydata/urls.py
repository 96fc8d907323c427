"""The addresses of わたしのデータ and of the questions for consent."""

from django.urls import URLPattern

app_name = "mydata"
urlpatterns: list[URLPattern] = []
