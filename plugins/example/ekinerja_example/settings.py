"""What an administrator gives to reach Example."""

from dataclasses import dataclass

from ekinerja_connectors import address, secret

__all__ = ["Settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where the service is, and the token that it gave."""

    base_url: str = address()  # the only addresses that you can call are those marked so
    api_token: str = secret()  # written once, never shown again
    page_size: int = 100

    def __post_init__(self) -> None:
        if not 1 <= self.page_size <= 500:
            raise ValueError("page_size must be between 1 and 500")
