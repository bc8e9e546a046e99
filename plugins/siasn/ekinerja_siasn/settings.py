"""What an administrator gives to reach SIASN."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from ekinerja_connectors import address, secret

from .assumptions import Assumptions

__all__ = ["Settings"]

# Where the services are is not documented by BKN either; these are what public clients use.
_API = "https://apimws.bkn.go.id:8243/apisiasn/1.0"
_APIM_TOKEN = "https://apimws.bkn.go.id/oauth2/token"  # noqa: S105 - an address
_SSO_TOKEN = "https://sso-siasn.bkn.go.id/auth/realms/public-siasn/protocol/openid-connect/token"  # noqa: S105
_NIP = re.compile(r"[0-9]{18}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The addresses of SIASN and the two pairs of credentials that BKN gives an agency.

    Instead of `sso_client_id`, `sso_username` and `sso_password` a token of the SSO may be pasted
    as `sso_token`; when it ends, somebody has to paste another. `first_day` (YYYY-MM-DD) leaves
    out dispositions that are older; empty reads everything.

    `nips` are the people that the directory reads, one call each. `unit_codes` gives a unit of
    SIASN (its `Id`) the code that the agency uses; without one the `Id` is the code.
    `coefficients` gives the `koefisienId` of a periodic result, see the README.
    """

    consumer_key: str
    consumer_secret: str = secret()
    sso_client_id: str = ""
    sso_username: str = ""
    sso_password: str = secret(default="")
    sso_token: str = secret(default="")
    api_url: str = address(default=_API)
    apim_token_url: str = address(default=_APIM_TOKEN)
    sso_token_url: str = address(default=_SSO_TOKEN)
    page_size: int = 100
    first_day: str = ""
    nips: tuple[str, ...] = ()
    unit_codes: Mapping[str, str] = field(default_factory=dict)
    coefficients: Mapping[str, str] = field(default_factory=dict)
    assumptions: Assumptions = field(default_factory=Assumptions)

    def __post_init__(self) -> None:
        if not 1 <= self.page_size <= 1_000:
            raise ValueError("page_size must be between 1 and 1000")
        if self.first_day and not _is_day(self.first_day):
            raise ValueError("first_day must be a day such as 2026-03-02")
        pair = (self.sso_client_id, self.sso_username, self.sso_password)
        if self.sso_token and any(pair):
            raise ValueError("give sso_token, or sso_client_id, sso_username and sso_password")
        if not self.sso_token and not all(pair):
            raise ValueError(
                "sso_client_id, sso_username and sso_password are needed, or an sso_token"
            )
        wrong = [place for place, one in enumerate(self.nips) if not _NIP.fullmatch(one)]
        if wrong:
            raise ValueError(f"nips[{wrong[0]}] must be 18 digits")


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
