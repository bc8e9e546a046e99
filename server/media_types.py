"""What a client will accept: the Accept header (RFC 9110, 12.5.1) against what we can answer."""

from collections.abc import Sequence
from dataclasses import dataclass

JSON = "application/json"
GRAPHQL_RESPONSE = "application/graphql-response+json"
EVENT_STREAM = "text/event-stream"
HTML = "text/html"


@dataclass(frozen=True, slots=True)
class Negotiated:
    """How to answer: `body` for one result (None: refused), `stream` for many.

    `stream_first` says that the client would rather have even one result as a stream.
    """

    body: str | None
    stream: bool
    stream_first: bool


def negotiate(accept: str | None) -> Negotiated:
    """Choose the media types of the answer to a GraphQL request.

    A wildcard means the legacy `application/json`, as GraphQL over HTTP recommends; the
    other types must be named. Where a client likes several equally, as most libraries do,
    the newest JSON type wins and the stream is kept for subscriptions.
    """
    weights = preferences(accept, (GRAPHQL_RESPONSE, JSON, EVENT_STREAM))
    offered = [name for name in weights if name == JSON or names(accept, name)]
    bodies = [name for name in offered if name != EVENT_STREAM]
    body = max(bodies, key=weights.__getitem__, default=None)
    stream = EVENT_STREAM in offered
    first = stream and (body is None or weights[EVENT_STREAM] > weights[body])
    return Negotiated(body, stream, first)


def preferences(accept: str | None, offers: Sequence[str]) -> dict[str, float]:
    """The weight (0 to 1) that the client gives each offer; those it refuses are left out.

    The most specific range that matches an offer decides, so `*/*, text/html;q=0` refuses
    HTML. A missing or empty header accepts everything. A range or a weight that cannot be
    read is ignored.
    """
    given = list(ranges(accept)) if accept and accept.strip() else [("*/*", 1.0)]
    weights: dict[str, float] = {}
    for offer in offers:
        wildcard = offer.split("/")[0] + "/*"
        matches = [
            (specificity, weight)
            for name, weight in given
            for specificity, pattern in enumerate(("*/*", wildcard, offer))
            if name == pattern
        ]
        if matches and max(matches)[1] > 0:
            weights[offer] = max(matches)[1]
    return weights


def names(accept: str | None, media_type: str) -> bool:
    """Whether the header names the media type itself, not only a wildcard that covers it."""
    return any(name == media_type and weight > 0 for name, weight in ranges(accept or ""))


def ranges(accept: str) -> list[tuple[str, float]]:
    """The names of an Accept or Accept-Language header, each with its weight (0 to 1)."""
    named: list[tuple[str, float]] = []
    for part in accept.split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weight = 1.0
        for parameter in parameters:
            key, _, value = parameter.partition("=")
            if key.strip() == "q":
                try:
                    weight = float(value)
                except ValueError:
                    weight = 0.0
        if name and 0 <= weight <= 1:
            named.append((name, weight))
    return named
