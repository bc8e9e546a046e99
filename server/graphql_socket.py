"""The GraphQL endpoint over WebSocket: `graphql-transport-ws`, checked as HTTP requests are.

Strawberry's handler keeps the protocol's states. What differs: text is checked before it is
used, every operation has a context of its own (one for a whole connection would keep its
loaders and rights for hours), errors are presented as over HTTP, and one bad document does
not end the operations beside it.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any

import orjson
from graphql import GraphQLError
from starlette.websockets import WebSocketDisconnect, WebSocketState
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.http.exceptions import (
    NonJsonMessageReceived,
    NonTextMessageReceived,
    WebSocketDisconnected,
)
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import (
    BaseGraphQLTransportWSHandler,
    Operation,
)

from server.masking import Refusal, masked
from server.parameters import Parameters, parameters_of
from server.strings import MalformedInput, parse_json, refuse_unsafe

if TYPE_CHECKING:
    from server.graphql_view import GraphQLView

MAX_ID_LENGTH = 128
CLOSE_CODES = {401: 4401, 503: 1013}
"""By the status that a refusal has over HTTP; 1013 asks the client to try again later."""
UNAUTHENTICATED = "UNAUTHENTICATED"
"""The code by which a connection ends with all that runs on it."""


class SocketAdapter(ASGIWebSocketAdapter):
    """Reads and writes one socket's messages: JSON objects as text, of bounded length."""

    view: "GraphQLView"

    async def iter_json(
        self, *, ignore_parsing_errors: bool = False
    ) -> AsyncGenerator[object, None]:
        while self.ws.application_state != WebSocketState.DISCONNECTED:
            try:
                text = await self.ws.receive_text()
            except KeyError as error:
                raise NonTextMessageReceived from error
            except WebSocketDisconnect:
                return
            # A character is at least a byte, so this cannot refuse what HTTP would take.
            if len(text) > self.view.max_body_bytes:
                await self.close(1009, "Message too big")
                return
            try:
                message = parse_json(text)
            except MalformedInput as error:
                raise NonJsonMessageReceived from error
            if not isinstance(message, dict):
                raise NonJsonMessageReceived
            yield message

    async def send_json(self, message: Mapping[str, object]) -> None:
        await self.send_text(orjson.dumps(message, default=str).decode())

    async def send_text(self, text: str) -> None:
        """Send what is JSON already."""
        if self.ws.application_state == WebSocketState.DISCONNECTED:
            raise WebSocketDisconnected
        try:
            await self.ws.send_text(text)
        except WebSocketDisconnect as error:
            raise WebSocketDisconnected from error


class SocketHandler(BaseGraphQLTransportWSHandler[Any, None]):
    """The protocol's states of one connection."""

    view: "GraphQLView"
    websocket: SocketAdapter

    async def handle_message(self, message: Any) -> None:
        try:
            refuse_unsafe(message)
            identifier = message.get("id", "-")
            if not isinstance(identifier, str) or not 0 < len(identifier) <= MAX_ID_LENGTH:
                raise MalformedInput(f"`id` must be a text of 1 to {MAX_ID_LENGTH} characters.")
            await super().handle_message(message)
        except MalformedInput as error:
            await self._refuse_message(message, error)
        except Refusal as refusal:
            code = CLOSE_CODES.get(refusal.status, 4403)
            await self.websocket.close(code, refusal.message[:120])
        except WebSocketDisconnected:
            raise
        except Exception as fault:
            await self.websocket.close(4500, masked(fault).message)

    async def _refuse_message(self, message: dict[str, Any], error: MalformedInput) -> None:
        identifier = message.get("id")
        answerable = (
            self.connection_acknowledged
            and message.get("type") == "subscribe"
            and isinstance(identifier, str)
            and identifier.isascii()
            and identifier not in self.operations
        )
        if answerable:
            await self._refuse_operation(str(identifier), error.code, str(error))
        else:
            await self.websocket.close(4400, str(error)[:120])

    async def _refuse_operation(self, identifier: str, code: str, message: str) -> None:
        error = GraphQLError(message, extensions={"code": code})
        await self.send_message({"id": identifier, "type": "error", "payload": [error.formatted]})

    async def handle_subscribe(self, message: Any) -> None:
        if not self.connection_acknowledged:
            await self.websocket.close(4401, "Unauthorized")
            return
        identifier = message["id"]
        if identifier in self.operations:
            await self.websocket.close(4409, f"Subscriber for {identifier} already exists"[:120])
            return
        limit = self.max_subscriptions_per_connection
        if limit is not None and len(self.operations) >= limit:
            await self._refuse_operation(
                identifier, "SUBSCRIPTION_LIMIT", f"At most {limit} operations run on a connection."
            )
            return
        asked = parameters_of(message["payload"], self.view.trusted)
        operation = Operation(self, identifier, asked.query, asked.variables, asked.operation_name)
        operation.task = asyncio.create_task(self.run_operation(operation))
        operation.task.add_done_callback(self._task_done)
        self.operations[identifier] = operation

    async def run_operation(self, operation: Operation[Any, None]) -> None:
        try:
            await self._run(operation)
        except WebSocketDisconnected:
            return
        except Refusal as refusal:
            await self._end(operation, refusal.error)
        except Exception as fault:
            await self._end(operation, masked(fault))

    async def _run(self, operation: Operation[Any, None]) -> None:
        context = await self.view.context_for(self.websocket.ws, self.websocket.ws)
        asked = Parameters(operation.query, operation.variables, operation.operation_name, None)
        head = f'{{"id":{orjson.dumps(operation.id).decode()},"type":"next","payload":'
        async with aclosing(self.view.payloads(asked, context)) as payloads:
            async for payload in payloads:
                if payload.refusal:
                    await self._refuse(operation, payload.refusal)
                    return
                await self.websocket.send_text(f"{head}{payload.text}}}")
        await operation.send_operation_message({"id": operation.id, "type": "complete"})

    async def _refuse(
        self, operation: Operation[Any, None], errors: Sequence[GraphQLError]
    ) -> None:
        await operation.send_initial_errors(list(errors))
        if any((error.extensions or {}).get("code") == UNAUTHENTICATED for error in errors):
            await self._sign_off(errors[0])

    async def _sign_off(self, error: GraphQLError) -> None:
        """Close a connection whose token holds no more; its other operations are told first."""
        for other in list(self.operations.values()):
            if other.task is not None:
                other.task.cancel()
            await other.send_initial_errors([error])
        await self.websocket.close(CLOSE_CODES[401], error.message[:120])

    async def _end(self, operation: Operation[Any, None], error: GraphQLError) -> None:
        with suppress(WebSocketDisconnected):
            await self._refuse(operation, [error])

    def forget_id(self, id: str) -> None:
        # The client's `complete` may have come first.
        self.operations.pop(id, None)
