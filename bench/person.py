"""A person with a browser, as cheap as it can be: cookies for each host, redirects by hand, forms by their action."""

import http.client
import re
import time
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import urlencode, urljoin, urlsplit

_FORM = re.compile(r"<form\b[^>]*>.*?</form>", re.DOTALL | re.IGNORECASE)
_INPUT = re.compile(r"<(?:input|button)\b[^>]*>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r'([\w-]+)\s*=\s*"([^"]*)"')


class WayError(Exception):
    """The way through the pages was not as expected; the message names the page."""


@dataclass
class Answer:
    """The last page of a way."""

    status: int
    url: str
    text: str

    def form(self, action: str) -> tuple[str, dict[str, str]]:
        """(address, hidden values) of the form whose action contains `action`."""
        for form in _FORM.findall(self.text):
            attributes = dict(_ATTRIBUTE.findall(form[: form.index(">")]))
            address = unescape(attributes.get("action", ""))
            if action in address:
                fields = {}
                for one in _INPUT.findall(form):
                    values = dict(_ATTRIBUTE.findall(one))
                    if values.get("name"):
                        fields[values["name"]] = unescape(values.get("value", ""))
                return urljoin(self.url, address), fields
        raise WayError(f"{self.status} {urlsplit(self.url).path}: no form with {action!r}")


@dataclass
class Person:
    """One browser profile; every name leads to 127.0.0.1."""

    cookies: dict[str, dict[str, str]] = field(default_factory=dict)
    _lines: dict[int, http.client.HTTPConnection] = field(default_factory=dict)

    def get(self, url: str, *, follow: bool = True) -> Answer:
        return self._go("GET", url, None, follow=follow)

    def post(self, url: str, data: dict[str, str], *, follow: bool = True) -> Answer:
        return self._go("POST", url, urlencode(data), follow=follow)

    def forget(self, host: str) -> None:
        """Loses the cookies of one host."""
        self.cookies.pop(host, None)

    def sign_in(self, portal: str, username: str, password: str, *, next_path: str) -> Answer:
        """From the portal through the ID's form and back; the session is at both afterwards."""
        page = self.get(f"{portal}/sign-in/?{urlencode({'next': next_path})}")
        keycloak = "login-actions" in page.text
        url, fields = page.form("login-actions/authenticate" if keycloak else "/login/")
        done = self.post(url, {**fields, "username" if keycloak else "login": username, "password": password})
        if done.url != f"{portal}{next_path}":
            raise WayError(f"signing in ended at {done.status} {done.url}")
        return done

    def close(self) -> None:
        for line in self._lines.values():
            line.close()
        self._lines.clear()

    def _go(self, method: str, url: str, body: str | None, *, follow: bool) -> Answer:
        for _ in range(15):
            answer, location = self._ask(method, url, body)
            if not location or not follow:
                return answer
            method, body, url = "GET", None, urljoin(url, location)
        raise WayError(f"redirects without end at {url}")

    def _ask(self, method: str, url: str, body: str | None) -> tuple[Answer, str]:
        parts = urlsplit(url)
        port, host = parts.port or 80, parts.hostname or ""
        jar = self.cookies.setdefault(host, {})
        headers = {"Host": parts.netloc, "Accept": "text/html", "Accept-Language": "ja"}
        if jar:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in jar.items())
        if body is not None:
            headers |= {
                "Content-Type": "application/x-www-form-urlencoded",
                "Origin": f"{parts.scheme}://{parts.netloc}",
                "Referer": url,
            }
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        line = self._lines.setdefault(port, http.client.HTTPConnection("127.0.0.1", port, timeout=60))
        try:
            line.request(method, path or "/", body, headers)
            answer = line.getresponse()
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            line.close()  # a kept connection that the server had enough of
            line.request(method, path or "/", body, headers)
            answer = line.getresponse()
        text = answer.read().decode("utf-8", "replace")
        for cookie in answer.headers.get_all("Set-Cookie", []):
            name, _, value = cookie.partition(";")[0].partition("=")
            if "max-age=0" in cookie.lower():
                jar.pop(name, None)
            else:
                jar[name] = value
        location = answer.headers.get("Location", "") if 300 <= answer.status < 400 else ""
        return Answer(answer.status, url, text), location


def seconds(started: float) -> float:
    """Wall seconds since `started` (a `time.perf_counter`)."""
    return time.perf_counter() - started
