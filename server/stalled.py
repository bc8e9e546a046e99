"""Connections whose client reads nothing any more are cut, whatever they carry.

uvicorn waits for ever for a socket that takes no more bytes, and closing it waits too: what lies in
the buffer would have to be sent first. So a connection on which nothing moves is aborted.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from server.telemetry import CONNECTIONS_CUT

STALLED_SECONDS = 15.0
"""How long a client may take no byte of what waits for it, beyond what the system buffers."""


class _Cutting:
    """A part of uvicorn's protocols: called when a socket takes no more bytes, or does again."""

    transport: Any
    stalled_seconds = STALLED_SECONDS
    _cut: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        super().pause_writing()  # type: ignore[misc]
        self._watch(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        super().resume_writing()  # type: ignore[misc]
        self._forget()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()
        super().connection_lost(exc)  # type: ignore[misc]

    def _watch(self, size: int) -> None:
        loop = asyncio.get_running_loop()
        self._cut = loop.call_later(self.stalled_seconds, self._look, size)

    def _look(self, before: int) -> None:
        size = self.transport.get_write_buffer_size()
        if size < before:
            self._watch(size)
            return
        CONNECTIONS_CUT.inc()
        self.transport.abort()

    def _forget(self) -> None:
        if self._cut is not None:
            self._cut.cancel()
            self._cut = None


class CuttingHttp(_Cutting, HttpToolsProtocol):
    """uvicorn's HTTP connection, cut when it stalls."""


class CuttingWebSocket(_Cutting, WebSocketsSansIOProtocol):
    """uvicorn's WebSocket connection, cut when it stalls."""
