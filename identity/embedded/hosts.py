"""One process, two hosts: chooses the URL map by the name that was asked for, each path on its host only."""

from collections.abc import Callable
from http import HTTPStatus
from importlib import import_module
from urllib.parse import parse_qs, urlencode, urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import set_urlconf
from django.utils.cache import patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme

from identity.embedded import known_browsers, sign_in_limits

ID_URLCONF = "identity.embedded.urls"
LOCAL = frozenset({"127.0.0.1", "localhost"})

Handler = Callable[[HttpRequest], HttpResponse]


def _authority(url: str) -> str:
    parts = urlsplit(url)
    default = {"https": ":443", "http": ":80"}.get(parts.scheme, "")
    return parts.netloc.lower().removesuffix(default)


class HostUrlconfMiddleware:
    """Portal, embedded ID (only in that mode), or this machine's own name; any other host is refused."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response
        if settings.ID_PROVIDER == "embedded":
            # Before the first request: whoever signs in first would wait for a second of imports.
            import_module(ID_URLCONF)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        host = (
            request.META.get("HTTP_HOST", "").lower().removesuffix(":443" if request.is_secure() else ":80")
        )
        if settings.ID_PROVIDER == "embedded" and host == _authority(settings.ID_URL):
            request.urlconf = ID_URLCONF  # type: ignore[attr-defined]
            set_urlconf(ID_URLCONF)
            request.id_site = True  # type: ignore[attr-defined]
            return self.get_response(request)
        if host == _authority(settings.PORTAL_URL):
            return self.get_response(request)
        if host.partition(":")[0] in LOCAL:
            if request.path_info.startswith(("/health/", "/metrics")):
                return self.get_response(request)
            return HttpResponseRedirect(settings.PORTAL_URL + request.get_full_path())
        return HttpResponseBadRequest("Unknown host\n", content_type="text/plain")


def redirect_origin(target: str) -> str:
    """The origin to which `target` (a path on the ID's host) will finally lead, if it is registered; else "".

    Chromium applies form-action to redirects, so a sign-in form must name the client that the answer goes to.
    """
    from oauth2_provider.models import get_application_model

    query = parse_qs(urlsplit(target).query)
    uri = (query.get("redirect_uri") or query.get("post_logout_redirect_uri") or [""])[0]
    client_id = (query.get("client_id") or [""])[0]
    if not uri:
        return ""
    clients = get_application_model().objects.all()
    if client_id:
        clients = clients.filter(client_id=client_id)
    elif "post_logout_redirect_uri" not in query:
        return ""
    for client in clients:
        if uri in client.redirect_uris.split() or uri in client.post_logout_redirect_uris.split():
            parts = urlsplit(uri)
            return f"{parts.scheme}://{parts.netloc}"
    return ""


def expired_form(request: HttpRequest) -> HttpResponse:
    """A form of the ID came with the token of an older page: another tab signed in, or much time has passed.

    Whoever is signed in by now goes on to where this form was leading; others get the form again, empty.
    """
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    own = wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
    route = request.resolver_match.url_name if request.resolver_match else ""
    if request.user.is_authenticated and route in {"account_login", "account_signup"}:
        return HttpResponseRedirect(wanted if own else f"{settings.PORTAL_URL}/sign-in/")
    query = request.GET.copy()
    if own:
        query["next"] = wanted
    form_url = f"{request.path}?{urlencode(query)}" if query else request.path
    return render(request, "identity/id_expired.html", {"form_url": form_url}, status=HTTPStatus.FORBIDDEN)


class IdSiteMiddleware:
    """Lets the forms of the ID's pages lead back to the client, and words the answer to too many tries."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not getattr(request, "id_site", False):
            return response
        known_browsers.keep(request, response)
        if response.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            page = TemplateResponse(request, "account/too_many.html", status=429)
            response = page.render()
            response.headers["Retry-After"] = str(sign_in_limits.seconds_to_wait(request))
        response.headers.setdefault("Cache-Control", "no-store")
        patch_vary_headers(response, ("Cookie",))
        if response.headers.get("Content-Type", "").startswith("text/html"):
            target = request.POST.get("next") or request.GET.get("next") or request.get_full_path()
            origin = redirect_origin(target)
            if origin:
                response._csp_update = {"form-action": [origin]}  # type: ignore[attr-defined]
        return response
