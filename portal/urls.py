"""The whole URL map of the portal's host on one page; the ID's host has `identity.embedded.urls`."""

from django.conf import settings
from django.conf.urls.i18n import i18n_patterns
from django.urls import URLPattern, include, path, re_path
from wagtail.admin import urls as wagtailadmin_urls
from wagtail.urls import serve_pattern
from wagtail.views import serve

from core import problems
from portal.city import account
from portal.mydata.account import export
from portal.web import health

handler400 = "core.problems.bad_request"
handler403 = "core.problems.forbidden"
handler404 = "core.problems.not_found"
handler500 = "core.problems.server_error"

CLOSED = (
    "password_reset", "users", "groups", "sites", "collections", "documents", "api/main/documents", "snippets",
    "pages/<int:page>/privacy", "test404", "failwhale",
)  # fmt: skip
"""What Wagtail brings below `/admin/` and nobody here uses: people, passwords and roles are the regional ID's."""


def closed() -> list[URLPattern]:
    """Addresses that answer 404 to everybody. They keep their names: Wagtail's templates ask for some."""
    return [
        path(f"admin/{place}/{rest}", problems.not_found) for place in CLOSED for rest in ("", "<path:rest>")
    ]


urlpatterns = [
    # for machines: no language in the address
    path("", include("core.region.views")),  # stylesheet and mark
    path("health/live", health.live, name="health_live"),
    path("health/ready", health.ready, name="health_ready"),
    path("", include("identity.urls")),  # sign-in, sign-out, logout relay, discovery
    path("schemas/resident-export-1.0.json", export.schema, name="export_schema"),
    path("", include("gadgets.urls")),  # schemas, key set, claims endpoint, card fragments
    path("", include("portal.content.urls")),  # alerts as static files
    path("admin/account/", account.DeskAccountView.as_view()),  # before Wagtail's own, whose name it keeps
    *closed(),
    path("admin/", include(wagtailadmin_urls)),
]
urlpatterns += i18n_patterns(
    path("", include("portal.home.urls")),
    path("", include("portal.mydata.urls")),
    path("", include("portal.figures.urls")),  # the figures of the order, for everybody
    path("", include("gadgets.page_urls")),  # catalogue, a gadget's page, the provider's console
    re_path(serve_pattern, serve, name="wagtail_serve"),  # every other page is one that an editor made
    prefix_default_language=False,
)
if settings.DEMO:
    from django.conf.urls.static import static

    urlpatterns += static(settings.MEDIA_URL, document_root=settings.MEDIA_ROOT)
