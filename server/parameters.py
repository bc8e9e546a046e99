"""The parameters of one GraphQL request, whatever brought them: their names and JSON types."""

from dataclasses import dataclass
from typing import Any

from server.strings import MalformedInput
from server.trusted_documents import TrustedDocuments


@dataclass(frozen=True, slots=True)
class Parameters:
    """What to run: a document, its variables (JSON values) and which of its operations."""

    query: str
    variables: dict[str, Any] | None
    operation_name: str | None
    extensions: dict[str, Any] | None


def parameters_of(value: Any, trusted: TrustedDocuments) -> Parameters:
    """Take the parameters from a decoded JSON body or payload.

    The document is `query`, or a trusted one named by `documentId` or, as Apollo's clients do,
    by `extensions.persistedQuery.sha256Hash`.

    Raises:
        MalformedInput: not an object, a batch, no document, or a parameter of another type.
    """
    if isinstance(value, list):
        raise MalformedInput("Batches are not accepted: send one operation.", "BAD_REQUEST")
    if not isinstance(value, dict):
        raise MalformedInput("The request must be a JSON object.", "BAD_REQUEST")
    for name, kind, what in (
        ("query", str, "a text with a GraphQL document"),
        ("documentId", str, "a text"),
        ("variables", dict, "an object"),
        ("operationName", str, "a text"),
        ("extensions", dict, "an object"),
    ):
        if not isinstance(value.get(name), kind | None):
            raise MalformedInput(f"`{name}` must be {what} or null.", "BAD_REQUEST")
    query = trusted.text_of(value.get("query"), _document_name(value))
    if query is None:
        raise MalformedInput("`query` must be a text with a GraphQL document.", "BAD_REQUEST")
    return Parameters(
        query, value.get("variables"), value.get("operationName"), value.get("extensions")
    )


def _document_name(value: dict[str, Any]) -> str | None:
    """The hash that names the document, in either form."""
    if value.get("documentId") is not None:
        return str(value["documentId"])
    persisted = (value.get("extensions") or {}).get("persistedQuery")
    if persisted is None:
        return None
    if not isinstance(persisted, dict) or persisted.get("version") != 1:
        raise MalformedInput("`persistedQuery` must be an object of version 1.", "BAD_REQUEST")
    return str(persisted.get("sha256Hash"))
