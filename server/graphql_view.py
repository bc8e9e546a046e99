"""The GraphQL endpoint over HTTP: what a request must look like and how it is answered.

Follows GraphQL over HTTP for one result, and GraphQL over SSE (distinct connections) for
many; both share an address with `graphql-transport-ws`, which is in graphql_socket.py.
Strawberry executes; every check of the edge is here or in the modules named below.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from datetime import timedelta
from typing import Any, cast

import orjson
from graphql import GraphQLError, GraphQLSyntaxError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry import Schema
from strawberry.asgi import GraphQL
from strawberry.http import GraphQLHTTPResponse, process_result
from strawberry.http.streaming import SSETransport, merge_stream_with_heartbeat
from strawberry.http.websocket_origin import normalize_origin
from strawberry.schema import BaseSchema
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.subscriptions import GRAPHQL_SSE_PROTOCOL, GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType
from strawberry.types.unset import UNSET, UnsetType
from strawberry.utils.logging import StrawberryLogger

from schema.selection.execution import one_statement
from server.documents import Documents
from server.graphql_socket import SocketAdapter, SocketHandler
from server.ide import assets, page
from server.limits import Limits
from server.masking import (
    PresentError,
    Refusal,
    before_execution,
    is_request_error,
    masked,
    present_errors,
)
from server.media_types import GRAPHQL_RESPONSE, HTML, JSON, Negotiated, names, negotiate
from server.parameters import Parameters, parameters_of
from server.payloads import Payload
from server.streams import Streams, alone
from server.strings import MalformedInput, decode_json, refuse_unsafe
from server.trusted_documents import TrustedDocuments

ContextFor = Callable[[Request | WebSocket, Response | WebSocket], Awaitable[Any]]
OnConnect = Callable[[WebSocket, dict[str, Any]], Awaitable[dict[str, Any] | None]]

# The statuses under application/graphql-response+json that the two texts of GraphQL over HTTP
# disagree on: (a valid document was refused before execution, data together with errors).
STATUS_PROFILES = {"2025": (400, 200), "head": (422, 294)}
KIBIBYTE = 1024


def present_as_is(error: GraphQLError, context: Any) -> GraphQLError:
    """Stands where the domain has no errors of its own to present."""
    return error


class GraphQLView(GraphQL[Any, None]):
    """The ASGI application at /graphql, for `http` and `websocket` scopes.

    Arguments:
        context_for: makes the context, for every HTTP request and every operation on a
            socket; may raise Refusal (401, ...).
        on_connect: admits a socket by the payload of `connection_init`, and returns that of
            the acknowledgement; may raise Refusal.
        present_error: turns the domain's errors into ones with `extensions.code`.
        status_profile: a key of STATUS_PROFILES.
        allowed_origins: other origins whose pages may call us ("*" for any).
        max_body_bytes: also the longest message on a socket.
        max_subscriptions: operations at once on one socket.
        trusted: documents that clients may name by hash; by default there are none.
        documents: those of the schema, where its queries may be one statement each.
    """

    websocket_adapter_class = SocketAdapter
    graphql_transport_ws_handler_class = SocketHandler

    def __init__(
        self,
        schema: BaseSchema,
        *,
        context_for: ContextFor,
        on_connect: OnConnect,
        present_error: PresentError = present_as_is,
        status_profile: str = "2025",
        max_body_bytes: int = 256 * KIBIBYTE,
        ide: bool = True,
        allowed_origins: Sequence[str] = (),
        max_subscriptions: int = 20,
        connection_init_timeout: timedelta = timedelta(seconds=10),
        max_errors: int = Limits().errors,
        trusted: TrustedDocuments | None = None,
        documents: Documents | None = None,
    ) -> None:
        if status_profile not in STATUS_PROFILES:
            raise ValueError(
                f"The status profile is {status_profile!r}; choose one of {sorted(STATUS_PROFILES)}"
            )
        super().__init__(
            schema,
            graphql_ide=None,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL, GRAPHQL_SSE_PROTOCOL),
            connection_init_wait_timeout=connection_init_timeout,
            max_subscriptions_per_connection=max_subscriptions,
            allowed_origins=allowed_origins,
        )
        # It would print every refusal with its traceback; ours are logged once, in masking.py.
        StrawberryLogger.logger.disabled = True
        self.context_for = context_for
        self.connect = on_connect
        self.max_body_bytes = max_body_bytes
        self._present_error = present_error
        self._max_errors = max_errors
        self.trusted = trusted or TrustedDocuments()
        self._documents = documents
        self.streams: Streams | None = None
        """Where streams are shared and ended; without, each is executed for its client alone."""
        self._ide = ide
        self._invalid_status, self._partial_status = STATUS_PROFILES[status_profile]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self.run(WebSocket(scope, receive, send))
            return
        request = Request(scope, receive)
        try:
            response = await self._respond(request)
        except Refusal as refusal:
            response = self._refuse(request, [refusal.error], refusal.status)
            response.headers.update(refusal.headers)
        except ClientDisconnect:
            return
        except HTTPException:
            raise
        except Exception as fault:
            response = self._refuse(request, [masked(fault)], 500)
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        accept = request.headers.get("accept")
        if request.method not in ("GET", "POST"):
            raise Refusal(405, "METHOD_NOT_ALLOWED", "Use GET or POST.", {"allow": "GET, POST"})
        if request.method == "GET" and "query" not in request.query_params and names(accept, HTML):
            if self._ide:
                return page(request.scope.get("root_path", ""), request.scope["path"])
            raise Refusal(404, "NOT_FOUND", "This server has no GraphiQL. Ask by POST.")
        negotiated = negotiate(accept)
        if negotiated.body is None and not (negotiated.stream and request.method == "POST"):
            raise Refusal(
                406, "NOT_ACCEPTABLE", f"Accept {GRAPHQL_RESPONSE}, {JSON} or, by POST, a stream."
            )
        self.refuse_other_origins(request)
        parameters = await self._parameters(request)
        sub_response = await self.get_sub_response(request)
        context = await self.context_for(request, sub_response)
        request.state.graphql_context = context
        return await self._execute(request, parameters, negotiated, context, sub_response)

    def refuse_other_origins(self, request: Request) -> None:
        """Refuse what a browser sends on behalf of a page of an origin that we do not know.

        A POST of JSON needs a CORS preflight, but a GET does not: this keeps queries by GET
        from being used across sites, whatever the request is authenticated by.
        """
        if request.headers.get("sec-fetch-site") not in ("cross-site", "same-site"):
            return
        origin = normalize_origin(request.headers.get("origin", ""))
        if "*" not in self.allowed_origins and origin not in self.allowed_origins:
            raise Refusal(403, "FORBIDDEN_ORIGIN", "Pages of this origin may not call the API.")

    async def _parameters(self, request: Request) -> Parameters:
        try:
            if request.method == "GET":
                return parameters_of(_from_query_string(request), self.trusted)
            kind = request.headers.get("content-type", "").lower()
            if kind.split(";")[0].strip() != JSON:
                raise Refusal(
                    415, "UNSUPPORTED_MEDIA_TYPE", f"Send the request as {JSON} in UTF-8."
                )
            return parameters_of(decode_json(await self._body(request)), self.trusted)
        except MalformedInput as error:
            raise Refusal(400, error.code, str(error)) from error

    async def _body(self, request: Request) -> bytes:
        too_large = Refusal(
            413, "PAYLOAD_TOO_LARGE", f"A request has at most {self.max_body_bytes} bytes."
        )
        declared = request.headers.get("content-length", "0")
        if declared.isdecimal() and int(declared[:20]) > self.max_body_bytes:
            raise too_large
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > self.max_body_bytes:
                raise too_large
        return bytes(body)

    async def _execute(
        self,
        request: Request,
        parameters: Parameters,
        negotiated: Negotiated,
        context: Any,
        sub_response: Response,
    ) -> Response:
        allowed = {OperationType.QUERY}
        if request.method == "POST":
            allowed.add(OperationType.MUTATION)
            if negotiated.stream_first:
                return await self._stream(request, parameters, context, sub_response)
        known = await self._at_once(parameters, context)
        if known is not None:
            return await self._answer(request, known, negotiated.body or JSON, sub_response)
        try:
            result = await self.schema.execute(
                parameters.query,
                variable_values=parameters.variables,
                context_value=context,
                operation_name=parameters.operation_name,
                allowed_operation_types=allowed,
                operation_extensions=parameters.extensions,
            )
        except CannotGetOperationTypeError as error:
            raise Refusal(400, "UNKNOWN_OPERATION", error.as_http_error_reason()) from error
        except InvalidOperationTypeError as error:
            if request.method == "GET":
                message = f"A {error.operation_type.value} needs POST."
                raise Refusal(405, "METHOD_NOT_ALLOWED", message, {"allow": "POST"}) from error
            if negotiated.stream:
                return await self._stream(request, parameters, context, sub_response)
            message = "A subscription is a stream: accept text/event-stream, or use a WebSocket."
            raise Refusal(406, "STREAM_REQUIRED", message) from error
        return await self._answer(request, result, negotiated.body or JSON, sub_response)

    async def _at_once(self, parameters: Parameters, context: Any) -> ExecutionResult | None:
        """The answer of a known query that is one statement, past Strawberry's steps and hooks."""
        if self._documents is None:
            return None
        schema, name = cast("Schema", self.schema)._schema, parameters.operation_name
        passed = self._documents.passed(schema, parameters.query, name, parameters.variables)
        if passed is None:
            return None
        document, cost = passed
        found = await one_statement(schema, document, name, parameters.variables, context)
        if found is None:
            return None
        return ExecutionResult(found.data, found.errors, self._documents.report(cost))

    async def _stream(
        self, request: Request, parameters: Parameters, context: Any, sub_response: Response
    ) -> Response:
        transport = SSETransport()

        async def events() -> AsyncGenerator[str, None]:
            async with aclosing(self.payloads(parameters, context)) as payloads:
                async for payload in payloads:
                    yield transport.encode_event("next", payload.text.replace("\n", " "))
            yield transport.encode_complete()

        beating = merge_stream_with_heartbeat(
            events,
            lambda: transport.heartbeat_message(self.encode_json_string),
            interval=transport.heartbeat_interval,
            send_initial_heartbeat=transport.send_initial_heartbeat,
        )
        return await self.create_streaming_response(
            request, beating, sub_response, headers=transport.headers
        )

    def payloads(self, asked: Parameters, context: Any) -> AsyncGenerator[Payload, None]:
        """The messages of a streamed operation."""
        if self.streams is None:
            return alone(self.schema, asked, context, self.present)
        return self.streams.payloads(asked, context)

    async def _answer(
        self, request: Request, result: ExecutionResult, media_type: str, sub_response: Response
    ) -> Response:
        # Judged before the errors are presented: what is masked looks like any other.
        status = self._status(result) if media_type == GRAPHQL_RESPONSE else 200
        answer = await self.process_result(request, result)
        response = self._write(answer, sub_response.status_code or status, media_type)
        response.headers.raw.extend(sub_response.headers.raw)
        response.background = sub_response.background
        return response

    def _status(self, result: ExecutionResult) -> int:
        if not result.errors:
            return 200
        if not before_execution(result):
            return self._partial_status
        if any(isinstance(error, GraphQLSyntaxError) for error in result.errors):
            return 400
        if all(is_request_error(error) for error in result.errors):
            return self._invalid_status
        return 500

    def _refuse(self, request: Request, errors: Iterable[GraphQLError], status: int) -> Response:
        media_type = negotiate(request.headers.get("accept")).body or JSON
        return self._write({"errors": [error.formatted for error in errors]}, status, media_type)

    def _write(self, answer: Any, status: int, media_type: str) -> Response:
        headers = {
            "cache-control": "no-store",
            "vary": "Accept",
            "x-content-type-options": "nosniff",
        }
        return Response(self.encode_json(answer), status, headers, f"{media_type}; charset=utf-8")

    def present(self, errors: Iterable[GraphQLError], context: Any) -> list[GraphQLError]:
        """The errors as the client may see them; see masking.py."""
        return present_errors(list(errors), context, self._present_error, self._max_errors)

    async def process_result(
        self, request: Request, result: ExecutionResult
    ) -> GraphQLHTTPResponse:
        refused = before_execution(result)
        if result.errors:
            result.errors = self.present(result.errors, request.state.graphql_context)
        answer = process_result(result)
        if refused:
            # A request error has no `data`, not even null.
            answer.pop("data", None)
        return answer

    def encode_json(self, data: object) -> bytes:
        return orjson.dumps(data, default=str)

    def decode_json(self, data: str | bytes) -> object:
        return decode_json(data)

    async def get_context(
        self, request: Request | WebSocket, response: Response | WebSocket
    ) -> Any:
        # Only sockets come this way. Their operations have contexts of their own; this one
        # carries the payload of connection_init to on_ws_connect.
        return {"socket": request}

    async def on_ws_connect(self, context: Any) -> dict[str, object] | UnsetType:
        payload = await self.connect(context["socket"], context.get("connection_params", {}))
        # Clients refuse an acknowledgement whose payload is null.
        return UNSET if payload is None else payload


def graphql_routes(view: GraphQLView, path: str = "/graphql") -> list[BaseRoute]:
    """The routes of the endpoint: HTTP and WebSocket at `path`, GraphiQL's files below it."""
    return [
        Route(path, view),
        WebSocketRoute(path, view),
        Mount(f"{path}/assets", assets()),
    ]


def _from_query_string(request: Request) -> dict[str, Any]:
    texts: dict[str, Any] = dict(request.query_params)
    for name in ("variables", "extensions"):
        if texts.get(name):
            texts[name] = decode_json(texts[name])
    refuse_unsafe(texts)
    return texts
