"""Connectors with bad manners towards a service or the host; each is `Sound` but for one thing."""

import asyncio
import contextlib
import logging
import sys
import time
import urllib.request
from typing import Any

import aiohttp
from ekinerja_connectors import (
    Connector,
    Fatal,
    Item,
    Page,
    Retryable,
)

from tests.connectors.sound import Sound


class KeepsCredentialsThatAreRefused(Sound):
    async def fetch(self, cursor: str | None) -> Page:
        response = await self.http.get(f"{self.config.base_url}/events")
        if response.status == 401:
            raise Retryable("the service refuses")
        return await super().fetch(cursor)


class GivesUpOnABusyService(Sound):
    async def fetch(self, cursor: str | None) -> Page:
        try:
            return await super().fetch(cursor)
        except Retryable as error:
            raise Fatal(str(error)) from error


class TakesNothingThereForAnError(Sound):
    async def fetch(self, cursor: str | None) -> Page:
        try:
            return await super().fetch(cursor)
        except Fatal as error:
            if "404" in str(error):
                raise KeyError("events") from error
            raise


class TakesHtmlForNothing(Sound):
    async def fetch(self, cursor: str | None) -> Page:
        try:
            return await super().fetch(cursor)
        except Retryable as error:
            if "no JSON" in str(error):
                return Page(items=(), next_cursor=cursor, more=False)
            raise


class BelievesAnyShape(Sound):
    def items_of(self, body: Any) -> tuple[Item, ...]:
        return tuple(self.item_of(one) for one in body["events"])


class _OwnClient(Sound):
    """What those have in common that bring a client of their own."""

    async def own(self, timeout: float | None, follow: bool = False) -> Any:
        url = f"{self.config.base_url}/events?after=0&limit=2"
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=timeout)) as session,
            session.get(url, allow_redirects=follow) as answer,
        ):
            if answer.status == 429 or answer.status >= 500:
                raise Retryable(f"{answer.status}")
            try:
                return await answer.json()
            except aiohttp.ContentTypeError as error:
                raise Retryable("no JSON") from error


class WaitsForEver(_OwnClient):
    async def fetch(self, cursor: str | None) -> Page:
        async with asyncio.timeout(1):  # for ever, as far as a test can wait
            await self.own(None)
        return await super().fetch(cursor)


class FollowsAnywhere(_OwnClient):
    async def fetch(self, cursor: str | None) -> Page:
        await self.own(5, follow=True)
        return await super().fetch(cursor)


class DropsRetryAfter(_OwnClient):
    async def fetch(self, cursor: str | None) -> Page:
        await self.own(5)
        return await super().fetch(cursor)


class AsksAgainAtOnce(Sound):
    async def fetch(self, cursor: str | None) -> Page:
        try:
            return await super().fetch(cursor)
        except Retryable:
            return await super().fetch(cursor)


class IgnoresTheBudget(_OwnClient):
    async def fetch(self, cursor: str | None) -> Page:
        found = await self.own(5)
        return Page(items=self.items_of(found), next_cursor="4", more=False)


class ReachesElsewhere(Sound):
    async def fetch(self, cursor: str | None) -> Page:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", 9)
            writer.close()
        except OSError:
            pass  # nobody listens there; the attempt is what counts
        return await super().fetch(cursor)


class Sleeps(Sound):
    async def fetch(self, cursor: str | None) -> Page:
        time.sleep(0.02)
        return await super().fetch(cursor)


class Computes(Sound):
    async def fetch(self, cursor: str | None) -> Page:
        end = time.perf_counter() + 0.3
        while time.perf_counter() < end:
            pass
        return await super().fetch(cursor)


class AsksWithoutAwaiting(Sound):
    async def fetch(self, cursor: str | None) -> Page:
        with contextlib.suppress(OSError):  # prevented and swallowed, it has been seen all the same
            urllib.request.urlopen(f"{self.config.base_url}/events", timeout=1).read()
        return await super().fetch(cursor)


class PutsTheTokenIntoAnError(Sound):
    async def fetch(self, cursor: str | None) -> Page:
        response = await self.http.get(
            f"{self.config.base_url}/events", headers={"X-Token": self.config.api_token}
        )
        if response.status == 400:
            raise Fatal(f"the service says: {response.body.decode()}")
        return await super().fetch(cursor)


class LogsTheToken(Sound):
    async def fetch(self, cursor: str | None) -> Page:
        logging.getLogger("vendor").debug("asking with %s", self.config.api_token)
        return await super().fetch(cursor)


class PrintsTheToken(Sound):
    async def fetch(self, cursor: str | None) -> Page:
        sys.stdout.write(self.config.api_token)
        return await super().fetch(cursor)


BAD_MANNERS: tuple[tuple[type[Connector[Any]], str, str], ...] = (
    (KeepsCredentialsThatAreRefused, "refused_credentials_are_auth_failed", "401 gave Retryable"),
    (GivesUpOnABusyService, "busy_or_broken_service_is_retryable", "429 gave Fatal"),
    (TakesNothingThereForAnError, "what_is_not_there_is_fatal_or_empty", "404 gave KeyError"),
    (TakesHtmlForNothing, "html_instead_of_data_is_retryable", "HTML gave a Page"),
    (BelievesAnyShape, "answer_of_another_shape_is_a_named_error", "'null' gave TypeError"),
    (WaitsForEver, "silent_service_is_given_up", "silence gave TimeoutError"),
    (FollowsAnywhere, "redirect_elsewhere_is_not_followed", "follows a redirect"),
    (DropsRetryAfter, "pause_of_retry_after_is_kept", "does not pass on the Retry-After"),
    (AsksAgainAtOnce, "pause_of_retry_after_is_kept", "asks again at once"),
    (IgnoresTheBudget, "used_up_budget_of_the_service_is_kept", "RateLimit says"),
    (ReachesElsewhere, "reaches_no_address_but_those_of_its_settings", "127.0.0.1:9"),
    (Sleeps, "loop_is_never_blocked", "time.sleep"),
    (Computes, "loop_is_never_blocked", "stood still"),
    (AsksWithoutAwaiting, "loop_is_never_blocked", "a blocking connection"),
    (PutsTheTokenIntoAnError, "no_secret_is_told_by_errors_or_logs", "shows a secret"),
    (LogsTheToken, "no_secret_is_told_by_errors_or_logs", "shows a secret"),
    (PrintsTheToken, "no_secret_is_told_by_errors_or_logs", "shows a secret"),
)
"""As the table of `broken`."""
