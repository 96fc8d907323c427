"""Builds the link that opens a provider's own site, where the same regional ID signs the resident in; pure.

There is no redirector: tiles and pages link straight to the manifest's `login` URL (OpenID Connect Core,
section 4, third-party-initiated login).
"""

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit


def login_link(login_url: str, *, issuer: str, target: str | None = None) -> str:
    """`login_url` with `iss` and, where given, `target_link_uri`; what the URL already holds is kept."""
    parts = urlsplit(login_url)
    query = [
        (name, value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
        if name not in {"iss", "target_link_uri"}
    ]
    query.append(("iss", issuer))
    if target is not None:
        query.append(("target_link_uri", target))
    return urlunsplit(parts._replace(query=urlencode(query), fragment=""))


def redirect_uri(login_url: str) -> str:
    """The one redirect URI of a gadget's client: `callback` beside the `login` URL."""
    return _beside(login_url, "callback")


def logout_uri(login_url: str) -> str:
    """Where back-channel logouts go: `backchannel-logout` beside the `login` URL."""
    return _beside(login_url, "backchannel-logout")


def _beside(login_url: str, name: str) -> str:
    parts = urlsplit(login_url)
    return urlunsplit(parts._replace(path=f"{parts.path.rpartition('/')[0]}/{name}", query="", fragment=""))
