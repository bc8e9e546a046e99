"""Taking a closed appraisal to SIASN: what is there already, the save, and what it answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from ekinerja_connectors import (
    JSON,
    Fatal,
    Malformed,
    Receipt,
    Response,
    Result,
    ResultKind,
    Retryable,
)

from .assumptions import Assumptions
from .envelope import object_of, record_of, rows_of
from .fields import documents_of, text_of, whole_of
from .ratings import body_of, codes_in, codes_of, is_of_period
from .records import Person, person_of
from .settings import Settings
from .tokens import Session

__all__ = ["ResultSender", "reference_in"]

_IDS = ("rwSkpId", "rwKinerjaPeriodikId")
Row = Mapping[str, JSON]


class _AlreadyThere(Exception):
    """SIASN refuses a save because the period has a result."""


def _now() -> datetime:
    return datetime.now(UTC)


class ResultSender:
    """Sends results, each at most once: what SIASN has already is its receipt."""

    def __init__(
        self, settings: Settings, session: Session, now: Callable[[], datetime] = _now
    ) -> None:
        self._settings = settings
        self._session = session
        self._now = now

    async def send(self, result: Result) -> Receipt:
        """SIASN's id of the result.

        Raises:
            Malformed: SIASN refuses it, has another result for the period, or knows no such person.
            Retryable, AuthFailed, Fatal: see the SDK.
        """
        codes = codes_of(result)
        person = await self._person(result.employee.nip)
        if person is None:
            raise Malformed(f"SIASN knows no {result.employee.nip}: the result has no owner there")
        before = await self._history(result)
        if (there := _there(before, result)) is not None:
            if codes_in(there) == codes:
                return self._receipt(there)
            raise Malformed(_conflict(there, result))
        body = body_of(
            result,
            person,
            await self._person(result.appraiser.nip),
            "" if result.kind is ResultKind.FINAL else self._coefficient(result, person),
        )
        return await self._save(result, body, before)

    async def _save(
        self, result: Result, body: Mapping[str, JSON], before: Sequence[Row]
    ) -> Receipt:
        assumed = self._settings.assumptions
        final = result.kind is ResultKind.FINAL
        path = assumed.final_save_path if final else assumed.periodic_save_path
        try:
            answer = await self._session.post(path, body)
            reference, message = reference_in(answer, assumed)
        except Retryable as fault:
            # The answer may be lost after the save: a new row that says the same is ours.
            if (row := await self._new(result, before)) is None:
                raise fault from None
            return self._receipt(row)
        except _AlreadyThere as fault:
            return self._receipt(self._only(await self._history(result), result, str(fault)))
        return Receipt(reference=reference, at=self._now(), message=message or None)

    async def _new(self, result: Result, before: Sequence[Row]) -> Row | None:
        known = {text_of(row, "id") for row in before}
        new = [row for row in await self._history(result) if text_of(row, "id") not in known]
        same = [row for row in new if _may_be(row, result)]
        return same[0] if len(same) == 1 else None

    def _only(self, rows: Sequence[Row], result: Result, refusal: str) -> Row:
        """The one row that can be this result. Raises: Malformed when none or several can."""
        same = [row for row in rows if _may_be(row, result)]
        if len(same) != 1:
            raise Malformed(
                f"SIASN refuses result {result.id} ({refusal}), and {len(same)} of its rows of "
                f"{result.year} have these codes and this appraiser: compare by hand"
            )
        return same[0]

    async def _person(self, nip: str) -> Person | None:
        path = self._settings.assumptions.person_path.replace("{nip}", nip)
        row = record_of(await self._session.get(path))
        return None if row is None else person_of(row)

    async def _history(self, result: Result) -> Sequence[Row]:
        assumed = self._settings.assumptions
        final = result.kind is ResultKind.FINAL
        path = assumed.final_history_path if final else assumed.periodic_history_path
        rows = rows_of(await self._session.get(path.replace("{nip}", result.employee.nip)))
        if not all(isinstance(row, Mapping) for row in rows):
            raise Fatal(f"{path} answered rows that are no objects; its shape has changed")
        return [row for row in rows if isinstance(row, Mapping)]

    def _coefficient(self, result: Result, person: Person) -> str:
        """The `koefisienId`. Raises: Fatal when the settings have none that fits."""
        given = self._settings.coefficients
        for key in (f"{result.kind}/{person.level}", person.level, str(result.kind), "*"):
            if key in given:
                return given[key]
        raise Fatal(
            f"settings.coefficients has no koefisienId for {result.kind}/{person.level}: add it"
        )

    def _receipt(self, row: Row) -> Receipt:
        reference = text_of(row, "id")
        if not reference:
            raise Fatal("SIASN has the result already, without an id; its shape has changed")
        documents = "with its document" if documents_of(row) else "without a document"
        said = f"SIASN has this result already, {documents}"
        return Receipt(reference=reference, at=self._now(), message=said)


def reference_in(response: Response, assumed: Assumptions) -> tuple[str, str]:
    """The id that SIASN gave what was saved, and its words.

    Raises:
        Malformed: `success` is false, `code` is 0 or `{Error, Message}`, for what was sent.
        Retryable: the same, for a cause that passes, or an answer that cannot be read.
        AuthFailed, Fatal: another 4xx.
    """
    if response.status not in (400, 404, 409, 422):  # these tell in their body what is wrong
        response.raise_for_status()
    body = object_of(response)
    said = text_of(body, "message", "data")
    if "success" not in body and "code" not in body and "Error" not in body:
        raise Fatal(f"{response.url} answered {response.status} in an unknown shape")
    if body.get("success") is True and "Error" not in body:
        given = body.get("mapData")
        reference = text_of(given, *_IDS) if isinstance(given, Mapping) else ""
        if not reference:  # saved or not: the next attempt looks whether it is there
            raise Retryable(f"{response.url} says that it saved, and names no id")
        return reference, said
    if whole_of(body, "code") == 1:
        raise Retryable(f"{response.url} answered code 1 without a success, and names no id")
    _refuse(response, said, assumed)
    raise AssertionError("refused above")


def _refuse(response: Response, said: str, assumed: Assumptions) -> None:
    folded = said.casefold()
    if any(word in folded for word in assumed.exists_words):
        raise _AlreadyThere(said)
    if not said or any(word in folded for word in assumed.transient_words):
        raise Retryable(f"{response.url} did not save: {said[:200] or 'no cause given'}")
    raise Malformed(f"SIASN refuses the result: {said[:500]}")


def _there(rows: Sequence[Row], result: Result) -> Row | None:
    """The row that is certainly of this period: the one that agrees, if there are several."""
    found = [row for row in rows if is_of_period(row, result)]
    same = [row for row in found if codes_in(row) == codes_of(result)]
    return next(iter([*same, *found]), None)


def _may_be(row: Row, result: Result) -> bool:
    """Whether a row can be this result: the codes, the appraiser, and no other period."""
    appraiser = text_of(row, "penilaiNipNrp", "nipNrpPenilai")
    return (
        is_of_period(row, result) is not False
        and codes_in(row) == codes_of(result)
        and appraiser == result.appraiser.nip
    )


def _conflict(row: Row, result: Result) -> str:
    return (
        f"SIASN has another result of {result.employee.nip} for this period "
        f"({codes_in(row)}, id {text_of(row, 'id')}); this one is {codes_of(result)}. "
        "Correct or delete it there, then send again"
    )
