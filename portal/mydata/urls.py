"""The addresses of わたしのデータ and of the questions for consent."""

from django.urls import path

from portal.mydata import views

app_name = "mydata"
urlpatterns = [
    path("my-data/", views.overview, name="overview"),
    path("my-data/attributes/", views.attributes_form, name="attributes"),
    path("my-data/personalisation/", views.personalisation, name="personalisation"),
    path("my-data/stop/<str:recipient>/", views.withdraw, name="withdraw"),
    path("consent/<str:recipient>/", views.consent_page, name="consent"),
    path("consent/<str:recipient>/grant/", views.consent_grant, name="consent_grant"),
    path("consent/<str:recipient>/refuse/", views.consent_refuse, name="consent_refuse"),
]
