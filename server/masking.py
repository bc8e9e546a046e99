"""What a client may read of an error: its own mistakes in full, ours as a number.

Every error passes here just before it leaves, over whichever transport, so that no hook or
stream can bypass it.
"""

import re
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import structlog
from graphql import GraphQLError, GraphQLSyntaxError
from strawberry.exceptions import StrawberryInputCoercionError
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionResult

log = structlog.get_logger()

PresentError = Callable[[GraphQLError, Any], GraphQLError]

MAX_MESSAGE = 500
_SUGGESTION = re.compile(r"\s*Did you mean .*$", re.DOTALL)
_REQUEST_FAULTS = (GraphQLError, CannotGetOperationTypeError, InvalidOperationTypeError)


class Refusal(Exception):
    """A request refused before it is executed; raised also by the callables given to the view.

    `status` is the HTTP status; over WebSocket 401 closes with 4401, 503 with 1013, all else
    with 4403.
    """

    def __init__(
        self, status: int, code: str, message: str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers or {}

    @property
    def error(self) -> GraphQLError:
        return GraphQLError(self.message, extensions={"code": self.code})


def present_errors(
    errors: Sequence[GraphQLError], context: Any, present: PresentError, limit: int
) -> list[GraphQLError]:
    """The errors as the client sees them: at most `limit` of the request's own mistakes.

    `present` turns the errors of the domain into ones with `extensions.code`. An error that
    has a code then passes as it is; so does one about the document or its variables;
    anything else is masked and logged under an id (UUID).
    """
    shown: list[GraphQLError] = []
    for error in errors:
        presented = present(error, context)
        if (presented.extensions or {}).get("code"):
            shown.append(presented)
        elif is_request_error(error):
            shown.append(_readable(error))
        elif isinstance(error.original_error, StrawberryInputCoercionError):
            shown.append(_unusable_argument(error))
        else:
            shown.append(masked(error.original_error or error, error))
    if all(is_request_error(error) for error in errors):
        return shown[:limit]
    return shown


def is_request_error(error: GraphQLError) -> bool:
    """Whether the error is about the request itself (syntax, validation, variables).

    Such an error has no path. What graphql-core did not raise (an exception in an
    extension or in an event source) has none either, but also no place in the document.
    """
    if error.path is not None:
        return False
    original = error.original_error
    if original is None or isinstance(original, _REQUEST_FAULTS):
        return True
    # The parser of a scalar refused a value: the error points at the variable.
    return bool(error.nodes)


def before_execution(result: ExecutionResult) -> bool:
    """Whether a result says that nothing was executed: no data, and no error has a path."""
    return (
        result.data is None
        and bool(result.errors)
        and all(error.path is None for error in result.errors or ())
    )


def masked(fault: BaseException, error: GraphQLError | None = None) -> GraphQLError:
    """Log a fault of ours with its traceback and return what the client may know of it."""
    number = str(uuid.uuid4())
    path = error.path if error is not None else None
    log.error("graphql.fault", id=number, path=path, exc_info=fault)
    return GraphQLError(
        f"Internal error. Report it with the number {number}.",
        nodes=error.nodes if error is not None else None,
        path=path,
        extensions={"code": "INTERNAL", "id": number},
    )


def _unusable_argument(error: GraphQLError) -> GraphQLError:
    """A global id that is none is found only when its field is called: it has a path by then."""
    return GraphQLError(
        error.message[:MAX_MESSAGE],
        nodes=error.nodes,
        path=error.path,
        extensions={"code": "BAD_USER_INPUT"},
    )


def _syntax_code(message: str) -> str:
    # graphql-core's two limits while reading are syntax errors to it; tests hold the words.
    if message.endswith("tokens. Parsing aborted."):
        return "TOKEN_LIMIT"
    return "DEPTH_LIMIT" if "nested too deeply" in message else "GRAPHQL_PARSE_FAILED"


def _readable(error: GraphQLError) -> GraphQLError:
    if isinstance(error, GraphQLSyntaxError):
        code = _syntax_code(error.message)
    elif error.message.startswith("Variable '$"):
        code = "BAD_USER_INPUT"
    else:
        code = "GRAPHQL_VALIDATION_FAILED"
    message = _SUGGESTION.sub("", error.message)
    if len(message) > MAX_MESSAGE:
        message = message[:MAX_MESSAGE] + "…"
    return GraphQLError(
        message,
        nodes=error.nodes,
        source=error.source,
        positions=error.positions,
        extensions={"code": code},
    )
