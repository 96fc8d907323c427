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
