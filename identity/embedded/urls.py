"""The whole URL map of the embedded provider's host: the protocol under /o/, the screens in each language."""

from allauth.account import views as account_views
from django.conf.urls.i18n import i18n_patterns
from django.urls import include, path
from oauth2_provider import views as oauth_views

from identity.embedded import views as views
from identity.embedded.requests import for_programs
from identity.forms.sendings import sent_once

handler400 = "core.problems.bad_request"
handler403 = "core.problems.forbidden"
handler404 = "core.problems.not_found"
handler500 = "core.problems.server_error"

urlpatterns = [
    path("", views.start, name="id_start"),
    path("", include("core.region.views")),  # stylesheet and mark
    path("o/.well-known/openid-configuration", views.discovery, name="id_discovery"),
    path("o/.well-known/jwks.json", views.jwks, name="id_jwks"),
    path("o/authorize/", views.authorize, name="id_authorize"),
    path("o/token/", for_programs(oauth_views.TokenView.as_view()), name="id_token"),
    path("o/revoke_token/", for_programs(oauth_views.RevokeTokenView.as_view()), name="id_revoke"),
    path("o/userinfo/", for_programs(oauth_views.UserInfoView.as_view()), name="id_userinfo"),
    path("o/logout/", views.LogoutView.as_view(), name="id_logout"),
    *i18n_patterns(
        path("login/", account_views.login, name="account_login"),
        path("signup/", sent_once(account_views.signup), name="account_signup"),
        path("logout/", account_views.logout, name="account_logout"),
        path("inactive/", account_views.account_inactive, name="account_inactive"),
        path("password/", views.ChangePasswordView.as_view(), name="account_change_password"),
        path("reauthenticate/", views.ReauthenticateView.as_view(), name="account_reauthenticate"),
        path("code/", views.LoginCodeView.as_view(), name="mfa_authenticate"),
        path("code/again/", views.CodeView.as_view(), name="mfa_reauthenticate"),
        path("code/set-up/", views.SetUpCodeView.as_view(), name="mfa_activate_totp"),
        prefix_default_language=False,
    ),
]
