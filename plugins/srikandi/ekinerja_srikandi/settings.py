"""What an administrator gives to reach SRIKANDI."""

from __future__ import annotations

from dataclasses import dataclass, field

from ekinerja_connectors import address, secret

from .assumptions import Assumptions

__all__ = ["Settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The address and token of a service that hands out SRIKANDI's events.

    Both may stay empty where events only arrive by webhook.
    """

    base_url: str = address(default="")
    api_token: str = secret(default="")
    page_size: int = 100
    assumptions: Assumptions = field(default_factory=Assumptions)

    def __post_init__(self) -> None:
        if not 1 <= self.page_size <= 1_000:
            raise ValueError("page_size must be between 1 and 1000")
