"""Every streamed operation of a process, whatever the transport: shared where it can be."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Any, cast

import structlog
from graphql import (
    DocumentNode,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    get_operation_ast,
)
from strawberry.schema import BaseSchema, Schema
from strawberry.types import ExecutionResult

from schema.context import Context
from schema.errors import DomainError
from schema.events import EventFeed
from schema.live import Right, Shareable
from server.availability import is_away
from server.documents import Documents
from server.open_streams import OpenStreams, Standing, until_ended
from server.parameters import Parameters
from server.payloads import Payload, Present, ending, payload_of
from server.shared_streams import SharedStreams
from server.telemetry import STREAMS_ENDED
from server.watchers import Watcher
from server.watching import Watched, watched_of

RECHECK_SECONDS = 2.0
"""How often rights are asked for that may go without an event; an end is told within 5 seconds."""

log = structlog.get_logger()


async def alone(
    schema: BaseSchema, asked: Parameters, context: Any, present: Present
) -> AsyncGenerator[Payload, None]:
    """The messages of an operation that is executed for one client."""
    results = await schema.stream(
        asked.query,
        variable_values=asked.variables,
        context_value=context,
        operation_name=asked.operation_name,
        operation_extensions=asked.extensions,
    )
    async with aclosing(results):
        async for result in results:
            # @defer and @stream, the only other kind, are switched off in the schema.
            assert isinstance(result, ExecutionResult)
            yield payload_of(result, present, context)


class Streams:
    """Opens streams, and ends them when their viewers' rights end."""

    def __init__(
        self,
        schema: BaseSchema,
        documents: Documents,
        feed: EventFeed,
        shareable: Mapping[str, Shareable],
        standing: Standing,
        present: Present,
    ) -> None:
        self._schema = schema
        self._documents = documents
        self._shareable = shareable
        self._present = present
        self.open = OpenStreams(standing)
        self.shared = SharedStreams(schema, feed, present)

    @asynccontextmanager
    async def running(self, interval: float = RECHECK_SECONDS) -> AsyncIterator[None]:
        """Asks for rights again and again until the block is left."""
        rechecking = asyncio.create_task(self._recheck(interval))
        try:
            yield
        finally:
            rechecking.cancel()
            with suppress(asyncio.CancelledError):
                await rechecking
            self.shared.close()

    async def payloads(self, asked: Parameters, context: Any) -> AsyncGenerator[Payload, None]:
        """The messages of any operation; a stream that is refused or ended says so last."""
        source = alone(self._schema, asked, context, self._present)
        found = self._subscription(asked)
        if found is not None and isinstance(context, Context) and context.token is not None:
            source = self._subscribed(*found, asked, context)
        try:
            async with aclosing(source):
                async for payload in source:
                    yield payload
        except Exception as fault:
            if not (isinstance(fault, DomainError) or is_away(fault)):
                raise
            yield ending(fault, self._present, context)

    def _subscription(
        self, asked: Parameters
    ) -> tuple[DocumentNode, OperationDefinitionNode] | None:
        if OperationType.SUBSCRIPTION.value not in asked.query:
            return None
        document = self._documents.read(
            self._core, asked.query, asked.operation_name, asked.variables
        )
        if document is None:
            return None
        operation = get_operation_ast(document, asked.operation_name)
        if operation is None or operation.operation is not OperationType.SUBSCRIPTION:
            return None
        return document, operation

    @property
    def _core(self) -> GraphQLSchema:
        return cast("Schema", self._schema)._schema

    async def _subscribed(
        self,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        asked: Parameters,
        context: Context,
    ) -> AsyncGenerator[Payload, None]:
        watched = watched_of(self._core, self._shareable, document, operation, asked, context)
        if watched is not None and await self._shares(watched, context):
            source = self._shared(watched, asked, context)
        else:
            source = self._guarded(asked, context)
        async with aclosing(source):
            async for payload in source:
                yield payload

    async def _shares(self, watched: Watched, context: Context) -> bool:
        (right,) = await watched.shareable.rights([(watched.leader, context.viewer.subject)])
        return right is Right.SHARED

    async def _shared(
        self, watched: Watched, asked: Parameters, context: Context
    ) -> AsyncGenerator[Payload, None]:
        assert context.token is not None
        watcher = Watcher(context.viewer.subject)
        source = self.shared.payloads(watched, asked, context.language, watcher)
        with self.open.entered(context.token, watcher.end):
            async with aclosing(source):
                async for payload in source:
                    yield payload

    async def _guarded(self, asked: Parameters, context: Context) -> AsyncGenerator[Payload, None]:
        """Executed for one client, who may not watch or share, or watches what is theirs."""
        assert context.token is not None
        ended: asyncio.Future[DomainError] = asyncio.get_running_loop().create_future()

        def end(refusal: DomainError) -> None:
            if not ended.done():
                STREAMS_ENDED.labels(refusal.code.value).inc()
                ended.set_result(refusal)

        source = until_ended(alone(self._schema, asked, context, self._present), ended)
        with self.open.entered(context.token, end):
            async with aclosing(source):
                async for payload in source:
                    yield payload

    async def _recheck(self, interval: float) -> None:
        while True:
            await asyncio.sleep(interval)
            for recheck in (self.open.recheck, self.shared.recheck):
                try:
                    await recheck()
                except Exception as fault:
                    # Nothing is handed out meanwhile that is not asked about; it is asked again.
                    if is_away(fault):
                        log.warning("database.away", error=f"{type(fault).__name__}: {fault}")
                    else:
                        log.error("streams.not_rechecked", exc_info=fault)
