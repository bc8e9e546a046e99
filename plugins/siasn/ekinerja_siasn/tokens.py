"""The two tokens that SIASN asks for, their renewal, and calls that carry both."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ekinerja_connectors import JSON, AuthFailed, Fatal, Http, Response

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
    """Calls with `Authorization: Bearer <apim>` and `Auth: bearer <sso>`.

    On a 401 both tokens are dropped and the call is made anew, as public clients do. A token of
    the SSO that was pasted is not renewed: when it is refused, somebody has to paste another.
    """

    def __init__(
        self, settings: Settings, http: Http, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings = settings
        self._http = http
        self._clock = clock
        self._tokens: dict[str, _Token] = {}

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> Response:
        """The answer to a GET below `api_url`. Raises: see `_call`."""
        return await self._call("GET", path, params=params)

    async def post(self, path: str, body: JSON) -> Response:
        """The answer to a POST of JSON below `api_url`. Raises: see `_call`.

        A 401 comes from the gateway, before SIASN does anything: to repeat it saves once.
        """
        return await self._call("POST", path, json_body=body)

    async def _call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json_body: JSON = None,
    ) -> Response:
        """The answer to a call with both tokens.

        Raises:
            AuthFailed: SIASN refuses the credentials, or fresh tokens three times over.
            Retryable, Fatal: as `Http.request`.
        """
        url = self._settings.api_url.rstrip("/") + path
        for _ in range(ATTEMPTS):
            headers = {
                "Authorization": f"Bearer {await self._apim()}",
                "Auth": f"bearer {await self._sso()}",
            }
            response = await self._http.request(
                method, url, params=params, headers=headers, json_body=json_body
            )
            if response.status != 401:
                return response
            self._tokens.clear()
        if self._settings.sso_token:
            raise AuthFailed(f"{url} refuses the pasted sso_token: it has ended, paste another")
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
        if given.sso_token:
            return given.sso_token
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
