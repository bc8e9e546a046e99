"""What is asked of `deliver`: every notice is answered for, arrives once, and is never lost."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import timedelta
from time import monotonic

from ...errors import ConnectorError, Malformed, Retryable
from ...notices import Delivered, DeliveryState, Notice, checked_answers
from ...settings import secrets_of
from ..checks import check, none_of, not_shown
from ..front import Cut, Fault, answering, echoing, silence
from .base import Stage, SuiteBase
from .failing import SHORT, listening_to_logs

__all__ = ["NoticeChecks"]

#: How long many notices may take while the service says nothing, each exchange being cut `SHORT`.
BEARABLE = timedelta(seconds=1.8)
MANY = 6
_AWAY: tuple[tuple[Fault, Cut], ...] = (
    (answering(500), Cut.CLOSED),
    (answering(503), Cut.CLOSED),
    (silence, Cut.SILENT),
)


class NoticeChecks(SuiteBase):
    """Notices on their way to people."""

    async def _answers(self, connector: object, notices: Sequence[Notice]) -> tuple[Delivered, ...]:
        given = await connector.deliver(notices)  # type: ignore[attr-defined]
        try:
            return checked_answers(notices, given)
        except Malformed as error:
            raise AssertionError(f"deliver breaks the contract: {error}") from error

    async def _states(self, connector: object, notices: Sequence[Notice]) -> list[DeliveryState]:
        """What became of each; a Retryable for all of them is a retry of each."""
        try:
            return [one.state for one in await self._answers(connector, notices)]
        except Retryable:
            return [DeliveryState.RETRY] * len(notices)

    @check("answers for each notice, once", "bronze")
    def test_each_notice_has_one_answer(self) -> None:
        self._needs("notices")

        async def deliver(stage: Stage) -> tuple[Delivered, ...]:
            return await self._answers(stage.connector, self.notices())

        answers = self._run(deliver)

        assert answers, "notices() gives none"
        undone = [f"{one.id}: {one.detail}" for one in answers if one.detail is not None]
        none_of(undone, "these are not delivered though all is well")

    @check("each notice arrives exactly once", "bronze")
    def test_each_notice_arrives_exactly_once(self) -> None:
        self._needs("notices")

        async def deliver(stage: Stage) -> Sequence[str] | None:
            await self._answers(stage.connector, self.notices())
            return self.received()

        found, given = self._run(deliver), len(self.notices())
        if found is None:
            not_shown("write received(): what the running service was brought")

        assert len(found) == given, f"{given} notices were given, {len(found)} arrived"
        assert len(set(found)) == given, "two notices have one name over there"

    @check("a notice sent anew by another process has the same name over there", "silver")
    def test_notice_sent_anew_is_recognizable(self) -> None:
        self._needs("notices")

        async def deliver_twice(stage: Stage) -> Sequence[str] | None:
            another = self.connector(stage.connector.config, stage.connector.http)
            await self._answers(stage.connector, self.notices())
            await self._answers(another, self.notices())
            return self.received()

        found = self._run(deliver_twice)
        if found is None:
            not_shown("write received(): what the running service was brought")

        assert len(set(found)) == len(self.notices()), "sent again, it goes by another name"

    @check("who cannot be reached is refused with a reason, the others are reached", "bronze")
    def test_person_without_an_address_holds_up_nobody(self) -> None:
        self._needs("notices")

        async def deliver(stage: Stage) -> tuple[list[Notice], tuple[Delivered, ...]]:
            notices = list(self.notices())
            nobody = dataclasses.replace(notices[0].to, address=None)
            notices[0] = dataclasses.replace(notices[0], to=nobody)
            return notices, await self._answers(stage.connector, notices)

        notices, (first, *others) = self._run(deliver)

        assert others, "give two notices at least"
        assert first.state is not DeliveryState.RETRY, "without an address it is tried for ever"
        held_up = [one.id for one in others if one.state is not DeliveryState.DELIVERED]
        none_of(held_up, f"held up by {notices[0].id}, whose recipient has no address")

    @check("a service that is away is a retry, never a refusal", "silver")
    def test_service_that_is_away_refuses_nothing(self) -> None:
        self._needs("notices")
        for fault, cut in _AWAY:

            async def deliver(
                stage: Stage, fault: Fault = fault, cut: Cut = cut
            ) -> list[DeliveryState]:
                stage.front.fault, stage.front.cut = fault, cut
                return await self._states(stage.connector, self.notices())

            found = self._run(deliver, total=SHORT)

            others = {str(one) for one in found} - {"retry"}
            none_of(others, "nobody can be reached, and notices are")

    @check("does not wait for a silent service again with each notice", "silver")
    def test_silent_service_is_not_asked_again_for_each(self) -> None:
        self._needs("notices")

        async def deliver(stage: Stage) -> float:
            stage.front.fault, stage.front.cut = silence, Cut.SILENT
            one = self.notices()[0]
            many = [dataclasses.replace(one, id=f"{one.id}-{n}") for n in range(MANY)]
            begin = monotonic()
            await self._states(stage.connector, many)
            return monotonic() - begin

        taken = self._run(deliver, total=SHORT)

        assert taken < BEARABLE.total_seconds(), (
            f"{MANY} notices took {taken:.1f} s; after the first, answer retry for the rest"
        )

    @check("no recipient and no secret in an answer, an error, a log or a print", "silver")
    def test_nobody_is_named_by_answers_or_logs(self) -> None:
        self._needs("notices")
        for fault, cut in ((None, None), (echoing, None), *_AWAY[:1]):

            async def deliver(
                stage: Stage, fault: Fault | None = fault, cut: Cut | None = cut
            ) -> tuple[str, tuple[str, ...]]:
                stage.front.fault, stage.front.cut = fault, cut
                with listening_to_logs() as heard:
                    try:
                        answers = await self._answers(stage.connector, self.notices())
                        heard.write(" ".join(one.detail or "" for one in answers))
                    except ConnectorError as error:
                        heard.write(str(error))
                return heard.getvalue(), secrets_of(stage.connector.config)

            told, secrets = self._run(deliver, total=SHORT)
            people = [one.to for one in self.notices()]
            shown = {
                f"the {name} of a recipient"
                for one in people
                for name, word in (("address", one.address), ("NIP", one.nip), ("name", one.name))
                if word and word in told
            }
            shown |= {"a secret" for one in secrets if one in told}
            none_of(shown, "it tells")
