"""What an administrator gives to reach SRIKANDI."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ekinerja_connectors import address, secret

from .assumptions import Assumptions
from .dates import DAY_NUMBERS

__all__ = ["Settings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The address and token of a service that hands out SRIKANDI's events.

    Both may stay empty where events only arrive by webhook or in files.

    `source` is the CloudEvents `source` of the events in files, which do not name it themselves:
    what webhooks carry, so that an event has one name however it arrives. `unit_nips` tells, by
    `unit_kode` ("*" for any other), whose work the letters of a register without persons are.
    `day_numbers` says what a date such as 45323 in a file is: `refuse` it, take it `as_is`, or
    with day and month `exchanged`, as some registers have it. `sheet` names the worksheet of a
    workbook; empty is the first.
    """

    base_url: str = address(default="")
    api_token: str = secret(default="")
    page_size: int = 100
    source: str = ""
    unit_nips: Mapping[str, str] = field(default_factory=dict)
    day_numbers: str = "refuse"
    sheet: str = ""
    assumptions: Assumptions = field(default_factory=Assumptions)

    def __post_init__(self) -> None:
        if not 1 <= self.page_size <= 1_000:
            raise ValueError("page_size must be between 1 and 1000")
        if self.day_numbers not in DAY_NUMBERS:
            raise ValueError(f"day_numbers must be one of {', '.join(DAY_NUMBERS)}")
