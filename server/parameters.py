"""The parameters of one GraphQL request, whatever brought them: their names and JSON types."""

from dataclasses import dataclass
from typing import Any

from server.strings import MalformedInput


@dataclass(frozen=True, slots=True)
class Parameters:
    """What to run: a document, its variables (JSON values) and which of its operations."""

    query: str
    variables: dict[str, Any] | None
    operation_name: str | None
    extensions: dict[str, Any] | None


def parameters_of(value: Any) -> Parameters:
    """Take the parameters from a decoded JSON body or payload.

    Raises:
        MalformedInput: not an object, a batch, no `query`, or a parameter of another type.
    """
    if isinstance(value, list):
        raise MalformedInput("Batches are not accepted: send one operation.", "BAD_REQUEST")
    if not isinstance(value, dict):
        raise MalformedInput("The request must be a JSON object.", "BAD_REQUEST")
    query = value.get("query")
    if not isinstance(query, str) or not query:
        raise MalformedInput("`query` must be a text with a GraphQL document.", "BAD_REQUEST")
    for name, kind, what in (
        ("variables", dict, "an object"),
        ("operationName", str, "a text"),
        ("extensions", dict, "an object"),
    ):
        if not isinstance(value.get(name), kind | None):
            raise MalformedInput(f"`{name}` must be {what} or null.", "BAD_REQUEST")
    return Parameters(
        query, value.get("variables"), value.get("operationName"), value.get("extensions")
    )
