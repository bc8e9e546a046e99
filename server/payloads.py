"""What one message of a stream says: JSON text that any transport wraps and none reads again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from graphql import GraphQLError
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError

from server.masking import before_execution

Present = Callable[[Sequence[GraphQLError], Any], list[GraphQLError]]
"""Errors as a client of this context may see them; the view's `present`."""


@dataclass(frozen=True, slots=True)
class Payload:
    """One result as text. `refusal`: nothing was executed, or the stream ended, and why."""

    text: str
    refusal: tuple[GraphQLError, ...] = ()


def payload_of(result: ExecutionResult, present: Present, context: Any) -> Payload:
    """A result as the clients of a context may read it."""
    refused = isinstance(result, PreExecutionError) or before_execution(result)
    errors = present(result.errors or (), context)
    answer: dict[str, Any] = {} if refused else {"data": result.data}
    if errors:
        answer["errors"] = [error.formatted for error in errors]
    if result.extensions:
        answer["extensions"] = result.extensions
    text = orjson.dumps(answer, default=str).decode()
    return Payload(text, tuple(errors) if refused else ())


def ending(fault: Exception, present: Present, context: Any) -> Payload:
    """How a stream says by what it was ended."""
    error = GraphQLError(str(fault), original_error=fault)
    return payload_of(PreExecutionError(data=None, errors=[error]), present, context)
