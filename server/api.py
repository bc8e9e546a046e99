"""From a request to a context: who is asking, in which language; and errors back to clients."""

from datetime import datetime
from typing import Any

import structlog
from graphql import GraphQLError
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.websockets import WebSocket
from tortoise.exceptions import ValidationError

from schema.access import Scope
from schema.context import Context, Token
from schema.errors import DomainError, ErrorCode, Language, Unauthenticated
from schema.events import EventFeed
from schema.graph import SHAREABLE, build_schema
from schema.organizations.viewers import scope_of, standing
from server.auth import Identity, TokenVerifier, bearer_of
from server.availability import is_away
from server.documents import Documents
from server.graphql_view import GraphQLView
from server.limits import Limits
from server.masking import Refusal
from server.media_types import ranges
from server.settings import Settings
from server.streams import Streams
from server.trusted_documents import TrustedDocuments
from server.vault import vault_of

log = structlog.get_logger()


class Api:
    """The GraphQL endpoint of one process: verifies tokens, makes contexts, presents errors."""

    def __init__(self, settings: Settings, verifier: TokenVerifier, feed: EventFeed) -> None:
        self.verifier = verifier
        self._feed = feed
        self.vault = vault_of(settings)
        documents = Documents(Limits(), report_cost=True)
        self.view = GraphQLView(
            build_schema(documents.extensions),
            documents=documents,
            context_for=self.context_for,
            on_connect=self.on_connect,
            present_error=present_error,
            status_profile=settings.status_profile,
            ide=settings.graphiql,
            allowed_origins=settings.allowed_origins,
            trusted=TrustedDocuments.of(settings),
        )
        self.streams = self.view.streams = Streams(
            self.view.schema, documents, feed, SHAREABLE, standing, self.view.present
        )

    async def context_for(
        self, request: Request | WebSocket, response: Response | WebSocket
    ) -> Context:
        """The context of a request, or of one operation on a socket.

        Raises:
            Refusal: 401, a token was given that is not valid (none at all is nobody's request);
                503, the database does not answer.
        """
        language, identity = language_of(request), None

        async def authorise() -> tuple[Scope, datetime]:
            if token is None:
                raise Unauthenticated
            identity = self.verifier.verify(token)
            return await scope_of(identity.subject, identity.issued_at), identity.expires_at

        try:
            token = getattr(request.state, "bearer", None) or bearer_of(request.headers)
            identity = None if token is None else self.verifier.verify(token)
            scope = (
                None if identity is None else await scope_of(identity.subject, identity.issued_at)
            )
        except Unauthenticated as refused:
            raise _unauthorized(refused, language) from refused
        except Exception as fault:
            raise _unavailable(fault, language) from fault
        return Context(
            scope=scope,
            language=language,
            feed=self._feed,
            authorise=authorise,
            vault=self.vault,
            token=None if identity is None else _token(identity),
        )

    async def on_connect(self, socket: WebSocket, payload: dict[str, Any]) -> None:
        """Admit a socket by its header, or by `{"authorization": "Bearer ..."}` in the payload.

        Raises:
            Refusal: 401, there is no valid token; 503, the database does not answer.
        """
        language = language_of(socket)
        try:
            given = {key.lower(): value for key, value in payload.items() if _is_text(value)}
            token = bearer_of(given) or bearer_of(socket.headers)
            if token is None:
                raise Unauthenticated
            identity: Identity = self.verifier.verify(token)
            await scope_of(identity.subject, identity.issued_at)
        except Unauthenticated as refused:
            raise _unauthorized(refused, language) from refused
        except Exception as fault:
            raise _unavailable(fault, language) from fault
        socket.state.bearer = token


def _token(identity: Identity) -> Token:
    return Token(identity.subject, identity.issued_at, identity.expires_at)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _unauthorized(refused: Unauthenticated, language: Language) -> Refusal:
    return Refusal(
        401,
        refused.code,
        refused.message(language),
        {"www-authenticate": 'Bearer realm="ekinerja"'},
    )


def _unavailable(fault: Exception, language: Language) -> Exception:
    """The refusal that says that the database does not answer; any other fault as it is."""
    if not is_away(fault):
        return fault
    log.warning("database.away", error=f"{type(fault).__name__}: {fault}")
    refusal = DomainError(ErrorCode.UNAVAILABLE)
    return Refusal(503, refusal.code, refusal.message(language), {"retry-after": "5"})


def language_of(connection: HTTPConnection) -> Language:
    """By Accept-Language; Indonesian where neither language is asked for."""
    asked = ranges(connection.headers.get("accept-language", ""))
    weights = {name.split("-")[0]: weight for name, weight in reversed(asked) if weight > 0}
    known = [language for language in Language if language in weights]
    return max(known, key=lambda language: weights[language], default=Language.INDONESIAN)


def _column_of(refused: ValidationError) -> str:
    """The column that a value does not fit; its message repeats the value, however long it is."""
    return str(refused).partition(":")[0][:60]


def present_error(error: GraphQLError, context: Any) -> GraphQLError:
    """A refusal of the domain, with its code and in the language of the request."""
    refusal = error.original_error
    if is_away(refusal):
        log.warning("database.away", error=f"{type(refusal).__name__}: {refusal}")
        refusal = DomainError(ErrorCode.UNAVAILABLE)
    elif isinstance(refusal, ValidationError):
        # What the column cannot hold, such as a code of 20,000 letters, was looked for by it.
        refusal = DomainError(ErrorCode.BAD_USER_INPUT, detail=_column_of(refusal))
    if not isinstance(refusal, DomainError):
        return error
    language = context.language if isinstance(context, Context) else Language.INDONESIAN
    extensions: dict[str, Any] = {"code": refusal.code.value}
    if refusal.field is not None:
        extensions["field"] = refusal.field
    return GraphQLError(
        refusal.message(language),
        nodes=error.nodes,
        path=error.path,
        original_error=refusal,
        extensions=extensions,
    )
