"""Clients of live teams that come back by themselves, and the log that they are compared with."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import aiohttp
from strawberry.relay import to_base64

from server.database import Database, DatabaseRole
from tests.processes import Client

FOLLOW = """subscription ($supervisor: ID, $after: String) {
  teamUpdates(supervisor: $supervisor, after: $after) {
    cursor kind event member { employee { nip } } } }"""
COME_AGAIN = {"UNAVAILABLE", "RESUME_FROM_CURSOR"}
PAUSE_SECONDS = 0.05
SILENT_SECONDS = 30.0

OF_TEAM = """
SELECT position FROM event
WHERE position > $2 AND (employee_id IS NULL OR ($1 = ANY (superior_ids) AND employee_id IN (
  SELECT employee_id FROM assignment WHERE appraiser_id = $1
    AND starts_on <= current_date AND (ends_on IS NULL OR ends_on > current_date))))
ORDER BY position
"""


@dataclass
class Watcher:
    """One who watches a team, at one server after another, and goes on from their cursor."""

    clients: Sequence[Client]
    """The same person at each server."""
    leader: UUID
    at: int = 0
    cursor: str | None = None
    began: int = 0
    """The cursor of the first snapshot."""
    received: list[int] = field(default_factory=list)
    resumed: int = 0
    served_by: set[int] = field(default_factory=set)
    """The places in `clients` of those servers that gave a change."""
    connected: bool = False

    async def run(self) -> None:
        """Watch until cancelled; whatever ends a stream, come again at the next server.

        Raises:
            AssertionError: an answer that no client could go on from.
        """
        while True:
            with contextlib.suppress(aiohttp.ClientError, TimeoutError, TypeError, OSError):
                await self._watch(self.clients[self.at % len(self.clients)])
            self.connected = False
            self.at += 1
            await asyncio.sleep(PAUSE_SECONDS)

    async def _watch(self, client: Client) -> None:
        async with client.socket() as socket:
            variables = {"supervisor": to_base64("Employee", self.leader), "after": self.cursor}
            payload = {"query": FOLLOW, "variables": variables}
            await socket.send_json({"id": "1", "type": "subscribe", "payload": payload})
            self.resumed += self.cursor is not None
            self.connected = True
            while True:
                # A closed socket gives no text: TypeError, as aiohttp has it.
                message = await socket.receive_json(timeout=SILENT_SECONDS)
                if message["type"] == "ping":
                    await socket.send_json({"type": "pong"})
                elif not self._goes_on(message):
                    return

    def _goes_on(self, message: dict[str, Any]) -> bool:
        """Take a message; False when the stream asks to come again."""
        payload = message["payload"] if message["type"] != "complete" else {}
        errors = payload if message["type"] == "error" else payload.get("errors", [])
        if errors or message["type"] == "complete":
            codes = {error["extensions"]["code"] for error in errors}
            assert codes <= COME_AGAIN, message
            return False
        update = payload["data"]["teamUpdates"]
        if self.cursor is None:
            assert update["kind"] == "SNAPSHOT", update
            self.began = int(update["cursor"])
        else:
            self.received.append(int(update["cursor"]))
            self.served_by.add(self.at % len(self.clients))
        self.cursor = update["cursor"]
        return True


async def compare(database: Database, watchers: Sequence[Watcher], patience: float = 30) -> int:
    """Wait for each to have the end of the log, and compare; how many messages there were."""
    connection = await database.connect(DatabaseRole.OWNER)
    try:
        for one in watchers:
            expected = [row[0] for row in await connection.fetch(OF_TEAM, one.leader, one.began)]
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    while len(one.received) < len(expected):
                        await asyncio.sleep(0.02)
            assert one.received == expected, difference(one.received, expected)
    finally:
        await connection.close()
    return sum(len(one.received) for one in watchers)


def difference(received: list[int], expected: list[int]) -> str:
    """What is missing, what is too much, or that the order is another."""
    missing = sorted(set(expected) - set(received))
    surplus = sorted(set(received) - set(expected))
    repeated = len(received) - len(set(received))
    return f"missing {missing[:20]}, not of the team {surplus[:20]}, repeated {repeated}"
