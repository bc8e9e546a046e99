"""Connectors that carry notices, each broken in one thing, and the check that refuses it."""

import sys
import uuid
from collections.abc import Sequence
from typing import Any

from ekinerja_connectors import Connector, Delivered, Fatal, Notice, Retryable

from tests.connectors.sound import Sound


class ForgetsTheLast(Sound):
    async def deliver(self, notices: Sequence[Notice]) -> Sequence[Delivered]:
        return (await super().deliver(notices))[:-1]


class AnswersTwice(Sound):
    async def deliver(self, notices: Sequence[Notice]) -> Sequence[Delivered]:
        answers = list(await super().deliver(notices))
        return [*answers, answers[0]]


class RefusesEverybody(Sound):
    async def deliver(self, notices: Sequence[Notice]) -> Sequence[Delivered]:
        return [Delivered.refused(one, "not today") for one in notices]


class SendsNothing(Sound):
    async def deliver(self, notices: Sequence[Notice]) -> Sequence[Delivered]:
        return [Delivered.arrived(one) for one in notices]


class SendsEachTwice(Sound):
    async def carry(self, notice: Notice) -> Delivered:
        await super().carry(notice)
        return await super().carry(notice)


class NamesAllAlike(Sound):
    async def carry(self, notice: Notice) -> Delivered:
        body = {"to": notice.to.address, "text": notice.body}
        await self.ask("PUT", "/notices/hari-ini", json_body=body)
        return Delivered.arrived(notice)


class NamesNoticesAnew(Sound):
    async def carry(self, notice: Notice) -> Delivered:
        if notice.to.address is None:
            return Delivered.refused(notice, "no address is known")
        body = {"to": notice.to.address, "text": notice.body}
        await self.ask("PUT", f"/notices/{uuid.uuid4()}", json_body=body)
        return Delivered.arrived(notice)


class TriesForEver(Sound):
    async def carry(self, notice: Notice) -> Delivered:
        if notice.to.address is None:
            return Delivered.retry(notice, "no address is known yet")
        return await super().carry(notice)


class StopsAtTheFirst(Sound):
    async def deliver(self, notices: Sequence[Notice]) -> Sequence[Delivered]:
        if notices[0].to.address is None:
            return [Delivered.refused(one, "no address is known") for one in notices]
        return await super().deliver(notices)


class GivesUpAtOnce(Sound):
    async def carry(self, notice: Notice) -> Delivered:
        try:
            return await super().carry(notice)
        except Retryable as error:
            return Delivered.refused(notice, str(error))


class WaitsWithEach(Sound):
    async def carry(self, notice: Notice) -> Delivered:
        try:
            return await super().carry(notice)
        except Retryable as error:
            return Delivered.retry(notice, str(error), error.retry_after)


class NamesPeopleInErrors(Sound):
    async def carry(self, notice: Notice) -> Delivered:
        try:
            return await super().carry(notice)
        except Retryable as error:
            raise Retryable(f"{notice.to.address}: {error}", error.retry_after) from error


class PrintsPeople(Sound):
    async def carry(self, notice: Notice) -> Delivered:
        sys.stderr.write(f"to {notice.to.nip}\n")
        return await super().carry(notice)


class RepeatsItsToken(Sound):
    async def carry(self, notice: Notice) -> Delivered:
        try:
            return await super().carry(notice)
        except Fatal as error:
            raise Fatal(f"{error} with {self.config.api_token}") from error


BAD_CARRIERS: tuple[tuple[type[Connector[Any]], str, str], ...] = (
    (ForgetsTheLast, "each_notice_has_one_answer", "1 notices have no answer"),
    (AnswersTwice, "each_notice_has_one_answer", "has two answers"),
    (RefusesEverybody, "each_notice_has_one_answer", "not today"),
    (SendsNothing, "each_notice_arrives_exactly_once", "3 notices were given, 0 arrived"),
    (SendsEachTwice, "each_notice_arrives_exactly_once", "3 notices were given, 6 arrived"),
    (NamesAllAlike, "each_notice_arrives_exactly_once", "two notices have one name"),
    (NamesNoticesAnew, "notice_sent_anew_is_recognizable", "it goes by another name"),
    (TriesForEver, "person_without_an_address_holds_up_nobody", "tried for ever"),
    (StopsAtTheFirst, "person_without_an_address_holds_up_nobody", "held up by"),
    (GivesUpAtOnce, "service_that_is_away_refuses_nothing", "refused"),
    (WaitsWithEach, "silent_service_is_not_asked_again_for_each", "answer retry for the rest"),
    (NamesPeopleInErrors, "nobody_is_named_by_answers_or_logs", "the address of a recipient"),
    (PrintsPeople, "nobody_is_named_by_answers_or_logs", "the NIP of a recipient"),
    (RepeatsItsToken, "nobody_is_named_by_answers_or_logs", "a secret"),
)
"""Who is broken, the check that refuses it (without `test_`), and words of its reason."""
