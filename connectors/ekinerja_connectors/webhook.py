"""Delivery: one webhook call that the host has taken in and verified.

The envelope is Standard Webhooks 1.0.0: the headers `webhook-id`, `webhook-timestamp` (seconds
since 1970) and `webhook-signature`, the latter over `id.timestamp.body`. The host checks the
signature, the age and repeats before a connector sees anything; to sign in your own tests use
`ekinerja_connectors.testing.sign`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from .activity import JSON
from .errors import Malformed

__all__ = ["Delivery"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A verified webhook call: its `webhook-id`, its body as text, and its content type."""

    id: str
    body: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def json(self) -> JSON:
        """The body decoded.

        Raises:
            Malformed: the body is no JSON.
        """
        try:
            value: JSON = json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise Malformed(f"the body of delivery {self.id} is no JSON: {error}") from error
        return value
