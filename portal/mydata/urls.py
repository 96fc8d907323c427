"""The addresses of わたしのデータ and of the questions for consent."""

from django.urls import path

from portal.mydata import views, welcome
from portal.mydata.account import closing, export, household, sessions
from portal.mydata.recommendations import dismissed, ranking

app_name = "mydata"
urlpatterns = [
    path("my-data/", views.overview, name="overview"),
    path("my-data/log/", views.log, name="log"),
    path("my-data/attributes/", views.attributes_form, name="attributes"),
    path("my-data/personalisation/", views.personalisation, name="personalisation"),
    path("my-data/hidden/", dismissed.hidden, name="hidden"),
    path("my-data/ranking/", ranking.ranking, name="ranking"),
    path("my-data/ranking/less/", ranking.less, name="ranking_less"),
    path("my-data/ranking/undo/", ranking.undo, name="ranking_undo"),
    path("my-data/ranking/allow/", ranking.allow, name="ranking_allow"),
    path("my-data/stop/<str:recipient>/", views.withdraw, name="withdraw"),
    path("my-data/sessions/", sessions.overview, name="sessions"),
    path("my-data/sessions/end/", sessions.end, name="session_end"),
    path("my-data/sessions/remember/", sessions.remember, name="session_remember"),
    path("my-data/sessions/forget/<int:device>/", sessions.forget, name="device_forget"),
    path("session/", sessions.left, name="session"),
    path("session/extend", sessions.extend, name="session_extend"),
    path("my-data/household/", household.overview, name="household"),
    path("my-data/household/act/", household.act, name="household_act"),
    path("my-data/household/add/", household.add_child, name="household_add"),
    path("my-data/household/represent/", household.represent, name="household_represent"),
    path("my-data/household/join/", household.join, name="household_join"),
    path("my-data/household/code/", household.code, name="household_own_code"),
    path("my-data/household/code/<uuid:ward>/", household.code, name="household_code"),
    path("my-data/household/<uuid:guardianship>/answer/", household.answer, name="household_answer"),
    path("my-data/household/<uuid:guardianship>/end/", household.end, name="household_end"),
    path("welcome/", welcome.step, {"name": "reading"}, name="welcome"),
    path("welcome/district/", welcome.step, {"name": "district"}, name="welcome_district"),
    path("welcome/topics/", welcome.step, {"name": "topics"}, name="welcome_topics"),
    path("welcome/sample/", welcome.sample, name="welcome_sample"),
    path("welcome/later/", welcome.later, name="welcome_later"),
    path("welcome/guest/", welcome.guest_choices, name="guest_choices"),
    path("my-data/export/", export.export, name="export"),
    path("my-data/close/", closing.closing, name="closing"),
    path("my-data/close/check/", closing.check, name="closing_check"),
    path("my-data/close/confirm/", closing.confirm, name="closing_confirm"),
    path("my-data/close/undecided/", closing.undecided, name="undecided"),
    path("erased/", closing.erased_form, name="erased_form"),
    path("erased/<str:reference>", closing.erased, name="erased"),
    path("consent/<str:recipient>/", views.consent_page, name="consent"),
    path("consent/<str:recipient>/grant/", views.consent_grant, name="consent_grant"),
    path("consent/<str:recipient>/refuse/", views.consent_refuse, name="consent_refuse"),
]
