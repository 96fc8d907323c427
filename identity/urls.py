"""Identity's addresses on the portal's host: none of them in a language, all of them stable."""

from django.urls import path

from identity.oidc import endpoints, relying_party

app_name = "identity"

urlpatterns = [
    path("sign-in/", relying_party.sign_in, name="signin"),
    path("sign-in/callback", relying_party.callback, name="callback"),
    path("sign-up/", relying_party.sign_up, name="signup"),
    path("sign-out/", relying_party.sign_out, name="signout"),
    path("sign-out/done", relying_party.signed_out, name="signed_out"),
    path("oidc/backchannel-logout", relying_party.backchannel_logout, name="backchannel_logout"),
    path("oidc/relay/<str:client_id>", endpoints.relay_logout, name="relay"),
    path(".well-known/region-portal.json", endpoints.region_portal, name="region_portal"),
    path("admin/login/", relying_party.admin_login, name="admin_login"),
    path("admin/logout/", relying_party.sign_out, name="admin_logout"),
]
