"""Identity's addresses on the portal's host: none of them in a language, all of them stable."""

from django.urls import path

from identity import signin, views

app_name = "identity"

urlpatterns = [
    path("sign-in/", signin.sign_in, name="signin"),
    path("sign-in/callback", signin.callback, name="callback"),
    path("sign-up/", signin.sign_up, name="signup"),
    path("sign-out/", signin.sign_out, name="signout"),
    path("sign-out/done", signin.signed_out, name="signed_out"),
    path("oidc/backchannel-logout", signin.backchannel_logout, name="backchannel_logout"),
    path("oidc/relay/<str:client_id>", views.relay_logout, name="relay"),
    path("api/claims", views.claims, name="claims"),
    path(".well-known/region-portal.json", views.region_portal, name="region_portal"),
    path("admin/login/", signin.admin_login, name="admin_login"),
    path("admin/logout/", signin.sign_out, name="admin_logout"),
]
