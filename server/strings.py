"""Text and numbers that no part of the system can hold, found before anything uses them.

PostgreSQL stores neither NUL nor half of a surrogate pair, and JSON's writers refuse the
latter: one such character in a message would turn a clear refusal into a fault. So every
way in (bodies, query strings, WebSocket messages, literals of a document) is checked here.
"""

import json
import math
from collections.abc import Iterator
from typing import Any

import orjson
from graphql import DocumentNode, GraphQLError, Token, TokenKind

MAX_NESTING = 64
MAX_DIGITS = 40


class MalformedInput(ValueError):
    """Input that cannot be taken in; the message says what is wrong and where.

    `code` is BAD_REQUEST for what is no JSON, BAD_USER_INPUT for JSON with impossible text.
    """

    def __init__(self, message: str, code: str = "BAD_USER_INPUT") -> None:
        super().__init__(message)
        self.code = code


def decode_json(text: str | bytes) -> Any:
    """Read JSON (UTF-8) whose text and numbers we can hold.

    Raises:
        MalformedInput: as `parse_json` and `refuse_unsafe`.
    """
    value = parse_json(text)
    refuse_unsafe(value)
    return value


def parse_json(text: str | bytes) -> Any:
    """Read JSON (UTF-8) as it is; its text may still be impossible.

    Raises:
        MalformedInput: not JSON, NaN, a number beyond a double, nested a thousand levels deep.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        fault = MalformedInput(f"The JSON cannot be read: {error.msg}.", "BAD_REQUEST")
        if "surrogate" not in error.msg:
            raise fault from error
    try:
        # The standard library reads half a pair, so that refuse_unsafe can say where it is.
        # (Decoded here, for given bytes it would guess at UTF-16 and accept it.)
        return json.loads(text if isinstance(text, str) else text.decode())
    except (ValueError, RecursionError) as error:
        raise fault from error


def refuse_unsafe(value: Any, name: str = "") -> None:
    """Look through a JSON value without recursion, so that depth cannot exhaust the stack.

    Raises:
        MalformedInput: text with NUL or a lone surrogate, or more than MAX_NESTING levels.
    """
    stack: list[tuple[str, int, Any]] = [(name, 0, value)]
    while stack:
        place, depth, item = stack.pop()
        if isinstance(item, str):
            fault = text_fault(item)
            if fault is not None:
                raise MalformedInput(f"{place or 'The value'} contains {fault}.")
        elif isinstance(item, dict | list):
            if depth == MAX_NESTING:
                raise MalformedInput(f"The JSON has more than {MAX_NESTING} levels.", "BAD_REQUEST")
            pairs = item.items() if isinstance(item, dict) else enumerate(item)
            for key, child in pairs:
                if isinstance(key, str) and text_fault(key) is not None:
                    raise MalformedInput(f"A name in {place or 'the object'} is not valid text.")
                stack.append((f"{place}.{key}" if place else str(key), depth + 1, child))


def text_fault(text: str) -> str | None:
    """Name what is wrong with a text, or None."""
    if "\0" in text:
        return "a NUL character"
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return "a lone surrogate"
    return None


def tokens(document: DocumentNode) -> Iterator[Token]:
    """The tokens of a parsed document (comments too), in order."""
    token = document.loc.start_token if document.loc else None
    while token is not None:
        yield token
        token = token.next


def literal_error(document: DocumentNode) -> GraphQLError | None:
    """The first literal of a document that cannot be held: impossible text or number."""
    for token in tokens(document):
        fault = _literal_fault(token)
        if fault is not None:
            return GraphQLError(
                f"The literal contains {fault}.",
                source=document.loc.source if document.loc else None,
                positions=[token.start],
                extensions={"code": "BAD_USER_INPUT"},
            )
    return None


def _literal_fault(token: Token) -> str | None:
    text = token.value
    if text is None:
        return None
    if token.kind in (TokenKind.STRING, TokenKind.BLOCK_STRING):
        return text_fault(text)
    if token.kind is TokenKind.INT and len(text) > MAX_DIGITS:
        return f"a number of more than {MAX_DIGITS} digits"
    if token.kind is TokenKind.FLOAT and (len(text) > 400 or not math.isfinite(float(text))):
        return "a number that is too large"
    return None
