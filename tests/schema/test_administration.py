"""Administrators run connectors: through GraphQL, each deed on the record, no secret told."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextvars import copy_context
from typing import Any

import pytest
from strawberry.relay import to_base64

from schema.errors import DomainError
from schema.feeds import administration, dead_letters, installing
from schema.feeds.administering import administered
from schema.feeds.installing import NewConnector
from schema.feeds.models import (
    BreakerState,
    ConnectorEvent,
    ConnectorProblem,
    DeadLetter,
    DeadLetterCause,
    InboxItem,
    Installation,
    Plugin,
    PluginState,
    ProblemCode,
)
from schema.feeds.secrets import secrets_of, settings_of, webhook_secret_of
from server.database import Database, DatabaseRole
from tests.factories import NOW, Api, World, key_of, world_in
from tests.feeding import NOON, OTHER_SECRET, SECRET, VAULT, connection

SETTINGS = {"url": "https://layanan.example", "token": "rahasia-sekali"}


@pytest.fixture
async def world(fresh_database: Database) -> AsyncIterator[World]:
    async with world_in(fresh_database) as world:
        yield world


async def asked(world: World, mutation: str, **input: Any) -> Any:
    """What the administrator is answered."""
    kinds = {"replayDeadLetters": "replayed remaining", "rotateWebhookSecret": "secret"}
    shown = kinds.get(mutation, "connector { id health settings secretsSet webhookSecrets }")
    kind = {
        "pauseConnector": "ConnectorInput",
        "resumeConnector": "ConnectorInput",
        "runConnector": "ConnectorInput",
        "rotateWebhookSecret": "ConnectorInput",
        "dropWebhookSecret": "ConnectorInput",
    }.get(mutation, f"{mutation[0].upper()}{mutation[1:]}Input")
    document = (
        f"mutation($input: {kind}!) {{ {mutation}(input: $input) "
        f"{{ {shown} userErrors {{ code field message }} }} }}"
    )
    return (await Api.of("administrator").data(document, input=input))[mutation]


async def row(world: World) -> Installation:
    return await Installation.get(id=world.installation.id)


async def test_a_connector_is_installed_with_its_secrets_sealed(world: World) -> None:
    made = await asked(
        world, "installConnector", agency="DC", plugin="srikandi", title="Baru", settings=SETTINGS
    )

    assert made["userErrors"] == []
    assert made["connector"]["settings"] == {"url": SETTINGS["url"]}
    assert made["connector"]["secretsSet"] == ["token"]
    kept = await Installation.get(title="Baru")
    assert settings_of(kept, VAULT) == SETTINGS
    assert "rahasia-sekali" not in json.dumps([kept.settings, kept.secrets, made])
    event = await ConnectorEvent.get(installation_id=kept.id)
    assert (event.act, event.subject) == ("INSTALLED", "pengelola.dc")


async def test_each_wrong_setting_is_refused_by_its_path(world: World) -> None:
    made = await asked(
        world,
        "installConnector",
        agency="DC",
        plugin="srikandi",
        title="Baru",
        settings={"token": 7, "rahasiaku": "x"},
    )

    assert [one["field"] for one in made["userErrors"]] == [
        "settings.rahasiaku", "settings.token", "settings.url"
    ]  # fmt: skip
    assert not await Installation.filter(title="Baru").exists()


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"plugin": "../etc"}, "plugin"),
    ({"plugin": "tak-dikenal"}, "plugin"),
    ({"title": " "}, "title"),
    ({"title": "x" * 201}, "title"),
    ({"poll_seconds": 0}, "pollSeconds"),
    ({"webhook_secret": "rahasia"}, "webhookSecret"),
    ({"webhook_secret": "whsec_c2hvcnQ="}, "webhookSecret"),
    ({"webhook_secret": " ".join([SECRET] * 3)}, "webhookSecret"),
    ({"title": "Surat dinas"}, "title"),
]


async def test_an_installation_that_cannot_be_is_refused(world: World) -> None:
    right: dict[str, Any] = {"plugin": "srikandi", "title": "Baru", "settings": SETTINGS}
    scope = await world.scope("administrator")

    for given, field in WRONG:
        wanted = NewConnector(**right | given)
        with pytest.raises(DomainError) as refusal:
            await installing.install(scope, "DC", wanted, vault=VAULT, now=NOON)

        assert refusal.value.field == field, given
        assert SECRET not in str(refusal.value)


async def test_a_plugin_in_quarantine_is_not_installed(
    fresh_database: Database, world: World
) -> None:
    known = await Plugin.get(name="srikandi")
    assert known.state is PluginState.READY
    owner = await fresh_database.connect(DatabaseRole.OWNER)
    await owner.execute("UPDATE plugin SET state = 'QUARANTINED'")
    await owner.close()

    made = await asked(world, "installConnector", agency="DC", plugin="srikandi", title="Baru")

    assert [one["field"] for one in made["userErrors"]] == ["plugin"]
    health = await Api.of("administrator").data("{ connectors { title health } }")
    assert {"title": "Surat dinas", "health": "QUARANTINED"} in health["connectors"]


async def test_new_settings_keep_secrets_and_forget_failures(world: World) -> None:
    await Installation.all().update(failures=7)
    connector = key_of(world.installation)

    changed = await asked(
        world,
        "configureConnector",
        id=connector,
        settings={"url": "https://baru.example"},
        title="Surat",
    )

    assert changed["connector"]["settings"] == {"url": "https://baru.example"}
    kept = await row(world)
    assert secrets_of(kept, VAULT) == {"token": "rahasia"}
    assert (kept.failures, kept.breaker, kept.title) == (0, BreakerState.CLOSED, "Surat")
    event = await ConnectorEvent.filter(installation_id=kept.id).order_by("-id").first()
    assert event is not None
    assert (event.act, event.detail) == ("CONFIGURED", "url, title")

    cleared = {"url": "https://baru.example", "token": None}
    await asked(world, "configureConnector", id=connector, settings=cleared)

    kept = await row(world)
    assert (kept.secrets, kept.secret_names) == (None, [])


async def test_a_webhook_secret_is_shown_once_and_the_former_one_holds_until_it_is_dropped(
    world: World,
) -> None:
    connector = key_of(world.installation)

    made = (await asked(world, "rotateWebhookSecret", id=connector))["secret"]

    assert webhook_secret_of(await row(world), VAULT) == f"{made} {SECRET}"
    dropped = await asked(world, "dropWebhookSecret", id=connector)
    assert webhook_secret_of(await row(world), VAULT) == made
    assert dropped["connector"]["webhookSecrets"] == 1
    again = await asked(world, "dropWebhookSecret", id=connector)
    assert [one["code"] for one in again["userErrors"]] == ["BAD_USER_INPUT"]
    assert OTHER_SECRET not in json.dumps([made, dropped, again])


async def test_pause_resume_and_run_now(world: World) -> None:
    connector = key_of(world.installation)

    assert (await asked(world, "pauseConnector", id=connector))["connector"]["health"] == "PAUSED"
    refused = await asked(world, "runConnector", id=connector)
    assert [one["field"] for one in refused["userErrors"]] == ["id"]
    await asked(world, "resumeConnector", id=connector)

    kept = await row(world)
    assert (kept.paused, kept.halted_at) == (False, None)
    await asked(world, "runConnector", id=connector)
    acts = await ConnectorEvent.all().order_by("id").values_list("act", flat=True)
    assert [str(act) for act in acts][-3:] == ["PAUSED", "RESUMED", "RUN_REQUESTED"]


async def test_a_connector_that_has_halted_is_not_said_to_run(world: World) -> None:
    await Installation.all().update(halted_at=NOW)

    refused = await asked(world, "runConnector", id=key_of(world.installation))

    assert [one["field"] for one in refused["userErrors"]] == ["id"]
    assert "resume" in refused["userErrors"][0]["message"]


async def test_asking_often_does_not_probe_a_service_that_is_away_more_often(
    fresh_database: Database, world: World
) -> None:
    """The last probe ended at NOW: the next is 30 s later, whoever asks."""
    scope = await world.scope("administrator")
    await Installation.all().update(halted_at=None)

    await administration.run_now(scope, world.installation.id, NOW)
    assert (await row(world)).next_poll_at == NOW + administration.PROBE_EVERY
    await administration.reset_cursor(scope, world.installation.id, "7", NOW)
    kept = await row(world)
    assert (kept.cursor, kept.next_poll_at) == ("7", NOW + administration.PROBE_EVERY)

    await Installation.all().update(breaker=BreakerState.CLOSED)
    await administration.run_now(scope, world.installation.id, NOW)
    assert (await row(world)).next_poll_at == NOW


async def letters(world: World, *causes: DeadLetterCause) -> list[DeadLetter]:
    made = []
    for place, cause in enumerate(causes):
        of = {"installation_id": world.installation.id}
        item = await InboxItem.create(
            **of,
            source_id=f"L-{place}",
            body={},
            body_hash="0" * 64,
            received_at=NOON,
            processed_at=NOON,
            attempts=3,
        )
        made.append(
            await DeadLetter.create(**of, inbox_item=item, cause=cause, detail="-", created_at=NOON)
        )
    return made


async def test_many_dead_letters_are_replayed_at_once_some_refused(world: World) -> None:
    good, changed = await letters(
        world, DeadLetterCause.UNTRANSLATABLE, DeadLetterCause.CHANGED_AT_SOURCE
    )
    ids = [key_of(good), key_of(changed), to_base64("DeadLetter", world.installation.id), "VDox"]

    done = await asked(world, "replayDeadLetters", ids=ids)

    assert done["replayed"] == 1
    assert [one["field"] for one in done["userErrors"]] == ["ids.1", "ids.2", "ids.3"]
    item = await InboxItem.get(id=good.inbox_item_id)
    assert (item.processed_at, item.attempts) == (None, 0)
    assert (await DeadLetter.get(id=good.id)).resolved_at is not None
    assert (await DeadLetter.get(id=changed.id)).resolved_at is None


@pytest.mark.parametrize("deed", ["these", "one", "resolve", "dismiss"])
async def test_who_waits_for_a_connector_holds_nothing_of_it(world: World, deed: str) -> None:
    """Else whoever holds the connector and replays all, or resumes it, waits crosswise."""
    (letter,) = await letters(world, DeadLetterCause.UNTRANSLATABLE)
    problem = await ConnectorProblem.create(
        installation_id=world.installation.id,
        code=ProblemCode.INTAKE_HALTED,
        detail="-",
        times=1,
        first_at=NOON,
        last_at=NOON,
    )
    scope = await world.scope("administrator")
    deeds: dict[str, Callable[[], Coroutine[Any, Any, Any]]] = {
        "these": lambda: dead_letters.replay_these(scope, [letter.id], NOON),
        "one": lambda: dead_letters.replay(scope, letter.id, NOON),
        "resolve": lambda: dead_letters.resolve(scope, letter.id, "Sudah", NOON),
        "dismiss": lambda: administration.dismiss_problem(scope, problem.id, NOON),
    }
    outside = copy_context()  # within it is no transaction
    async with administered(scope, world.installation.id, NOON) as of:
        waits = asyncio.create_task(deeds[deed](), context=outside)
        await asyncio.sleep(0.3)
        for table in ("dead_letter", "connector_problem"):
            await of.connection.execute_query(f"SELECT id FROM {table} FOR UPDATE NOWAIT")
        assert not waits.done()
    await waits


async def test_dead_letters_of_one_cause_are_replayed_a_bounded_number_at_a_time(
    world: World,
) -> None:
    cause = DeadLetterCause.UNKNOWN_PERSON
    await letters(world, cause, cause, cause, DeadLetterCause.FORGED)
    scope = await world.scope("administrator")

    first = await dead_letters.replay_of(scope, world.installation.id, cause, NOON, most=2)
    second = await dead_letters.replay_of(scope, world.installation.id, cause, NOON, most=2)

    assert (first.replayed, first.remaining) == (2, 1)
    assert (second.replayed, second.remaining) == (1, 0)
    assert await DeadLetter.filter(resolved_at__isnull=True).count() == 1
    for wrong in ({"most": 0}, {"most": 501}):
        with pytest.raises(DomainError):
            await dead_letters.replay_of(scope, world.installation.id, None, NOON, **wrong)


async def test_a_letter_about_a_changed_body_is_closed_with_a_note(world: World) -> None:
    (changed,) = await letters(world, DeadLetterCause.CHANGED_AT_SOURCE)
    scope = await world.scope("administrator")

    with pytest.raises(DomainError):
        await dead_letters.resolve(scope, changed.id, "  ", NOON)
    await dead_letters.resolve(scope, changed.id, " Sudah dicek ", NOON)

    kept = await DeadLetter.get(id=changed.id)
    assert (kept.resolved_at, kept.note) == (NOON, "Sudah dicek")
    assert (await InboxItem.get(id=changed.inbox_item_id)).processed_at == NOON


async def test_dead_letters_are_found_by_cause_and_by_whether_they_are_open(world: World) -> None:
    await letters(world, DeadLetterCause.FORGED, DeadLetterCause.UNTRANSLATABLE)
    document = "{ deadLetters(%s) { totalCount } }"

    counts = [
        (await Api.of("auditor").data(document % given))["deadLetters"]["totalCount"]
        for given in ("cause: FORGED", "resolved: false", "resolved: true", "first: 9")
    ]

    assert counts == [1, 2, 1, 3]


async def test_a_problem_is_dismissed_and_tells_its_fix(world: World) -> None:
    await ConnectorProblem.all().update(dismissed_at=None)
    document = """mutation($i: DismissProblemInput!) {
      dismissProblem(input: $i) { problem { code critical dismissedAt fix { english } } } }"""
    given = {"id": key_of(world.rows["problem"])}

    answer = await Api.of("administrator").data(document, i=given)

    problem = answer["dismissProblem"]["problem"]
    assert problem["dismissedAt"] is not None
    assert (problem["code"], problem["critical"]) == ("BREAKER_OPEN", True)
    assert "30 s" in problem["fix"]["english"]


async def test_history_is_never_rewritten(world: World) -> None:
    for statement in ("UPDATE connector_event SET detail = ''", "DELETE FROM connector_event"):
        with pytest.raises(Exception, match=r"permission denied|append-only"):
            await connection().execute_query(statement)


async def test_api_answers_hold_no_secret(world: World) -> None:
    document = """{ connectors { title settings secretsSet webhookSecrets health
      history { edges { node { act subject detail } } } runs { edges { node { problem } } }
      problems(all: true) { code detail } pluginInfo { settingsSchema } } plugins { name } }"""

    answer = json.dumps(await Api.of("administrator").data(document))

    assert '"secretsSet": ["token"]' in answer
    for secret in ('"rahasia"', SECRET, OTHER_SECRET):
        assert secret not in answer
