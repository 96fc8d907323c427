"""Every setting of Madoguchi, read from the environment; an unsafe or unknown value stops the start.

`DEMO=1` fills in what a person's own machine needs and marks every page as a sample. Without it there is no
default for any secret. `docs/reference/settings.md` lists each variable.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from csp.constants import NONE, SELF, UNSAFE_INLINE
from django.conf.locale import LANG_INFO
from django.core.exceptions import ImproperlyConfigured

from core.region import current
from core.region.region_file import RegionFileError
from identity.embedded import settings as embedded
from portal import environment as env

BASE_DIR = Path(__file__).resolve().parent.parent
DEMO = env.flag("DEMO")
DEBUG = False
PORT = env.number("PORT", 8000)
VAR_DIR = Path(env.text("VAR_DIR", str(BASE_DIR / "var" / "demo") if DEMO else None))
ALERTS_DIR = Path(env.text("ALERTS_DIR", str(VAR_DIR / "alerts")))

# --- where the portal and the ID are -------------------------------------------------------------------------
PORTAL_URL = env.url("PORTAL_URL", f"http://portal.region.localhost:{PORT}" if DEMO else None)
ID_PROVIDER = env.choice("ID_PROVIDER", ("keycloak", "embedded"), "embedded" if DEMO else None)
ID_URL = env.url("ID_URL", f"http://id.region.localhost:{PORT}" if DEMO else None)
OIDC_ISSUER = env.issuer("OIDC_ISSUER", f"{ID_URL}/o" if ID_PROVIDER == "embedded" else None)
OIDC_DISCOVERY_URL = env.url(
    "OIDC_DISCOVERY_URL", f"{OIDC_ISSUER.rstrip('/')}/.well-known/openid-configuration"
)
# Beside the public authorities: who signs the certificates of the ID and the context broker inside the city.
CA_FILE = env.certificates("CA_FILE")
OIDC_CLIENT_ID = env.text("OIDC_CLIENT_ID", "portal")
OIDC_CLIENT_SECRET = env.text("OIDC_CLIENT_SECRET", "demo-portal-secret" if DEMO else None)
KEYCLOAK_URL = env.url("KEYCLOAK_URL", ID_URL)
KEYCLOAK_REALM = env.text("KEYCLOAK_REALM", "region")
KEYCLOAK_ADMIN_CLIENT_ID = env.text("KEYCLOAK_ADMIN_CLIENT_ID", "portal-admin")
KEYCLOAK_ADMIN_CLIENT_SECRET = env.text(
    "KEYCLOAK_ADMIN_CLIENT_SECRET", None if ID_PROVIDER == "keycloak" else ""
)
# The account that may change the realm; only `manage.py keycloak_sync` reads it, web processes go without.
KEYCLOAK_SYNC_CLIENT_ID = env.text("KEYCLOAK_SYNC_CLIENT_ID", "portal-sync")
KEYCLOAK_SYNC_CLIENT_SECRET = env.text("KEYCLOAK_SYNC_CLIENT_SECRET", "")
# Keycloak's first administrator; only `keycloak_sync --make-account` reads it.
KEYCLOAK_BOOTSTRAP_CLIENT_ID = env.text("KEYCLOAK_BOOTSTRAP_CLIENT_ID", "bootstrap")
KEYCLOAK_BOOTSTRAP_CLIENT_SECRET = env.text("KEYCLOAK_BOOTSTRAP_CLIENT_SECRET", "")
LOOPBACK_NAMES = env.flag("LOOPBACK_NAMES") or DEMO
# The City OS: without a context broker, gadgets of kind `query` say that they are not available.
CONTEXT_BROKER_URL = env.url("CONTEXT_BROKER_URL") if env.text("CONTEXT_BROKER_URL", "") else ""
CONTEXT_BROKER_TOKEN = env.text("CONTEXT_BROKER_TOKEN", "")
CONTEXT_BROKER_CONTEXT = env.text("CONTEXT_BROKER_CONTEXT", "")
CHROMIUM = env.text("CHROMIUM", "")

PORTAL_HOST = urlsplit(PORTAL_URL).hostname or ""
ID_HOST = urlsplit(ID_URL).hostname or ""
HTTPS = PORTAL_URL.startswith("https://")
if LOOPBACK_NAMES and not all(host.endswith(".localhost") for host in (PORTAL_HOST, ID_HOST)):
    raise ImproperlyConfigured(
        "LOOPBACK_NAMES=1 opens names under .localhost to the gadget door: it is for demo and tests only, "
        "and PORTAL_URL and ID_URL must then end in .localhost."
    )
if not DEMO and not HTTPS and not LOOPBACK_NAMES:
    raise ImproperlyConfigured("PORTAL_URL must begin with https:// outside the demo.")

# --- secrets -------------------------------------------------------------------------------------------------


def _demo_key(kind: str) -> str:
    made = (
        ec.generate_private_key(ec.SECP256R1())
        if kind == "ec"
        else rsa.generate_private_key(public_exponent=65537, key_size=2048)
    )
    return made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def _signing_key(name: str, kind: str) -> str:
    try:
        return env.pem(name)
    except ImproperlyConfigured:
        if DEMO:
            return _demo_key(kind)
        raise


SECRET_KEY = env.text("SECRET_KEY", "demo-only-not-a-secret-" + "x" * 40 if DEMO else None)
SECRET_KEY_FALLBACKS = env.text("SECRET_KEY_FALLBACKS", "").split()
GADGET_SIGNING_KEY = _signing_key("GADGET_SIGNING_KEY", "ec")
OIDC_SIGNING_KEY = _signing_key("OIDC_SIGNING_KEY", "rsa") if ID_PROVIDER == "embedded" else ""
CARD_CACHE_KEY = env.key("CARD_CACHE_KEY", demo=DEMO)
# Newest first: it seals, all of them open. Numbers and pseudonyms that must outlive a rotation have a key of their own.
FIELD_KEYS = env.keys("FIELD_KEY", demo=DEMO)
if len(FIELD_KEYS) > 1 and not env.text("NUMBER_KEY", ""):
    raise ImproperlyConfigured(
        "FIELD_KEY holds several keys: set NUMBER_KEY to the one that was FIELD_KEY before the first rotation, "
        "or residents' numbers change when that one goes."
    )
NUMBER_KEY = env.key("NUMBER_KEY", default=FIELD_KEYS[-1], demo=DEMO)

# --- the region ----------------------------------------------------------------------------------------------
REGION_FILE = Path(env.text("REGION_FILE", str(current.DEFAULT)))
try:
    REGION = current.current_region()
except RegionFileError as error:
    raise ImproperlyConfigured(f"REGION_FILE: {error}") from error

# --- Django --------------------------------------------------------------------------------------------------
ALLOWED_HOSTS = [PORTAL_HOST, ID_HOST, "127.0.0.1", "localhost"]
ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
AUTH_USER_MODEL = "identity.Resident"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGIN_URL = "/sign-in/"
LOGIN_REDIRECT_URL = "/"

INSTALLED_APPS = [
    "portal",
    "portal.home",
    "portal.content",
    "portal.mydata",
    "portal.city",
    "gadgets",
    "recommender",
    "identity",
    "core",
    *embedded.EMBEDDED_APPS,
    "wagtail.users",
    "wagtail.snippets",
    "wagtail.documents",
    "wagtail.images",
    "wagtail.search",
    "wagtail.contrib.redirects",
    "wagtail.admin",
    "wagtail.sites",
    "wagtail",
    "taggit",
    "modelcluster",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.forms",
    "django_htmx",
    "csp",
    # Sample people and pages: a city's image has none.
    *(["demo"] if LOOPBACK_NAMES and find_spec("demo") else []),
    # The linter of migrations comes with the development lock only: no city ever loads it.
    *(["django_linear_migrations"] if DEMO and find_spec("django_linear_migrations") else []),
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    # A proxy in front packs what it passes on (deploy/nginx/portal.conf).
    *(["core.compression.CompressMiddleware"] if not env.flag("BEHIND_PROXY") else []),
    "identity.embedded.hosts.HostUrlconfMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "portal.web.security.PolicyMiddleware",
    "identity.sessions.person.HostSessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "identity.sessions.person.PersonMiddleware",
    "identity.sessions.staff.StaffMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "core.problems.ProblemMiddleware",
    "identity.forms.kept.FormsMiddleware",
    "portal.content.pages.moved.MovedMiddleware",
    *embedded.EMBEDDED_MIDDLEWARE,
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "portal" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["core.templatetags.markup", "identity.forms.tags"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.web.context.portal",
            ],
        },
    },
]
DATABASES = {"default": env.database("DATABASE_URL", f"sqlite:///{VAR_DIR / 'db.sqlite3'}" if DEMO else "")}
REDIS_URL = env.text("REDIS_URL", "" if DEMO else None)
CACHES: dict[str, dict[str, Any]]
if REDIS_URL:
    CACHES = {"default": {"BACKEND": "portal.web.cache.FailOpenRedisCache", "LOCATION": REDIS_URL}}
    SESSION_ENGINE = "identity.sessions.engine_cached_db"
    EXECUTOR = "portal.executor.CeleryExecutor"
else:
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "OPTIONS": {"MAX_ENTRIES": 20000},
        }
    }
    SESSION_ENGINE = "identity.sessions.engine_db"
    EXECUTOR = "portal.executor.ThreadExecutor"
CELERY_BROKER_URL = env.text("CELERY_BROKER_URL", REDIS_URL)

AUTHENTICATION_BACKENDS = embedded.AUTHENTICATION_BACKENDS
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
for _name in (
    name for name in dir(embedded) if name.startswith(("ACCOUNT_", "OAUTH2_", "MFA_", "USERSESSIONS_"))
):
    globals()[_name] = getattr(embedded, _name)

# --- language and time ---------------------------------------------------------------------------------------
LANGUAGE_CODE = "ja"
LANGUAGES = [("ja", "日本語"), ("en", "English"), ("ja-simple", "やさしい日本語")]
# Easy Japanese is a language of ours: Django must know how to name it. Its texts fall back to Japanese.
LANG_INFO["ja-simple"] = {
    "bidi": False,
    "code": "ja-simple",
    "name": "Easy Japanese",
    "name_local": "やさしい日本語",
}
LOCALE_PATHS = [BASE_DIR / "portal" / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = REGION.time_zone.key

# --- static files --------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = Path(env.text("STATIC_ROOT", str(VAR_DIR / "static")))
STATICFILES_DIRS = [("dads", BASE_DIR / "vendor" / "dads")]
_COLLECTED = not DEMO and (STATIC_ROOT / "staticfiles.json").is_file()
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if _COLLECTED or env.flag("COLLECT")
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = not _COLLECTED
MEDIA_URL = "/media/"
MEDIA_ROOT = VAR_DIR / "media"

# --- security ------------------------------------------------------------------------------------------------
_ID_ORIGIN = "{0.scheme}://{0.netloc}".format(urlsplit(OIDC_ISSUER))
CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "EXCLUDE_URL_PREFIXES": ["/static/"],
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        # Chromium applies form-action to redirects: sign-in and sign-out end at the ID.
        "form-action": [SELF, _ID_ORIGIN],
    },
}
# Wagtail 8.0 still ships inline scripts and styles in its admin; only there are they allowed.
ADMIN_CONTENT_SECURITY_POLICY: dict[str, Any] = {
    **CONTENT_SECURITY_POLICY["DIRECTIVES"],
    "script-src": [SELF, UNSAFE_INLINE],
    "style-src": [SELF, UNSAFE_INLINE],
    "img-src": [SELF, "data:", "blob:"],
    "frame-ancestors": [SELF],
}
SECURE_CONTENT_TYPE_NOSNIFF = True
# Not "no-referrer": with it a browser sends `Origin: null` with our own forms, and they are refused.
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "SAMEORIGIN"
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^health/"]
SECURE_HSTS_SECONDS = 31536000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.flag("BEHIND_PROXY") else None
SESSION_COOKIE_SECURE = HTTPS


def _cookie(name: str) -> str:
    """A cookie knows no port: on one machine two regions have the same hosts, and a session must not follow to the other."""
    return f"__Host-{name}" if HTTPS else f"{name}-{REGION.id}"


SESSION_COOKIE_NAME = _cookie("session")
ID_BROWSER_COOKIE_NAME = _cookie("id-browser")
ID_SESSION_COOKIE_NAME = _cookie("id-session")
SESSION_COOKIE_AGE = 24 * 3600  # of a session that nobody signed in to
DEVICE_COOKIE_NAME = _cookie("device")
SIGN_IN_COOKIE_PREFIX = f"{_cookie('signin')}-"
KEPT_COOKIE_NAME = _cookie("kept")
GUEST_COOKIE_NAME = "guest" if HTTPS else _cookie("guest")
# Of a session that somebody signed in to (`identity.sessions.engines`): after no use, and after all.
SESSION_IDLE_SECONDS = env.number("SESSION_IDLE_MINUTES", 60) * 60
SESSION_SECONDS = env.number("SESSION_HOURS", 12) * 3600
REMEMBERED_IDLE_SECONDS = env.number("REMEMBERED_IDLE_DAYS", 14) * 24 * 3600
REMEMBERED_SECONDS = env.number("REMEMBERED_DAYS", 30) * 24 * 3600
for _idle, _whole, _names in (
    (SESSION_IDLE_SECONDS, SESSION_SECONDS, "SESSION_IDLE_MINUTES and SESSION_HOURS"),
    (REMEMBERED_IDLE_SECONDS, REMEMBERED_SECONDS, "REMEMBERED_IDLE_DAYS and REMEMBERED_DAYS"),
):
    if not 300 <= _idle <= _whole:
        raise ImproperlyConfigured(
            f"{_names}: a session must hold for five minutes without use, and not longer without use than in all."
        )
SESSION_COOKIE_SAMESITE = "Lax"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_NAME = _cookie("csrf")
CSRF_FAILURE_VIEW = "portal.web.views.csrf_failure"
LANGUAGE_COOKIE_SAMESITE = "Lax"

# --- mail, logs ----------------------------------------------------------------------------------------------
EMAIL_BACKEND = env.text("EMAIL_BACKEND", "django.core.mail.backends.filebased.EmailBackend")
EMAIL_FILE_PATH = VAR_DIR / "mail"
EMAIL_HOST = env.text("EMAIL_HOST", "localhost")
EMAIL_PORT = env.number("EMAIL_PORT", 25)
EMAIL_USE_TLS = env.flag("EMAIL_USE_TLS")
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD", "")
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", "no-reply@portal.region.localhost" if DEMO else None)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "filters": {
        "visits": {"()": "portal.web.logs.WithoutVisits"},
        "escaped": {"()": "portal.web.logs.Escaped"},
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["visits", "escaped"],
        }
    },
    # Both tell each page and each index entry at INFO: no use to an operator.
    "loggers": {"wagtail": {"level": "WARNING"}, "django_tasks": {"level": "WARNING"}},
    "root": {"handlers": ["stderr"], "level": env.choice("LOG_LEVEL", ("DEBUG", "INFO", "WARNING"), "INFO")},
}

# --- Wagtail -------------------------------------------------------------------------------------------------
WAGTAIL_SITE_NAME = "窓口"
WAGTAILADMIN_BASE_URL = PORTAL_URL
# Ours does it without the language of the editor in the address (portal.content.pages.moved).
WAGTAILREDIRECTS_AUTO_CREATE = False
WAGTAILIMAGES_IMAGE_FORM_BASE = "portal.content.pages.images.ImageForm"
# No SVG: it can carry script. What is uploaded is decoded, and drawn anew for each page.
WAGTAILIMAGES_EXTENSIONS = ["gif", "jpg", "jpeg", "png", "webp"]
WAGTAILIMAGES_MAX_UPLOAD_SIZE = 10 * 1024 * 1024
WAGTAILIMAGES_MAX_IMAGE_PIXELS = 40_000_000
WAGTAIL_I18N_ENABLED = False
WAGTAIL_CONTENT_LANGUAGES = [("ja", "日本語")]
WAGTAIL_WORKFLOW_REQUIRE_REAPPROVAL_ON_EDIT = True
WAGTAIL_ENABLE_UPDATE_CHECK = False
WAGTAIL_ENABLE_WHATS_NEW_BANNER = False
WAGTAILADMIN_PERMITTED_LANGUAGES = [("ja", "日本語"), ("en", "English")]
WAGTAIL_GRAVATAR_PROVIDER_URL = None
WAGTAIL_PASSWORD_MANAGEMENT_ENABLED = False
WAGTAIL_EMAIL_MANAGEMENT_ENABLED = False
WAGTAILSEARCH_BACKENDS = {"default": {"BACKEND": "wagtail.search.backends.database"}}
TAGGIT_CASE_INSENSITIVE = True
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000
# W019 asks for X-Frame-Options DENY: previews in the admin are frames of our own.
SILENCED_SYSTEM_CHECKS = ["security.W019"]
