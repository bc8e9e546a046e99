"""GET /exports/...: papers over HTTP, with the bearer tokens and the words of /graphql."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from tempfile import TemporaryFile
from typing import BinaryIO
from uuid import UUID

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from schema.access import Scope
from schema.errors import DomainError, ErrorCode, Language, NotFound
from schema.selection.statement import key_in
from server.api import Api, language_of
from server.availability import is_away
from server.masking import Refusal
from server.papers.files import (
    FORMS,
    Paper,
    write_evaluation,
    write_own_data,
    write_plan,
    write_table,
)

AT_ONCE = 2
"""How many papers a process makes at once: each takes a processor for a while."""
WAIT_SECONDS = 10.0
CHUNK = 64 * 1024
STATUSES = {ErrorCode.UNAUTHENTICATED: 401, ErrorCode.NOT_FOUND: 404, ErrorCode.UNAVAILABLE: 503}
"""Of refusals; any other is 400."""
HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
Make = Callable[[Request, Scope, BinaryIO], Awaitable[Paper]]

log = structlog.get_logger()


def paper_routes(api: Api) -> list[BaseRoute]:
    """All routes of papers."""
    desk = asyncio.Semaphore(AT_ONCE)

    def route(path: str, make: Make) -> Route:
        async def serve(request: Request) -> Response:
            return await _served(api, desk, request, make)

        return Route(f"/exports{path}", serve, methods=["GET"])

    return [
        route("/plans/{id}.pdf", _plan),
        route("/appraisals/{id}.pdf", _evaluation),
        route("/units/{id}/appraisals.{form}", _table),
        route("/me.json", _own),
    ]


async def _plan(request: Request, scope: Scope, target: BinaryIO) -> Paper:
    return await write_plan(scope, _key(request, "PerformancePlan"), target)


async def _evaluation(request: Request, scope: Scope, target: BinaryIO) -> Paper:
    return await write_evaluation(scope, _key(request, "Appraisal"), target)


async def _table(request: Request, scope: Scope, target: BinaryIO) -> Paper:
    form, evaluation = request.path_params["form"], request.query_params.get("evaluation", "")
    if form not in FORMS:
        raise NotFound("Unit")
    period = key_in(evaluation, "EvaluationPeriod")
    return await write_table(scope, _key(request, "Unit"), period, form, target)


async def _own(request: Request, scope: Scope, target: BinaryIO) -> Paper:
    return await write_own_data(scope, target)


def _key(request: Request, kind: str) -> UUID:
    return key_in(request.path_params["id"], kind)


async def _served(api: Api, desk: asyncio.Semaphore, request: Request, make: Make) -> Response:
    """The paper as an attachment; otherwise a 4xx or 503 with its code and words."""
    language = language_of(request)
    target = TemporaryFile()  # noqa: SIM115, closed with the answer
    try:
        api.view.refuse_other_origins(request)
        scope = (await api.context_for(request, Response())).viewer
        async with asyncio.timeout(WAIT_SECONDS):
            await desk.acquire()
        try:
            paper = await make(request, scope, target)
        finally:
            desk.release()
    except Exception as fault:
        target.close()
        return _refused(fault, language)
    # Not its name: a NIP is in it.
    log.info("paper.made", media_type=paper.media_type, rows=paper.rows)
    headers = HEADERS | {
        "content-disposition": f'attachment; filename="{paper.name}"',
        "content-length": str(target.tell()),
    }
    return StreamingResponse(_pieces(target), 200, headers, paper.media_type)


def _refused(fault: Exception, language: Language) -> Response:
    """What a refusal says to the client; any other fault goes on to where it is masked."""
    if isinstance(fault, Refusal):
        said = {"error": fault.message, "code": str(fault.code)}
        return JSONResponse(said, fault.status, HEADERS | fault.headers)
    if isinstance(fault, TimeoutError) or is_away(fault):
        fault = DomainError(ErrorCode.UNAVAILABLE)
    if not isinstance(fault, DomainError):
        raise fault
    headers = dict(HEADERS)
    if fault.code is ErrorCode.UNAUTHENTICATED:
        headers["www-authenticate"] = 'Bearer realm="ekinerja"'
    if fault.code is ErrorCode.UNAVAILABLE:
        headers["retry-after"] = "5"
    said = {"error": fault.message(language), "code": fault.code.value}
    return JSONResponse(said, STATUSES.get(fault.code, 400), headers)


async def _pieces(source: BinaryIO) -> AsyncIterator[bytes]:
    with source:
        source.seek(0)
        while piece := await asyncio.to_thread(source.read, CHUNK):
            yield piece
