"""The two tokens that SIASN asks for, their renewal, and calls that carry both."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ekinerja_connectors import AuthFailed, Fatal, Http, Response

from .settings import Settings

__all__ = ["Session"]

#: Seconds before its end at which a token is taken for expired.
MARGIN = 30.0
#: A client that is widely used asks three times before it gives up.
ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class _Token:
    value: str
    expires: float  # on the monotonic clock, seconds


class Session:
    """GETs with `Authorization: Bearer <apim>` and `Auth: bearer <sso>`.

    On a 401 both tokens are dropped and the call is made anew, as public clients do.
    """

    def __init__(
        self, settings: Settings, http: Http, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._http = http
        self._clock = clock
        self._tokens: dict[str, _Token] = {}

    async def get(self, url: str, params: Mapping[str, str]) -> Response:
        """The answer to a call with both tokens.

        Raises:
            AuthFailed: SIASN refuses the credentials, or fresh tokens three times over.
        """
        for _ in range(ATTEMPTS):
            headers = {
                "Authorization": f"Bearer {await self._apim()}",
                "Auth": f"bearer {await self._sso()}",
            }
            response = await self._http.get(url, params=params, headers=headers)
            if response.status != 401:
                return response
            self._tokens.clear()
        raise AuthFailed(f"{url} refuses fresh tokens: check both pairs of credentials")

    async def _apim(self) -> str:
        """The gateway's token (WSO2), by client credentials; about an hour long."""
        given = self._settings
        return await self._token(
            "apim",
            given.apim_token_url,
            {"grant_type": "client_credentials"},
            (given.consumer_key, given.consumer_secret),
        )

    async def _sso(self) -> str:
        """The person's token (Keycloak), by password; about half a day long."""
        given = self._settings
        form = {
            "grant_type": "password",
            "client_id": given.sso_client_id,
            "username": given.sso_username,
            "password": given.sso_password,
        }
        return await self._token("sso", given.sso_token_url, form, None)

    async def _token(
        self, name: str, url: str, form: Mapping[str, str], basic: tuple[str, str] | None
    ) -> str:
        kept = self._tokens.get(name)
        if kept is not None and self._clock() < kept.expires:
            return kept.value
        response = await self._http.request("POST", url, form=form, basic_auth=basic)
        if response.status in (400, 401, 403):
            raise AuthFailed(f"{url} refuses the {name} credentials ({response.status})")
        response.raise_for_status()
        body = response.json()
        value = body.get("access_token") if isinstance(body, Mapping) else None
        if not isinstance(body, Mapping) or not isinstance(value, str):
            raise Fatal(f"{url} answered no access_token")
        seconds = body.get("expires_in")
        # A token whose age is not told is used once; a 401 would tell the rest.
        age = float(seconds) if isinstance(seconds, int | float) else 0.0
        self._tokens[name] = _Token(value, self._clock() + age - MARGIN)
        return value
