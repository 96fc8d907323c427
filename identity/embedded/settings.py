"""Settings of the embedded provider's libraries, as plain values that `portal.settings` takes over.

Names that begin with ACCOUNT_ belong to allauth (the screens), OAUTH2_ to django-oauth-toolkit (the protocol).
What depends on the installation (issuer, signing key) is not here: `identity.embedded.server` reads it from
Django's settings when a request needs it.
"""

import os

EMBEDDED_APPS = ["allauth", "allauth.account", "allauth.mfa", "oauth2_provider"]
EMBEDDED_MIDDLEWARE = [
    "allauth.account.middleware.AccountMiddleware",
    "identity.embedded.hosts.IdSiteMiddleware",
]
AUTHENTICATION_BACKENDS = [
    "identity.backends.RegionalIdBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]

# --- allauth: account screens --------------------------------------------------------------------------------
ACCOUNT_ADAPTER = "identity.embedded.accounts.AccountAdapter"
ACCOUNT_FORMS = {
    "login": "identity.embedded.accounts.LoginForm",
    "signup": "identity.embedded.accounts.SignupForm",
    "reauthenticate": "identity.embedded.accounts.ReauthenticateForm",
    "change_password": "identity.embedded.accounts.ChangePasswordForm",
}
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
# Nobody is known by an e-mail address, so nothing waits for its confirmation; "strict" lets a sign-up with an
# address that is taken go through as an account of its own, so the form never says who is registered.
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_PREVENT_ENUMERATION = "strict"
ACCOUNT_SESSION_REMEMBER = None  # the form asks
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_EMAIL_NOTIFICATIONS = False
ACCOUNT_USER_MODEL_EMAIL_FIELD = "email"
ACCOUNT_RATE_LIMITS = {
    "login": "120/m/ip",
    "login_failed": "20/m/ip,5/300s/key",
    "signup": "60/m/ip",
    "reauthenticate": "10/m/user",
}

# --- allauth: the second factor --------------------------------------------------------------------------------
MFA_ADAPTER = "identity.embedded.second_factor.Adapter"
MFA_SUPPORTED_TYPES = ["totp"]
MFA_FORMS = {
    "authenticate": "identity.embedded.second_factor.CodeForm",
    "reauthenticate": "identity.embedded.second_factor.CodeForm",
    "activate_totp": "identity.embedded.second_factor.SetUpForm",
}
MFA_TOTP_TOLERANCE = (
    1  # the half minute before and after: `identity.embedded.second_factor` lets each code in once
)
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_TRUST_ENABLED = False  # no browser is excused from the code

# --- django-oauth-toolkit: the protocol ----------------------------------------------------------------------
_PLAIN_HTTP = "1" in {os.environ.get("DEMO"), os.environ.get("LOOPBACK_NAMES")}
OAUTH2_PROVIDER = {
    "OIDC_ENABLED": True,
    "OIDC_SERVER_CLASS": "identity.embedded.server.CodeOnlyServer",
    "OAUTH2_VALIDATOR_CLASS": "identity.embedded.server.Validator",
    "OAUTH2_BACKEND_CLASS": "identity.embedded.server.Core",
    "SCOPES": {"openid": "地域IDでのサインイン"},
    "DEFAULT_SCOPES": ["openid"],
    "PKCE_REQUIRED": True,
    "AUTHORIZATION_CODE_EXPIRE_SECONDS": 60,
    "ACCESS_TOKEN_EXPIRE_SECONDS": 120,
    "ID_TOKEN_EXPIRE_SECONDS": 120,
    "REFRESH_TOKEN_EXPIRE_SECONDS": 120,
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https", *(["http"] if _PLAIN_HTTP else [])],
    "OIDC_RESPONSE_TYPES_SUPPORTED": ["code"],
    "OIDC_SUBJECT_TYPES_SUPPORTED": ["public", "pairwise"],
    "OIDC_RP_INITIATED_LOGOUT_ENABLED": True,
    "OIDC_RP_INITIATED_LOGOUT_ALWAYS_PROMPT": False,
    "OIDC_RP_INITIATED_LOGOUT_ACCEPT_EXPIRED_TOKENS": True,
    # Ending the session at the ID deletes the tokens of that session only (identity.embedded.driver.end_sign_in).
    "OIDC_RP_INITIATED_LOGOUT_DELETE_TOKENS": False,
    "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
    "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": True,
    "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
    "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,
    "COMPLIANT_BCP_RFC9700_REFRESH_TOKEN": True,
    "COMPLIANT_BCP_RFC9700_REDIRECT_URI_MATCHING": True,
    "COMPLIANT_BCP_RFC9700_PKCE_REQUIRED": True,
}
