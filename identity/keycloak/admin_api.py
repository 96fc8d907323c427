"""Connections to Keycloak's admin interface through python-keycloak, with its errors as ours."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from keycloak import KeycloakOpenIDConnection
from keycloak.exceptions import (
    KeycloakAuthenticationError,
    KeycloakConnectionError,
    KeycloakError,
)

from identity import loopback
from identity.errors import ProviderProblem, ProviderUnavailable, SyncRefused
from identity.keycloak.realm_file import Change

TIMEOUT = 3
"""Seconds for a call of the admin interface: registering a client writes, unlike everything in a sign-in."""


class Connection(KeycloakOpenIDConnection):
    """The everyday service account, or another; reaches names under .localhost like everything else here."""

    def __init__(
        self, *, client_id: str = "", secret: str = "", account_realm: str = "", timeout: int = TIMEOUT
    ) -> None:
        super().__init__(
            server_url=settings.KEYCLOAK_URL,
            realm_name=settings.KEYCLOAK_REALM,
            user_realm_name=account_realm or settings.KEYCLOAK_REALM,
            client_id=client_id or settings.KEYCLOAK_ADMIN_CLIENT_ID,
            client_secret_key=secret or settings.KEYCLOAK_ADMIN_CLIENT_SECRET,
            timeout=timeout,
        )
        loopback.mount(self._s)
        loopback.mount(self.keycloak_openid.connection._s)


@contextmanager
def said_in_words() -> Iterator[None]:
    """Keycloak's errors as ours."""
    try:
        yield
    except KeycloakConnectionError as error:
        raise ProviderUnavailable from error
    except KeycloakError as error:
        if error.response_code is None or error.response_code >= 500:
            raise ProviderUnavailable from error
        raise ProviderProblem from error


@dataclass(frozen=True, slots=True)
class Step:
    """Changes that are written by one call or a few that belong together."""

    changes: tuple[Change, ...]
    apply: Callable[[], object]


class Api:
    """Calls below one realm; what is refused is said in a sentence for an operator."""

    def __init__(self, connection: Connection, realm: str = "") -> None:
        self._connection = connection
        self._base = f"admin/realms/{realm or settings.KEYCLOAK_REALM}"

    def get(self, path: str) -> Any:
        return self.call("GET", path)

    def put(self, path: str, body: Any) -> Any:
        return self.call("PUT", path, body)

    def post(self, path: str, body: Any) -> Any:
        return self.call("POST", path, body)

    def delete(self, path: str, body: Any = None) -> Any:
        return self.call("DELETE", path, body)

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON answer; raises `SyncRefused` (secret, right, value) or `ProviderUnavailable`."""
        url = f"{self._base}/{path}".rstrip("/")
        data = [] if body is None or method == "GET" else [json.dumps(body)]
        send = getattr(self._connection, f"raw_{method.lower()}")
        who = f"アカウント {self._connection.client_id}"
        try:
            answer = send(url, *data)
        except KeycloakConnectionError as error:
            raise ProviderUnavailable(f"Keycloak（{settings.KEYCLOAK_URL}）に届きません。") from error
        except KeycloakAuthenticationError as error:
            raise SyncRefused(f"Keycloakが、{who} の秘密を受けつけませんでした。") from error
        except KeycloakError as error:
            raise SyncRefused(
                f"Keycloakから {who} のトークンをもらえませんでした（{error.response_code}）。"
            ) from error
        if answer.status_code >= 500:
            raise ProviderUnavailable(f"Keycloakの中で問題が起きました（{answer.status_code}、{path}）。")
        if answer.status_code in {401, 403}:
            raise SyncRefused(f"{who} には、この操作の権限がありません（{method} /{path}）。")
        if answer.status_code >= 400:
            raise SyncRefused(f"Keycloakが断りました（{answer.status_code}、{method} /{path}）。")
        return answer.json() if answer.content else None
