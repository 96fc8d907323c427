"""Asks the portal's claims endpoint, with the resident's access token, what may be known now."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import requests

from examples.kit import jose
from examples.kit.config import Config
from examples.kit.errors import KeysUnavailableError, KitError
from examples.kit.keys import RemoteKeys
from examples.kit.loopback import TIMEOUT
from examples.kit.sessions import Session

LEEWAY = 5


class ClaimsExpiredError(KitError):
    """The access token is over: signing in again, silently, brings a new one."""


class ClaimsUnavailableError(KitError):
    """The portal did not answer, or its answer is not good."""


class ClaimsClient:
    """Reads the signed answer of the claims endpoint. Nothing of it is stored."""

    def __init__(
        self,
        config: Config,
        http: requests.Session,
        keys: RemoteKeys,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._config = config
        self._http = http
        self._keys = keys
        self._clock = clock

    def granted_now(self, session: Session) -> Mapping[str, Any]:
        """The claims the resident grants at this moment; raises ClaimsExpiredError or ClaimsUnavailableError."""
        now = self._clock()
        if not session.access_token or now >= session.access_expires:
            raise ClaimsExpiredError("the access token is over")
        if not self._config.claims_url:
            raise ClaimsUnavailableError("CLAIMS_URL is not set")
        try:
            response = self._http.get(
                self._config.claims_url,
                headers={"Authorization": f"Bearer {session.access_token}", "Accept": "application/jwt"},
                timeout=TIMEOUT,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise ClaimsUnavailableError("the portal did not answer") from error
        if response.status_code == requests.codes.unauthorized:
            raise ClaimsExpiredError("the access token is not accepted any more")
        if response.status_code != requests.codes.ok:
            raise ClaimsUnavailableError(f"the portal answered {response.status_code}")
        return self._read(response.text.strip(), session, now)

    def _read(self, raw: str, session: Session, now: float) -> Mapping[str, Any]:
        try:
            answer = jose.read_signed(raw, self._keys, algorithms=["ES256"], typ="rclaims+jwt")
            jose.check_times(answer, now=now, leeway=LEEWAY)
            if answer.get("iss") != self._config.portal_url:
                raise jose.RefusedError("the issuer is not the portal")
            if not jose.has_audience(answer, self._config.oidc_client_id):
                raise jose.RefusedError("the answer is for another client")
            if answer.get("sub") != session.sub:
                raise jose.RefusedError("the answer is about somebody else")
            claims = answer.get("claims")
            if not isinstance(claims, dict):
                raise jose.RefusedError("the answer holds no claims")
        except (jose.RefusedError, KeysUnavailableError) as error:
            raise ClaimsUnavailableError(str(error)) from error
        return claims
