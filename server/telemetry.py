"""What operators see of a running server: structured logs, a request id, metrics.

Nothing here reads a body, a query string, a variable or a header other than X-Request-ID, and
whatever still looks like a credential is struck out of every line before it is written.
"""

import logging
import re
import sys
import time
from collections.abc import Mapping, MutableMapping
from typing import Any, TextIO
from urllib.parse import quote

import orjson
import structlog
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from schema.values import uuid7
from server.settings import Settings

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)

REQUESTS = Counter(
    "ekinerja_http_requests",
    "Requests answered. A socket counts once, when it ends, as method WEBSOCKET: status 101 "
    "when it was accepted.",
    ["method", "route", "status"],
    registry=REGISTRY,
)
REQUEST_SECONDS = Histogram(
    "ekinerja_http_request_seconds",
    "Seconds until the answer began, so that a stream counts for what it made its client wait.",
    ["route", "status"],
    registry=REGISTRY,
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
OPEN_SUBSCRIPTIONS = Gauge(
    "ekinerja_open_subscriptions",
    "Readers that follow the event log in this process; the event bus counts them.",
    registry=REGISTRY,
)
STREAM_WATCHERS = Gauge(
    "ekinerja_stream_watchers", "Open subscriptions of clients, shared or not.", registry=REGISTRY
)
STREAM_PRODUCERS = Gauge(
    "ekinerja_stream_producers", "Shared streams, each computed once.", registry=REGISTRY
)
SHARED_MESSAGES = Counter(
    "ekinerja_stream_messages",
    "Messages of shared streams; each is computed once, however many watch.",
    registry=REGISTRY,
)
STREAMS_ENDED = Counter(
    "ekinerja_streams_ended",
    "Subscriptions that the server ended, by the code that it gave.",
    ["code"],
    registry=REGISTRY,
)
CONNECTIONS_CUT = Counter(
    "ekinerja_connections_cut",
    "Connections cut because their client read nothing any more.",
    registry=REGISTRY,
)
EVENTS_STAMPED = Counter(
    "ekinerja_events_stamped", "Events given a position by this process.", registry=REGISTRY
)
PRESENCE_EVENTS = Counter(
    "ekinerja_presence_events",
    "Events that this process wrote because time passed, of people and of agencies.",
    registry=REGISTRY,
)
DAYS_CLOSED = Counter(
    "ekinerja_days_closed", "Days of people that this process closed.", registry=REGISTRY
)
PRESENCE_BEHIND = Gauge(
    "ekinerja_presence_behind_seconds",
    "How long ago the presence clock of an agency last ticked, as last sampled; the longest.",
    registry=REGISTRY,
)
EVENT_POSITION = Gauge(
    "ekinerja_event_position",
    "Position of the newest event that this process has passed on to its streams.",
    registry=REGISTRY,
)
EVENTS_CAUGHT_UP = Counter(
    "ekinerja_events_caught_up",
    "Events that no wake-up brought: the read of each second found them.",
    registry=REGISTRY,
)
WAKE_UPS_CONNECTED = Gauge(
    "ekinerja_wake_ups_connected",
    "1 while this process hears wake-ups by this channel (postgres, nats), 0 while it is away.",
    ["channel"],
    registry=REGISTRY,
)
INBOX_WAITING = Gauge(
    "ekinerja_inbox_waiting", "Inbox items not yet processed, as last sampled.", registry=REGISTRY
)
DEAD_LETTERS_OPEN = Gauge(
    "ekinerja_dead_letters_open", "Dead letters not resolved, as last sampled.", registry=REGISTRY
)
BREAKERS_OPEN = Gauge(
    "ekinerja_breakers_open",
    "Installations whose service is only probed, as last sampled.",
    registry=REGISTRY,
)
CONNECTOR_PROBLEMS_OPEN = Gauge(
    "ekinerja_connector_problems_open",
    "Problems of connectors not resolved and not dismissed, as last sampled.",
    registry=REGISTRY,
)
NOTICES_WAITING = Gauge(
    "ekinerja_notices_waiting",
    "Notices on their way through a channel and due, as last sampled.",
    registry=REGISTRY,
)
NOTICES_DELIVERED = Gauge(
    "ekinerja_notices_delivered",
    "Notices that a channel took within the last 24 hours, as last sampled.",
    registry=REGISTRY,
)
NOTICES_FAILED = Gauge(
    "ekinerja_notices_failed",
    "Notices that a channel refused or that were given up within the last 24 hours, as last "
    "sampled.",
    registry=REGISTRY,
)
RESULTS_WAITING = Gauge(
    "ekinerja_results_waiting",
    "Signed appraisals on their way to another service, as last sampled.",
    registry=REGISTRY,
)
RESULTS_FAILED = Gauge(
    "ekinerja_results_failed",
    "Signed appraisals that wait for an administrator to send them again, as last sampled.",
    registry=REGISTRY,
)

METHODS = frozenset({"GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"})
QUIET_ROUTES = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked every few seconds by machines: logged at debug only."""

TALKATIVE = ("__main__", "schema", "server", "uvicorn")
"""Loggers whose lines of level info are written; of all others, warnings and above."""

UNMATCHED = "unmatched"
ABANDONED = 499
"""The status counted when the client left before an answer began (nginx's number for it)."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_SECRET_NAMES = re.compile(r"authorization|cookie|token|secret|password|signature", re.IGNORECASE)
_SECRET_VALUES = re.compile(
    r"\bBearer\s+\S+|\beyJ[\w-]+\.[\w-]*(?:\.[\w-]*)*|(?<=://)[^/@\s]+:[^@\s]+(?=@)", re.IGNORECASE
)
STRUCK_OUT = "[struck out]"

log = structlog.get_logger()


def configure_logging(settings: Settings, stream: TextIO | None = None) -> None:
    """Send every log line of the process, the standard library's too, to `stream` (stderr).

    `settings.log_format` is `json` (one object a line) or `console`. uvicorn must be started
    with `log_config=None`, and its access log is switched off: it would show query strings.
    """
    stream = stream or sys.stderr
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        strike_out_secrets,
    ]
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer(_json)
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(
            colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    # Our own lines are written at once: by way of the standard library each took 62 us.
    structlog.configure(
        processors=[*shared, renderer],
        logger_factory=structlog.WriteLoggerFactory(stream),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), _without_colours, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    # Libraries tell at level info what addresses they call, query strings and all.
    root.setLevel(logging.WARNING)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.INFO)
    logging.getLogger("uvicorn.access").disabled = True


def _json(event: Any, **_: Any) -> str:
    """A line's JSON; values that are none are said as text."""
    return orjson.dumps(event, default=str).decode()


def _without_colours(
    logger: object, name: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """A processor: uvicorn says each line twice, once with the colours of a terminal in it."""
    event.pop("color_message", None)
    return event


def strike_out_secrets(
    logger: object, name: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """A processor: no value under a secret's name, and no token inside any text, is written."""
    return {key: _struck_out(key, value) for key, value in event.items()}


def _struck_out(name: object, value: Any) -> Any:
    if isinstance(name, str) and not name.startswith("_") and _SECRET_NAMES.search(name):
        return STRUCK_OUT
    if isinstance(value, str):
        return _SECRET_VALUES.sub(STRUCK_OUT, value)
    if isinstance(value, Mapping):
        return {key: _struck_out(key, inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_struck_out(None, inner) for inner in value]
    return value


class RequestTelemetry:
    """ASGI middleware around the whole application, for `http` and `websocket` scopes.

    A sane X-Request-ID is taken over, else a UUIDv7 is made. The id is in the answer's header,
    in `scope["state"]["request_id"]`, and in every log line written while the request runs.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        passage = _Passage(scope, send)
        with structlog.contextvars.bound_contextvars(request_id=passage.request_id):
            try:
                await self.app(scope, receive, passage.send)
            except Exception:
                passage.failed()
                raise
            finally:
                passage.report()


class _Passage:
    """One request on its way through: its id, when it came, how it was answered."""

    def __init__(self, scope: Scope, send: Send) -> None:
        given = Headers(scope=scope).get("x-request-id", "")
        self.request_id = given if _REQUEST_ID.fullmatch(given) else str(uuid7())
        scope.setdefault("state", {})["request_id"] = self.request_id
        self._scope = scope
        self._send = send
        self._status: int | None = None
        self._close_code: int | None = None
        self._came = time.perf_counter()
        self._began: float | None = None

    async def send(self, message: Message) -> None:
        kind = message["type"]
        if kind in ("http.response.start", "websocket.accept", "websocket.http.response.start"):
            message.setdefault("headers", [])
            MutableHeaders(scope=message)["x-request-id"] = self.request_id
            self._answered(message.get("status", 101))
        elif kind == "websocket.close":
            self._close_code = message.get("code", 1000)
            # Closed before it was accepted: the server answers the handshake with 403.
            self._answered(403)
        await self._send(message)

    def _answered(self, status: int) -> None:
        if self._status is None:
            self._status = status
            self._began = time.perf_counter()

    def failed(self) -> None:
        """The application raised; the server answers 500 if nothing was sent yet."""
        self._answered(500)

    def report(self) -> None:
        status = self._status or ABANDONED
        route = getattr(self._scope.get("route"), "path", UNMATCHED)
        socket = self._scope["type"] == "websocket"
        method = "WEBSOCKET" if socket else self._scope["method"]
        REQUESTS.labels(
            method if socket or method in METHODS else "OTHER", route, str(status)
        ).inc()
        if self._began is not None and not socket:
            REQUEST_SECONDS.labels(route, str(status)).observe(self._began - self._came)
        write = log.debug if route in QUIET_ROUTES else log.info
        write(
            "request",
            # Quoted again, since %0A in a path would otherwise write a line of its own.
            method=quote(method[:20]),
            path=quote(self._scope["path"][:200], errors="replace"),
            status=status,
            ms=round((time.perf_counter() - self._came) * 1000, 1),
            **({} if self._close_code is None else {"close_code": self._close_code}),
        )


async def metrics(request: Request) -> Response:
    """The endpoint of /metrics: this process's metrics in the text format of Prometheus."""
    return Response(generate_latest(REGISTRY), headers={"content-type": CONTENT_TYPE_LATEST})
