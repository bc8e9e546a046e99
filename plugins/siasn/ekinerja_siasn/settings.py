"""What an administrator gives to reach SIASN."""

from __future__ import annotations

from dataclasses import dataclass, field

from ekinerja_connectors import address, secret

from .assumptions import Assumptions

__all__ = ["Settings"]

# Where the services are is not documented by BKN either; these are what public clients use.
_API = "https://apimws.bkn.go.id:8243/apisiasn/1.0"
_APIM_TOKEN = "https://apimws.bkn.go.id/oauth2/token"  # noqa: S105 - an address
_SSO_TOKEN = "https://sso-siasn.bkn.go.id/auth/realms/public-siasn/protocol/openid-connect/token"  # noqa: S105


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The addresses of SIASN and the two pairs of credentials that BKN gives an agency.

    `first_day` (YYYY-MM-DD) leaves out what is older; empty reads everything.
    """

    consumer_key: str
    consumer_secret: str = secret()
    sso_client_id: str
    sso_username: str
    sso_password: str = secret()
    api_url: str = address(default=_API)
    apim_token_url: str = address(default=_APIM_TOKEN)
    sso_token_url: str = address(default=_SSO_TOKEN)
    page_size: int = 100
    first_day: str = ""
    assumptions: Assumptions = field(default_factory=Assumptions)

    def __post_init__(self) -> None:
        if not 1 <= self.page_size <= 1_000:
            raise ValueError("page_size must be between 1 and 1000")
