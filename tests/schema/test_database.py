"""What the database itself guarantees, whoever writes to it."""

from tortoise import Tortoise

from server.database import Database, pending_migrations


async def test_every_foreign_key_has_an_index(database: Database) -> None:
    rows = await Tortoise.get_connection("default").execute_query_dict(
        """
        SELECT conrelid::regclass::text || '.' || conname AS name FROM pg_constraint c
        WHERE contype = 'f' AND NOT EXISTS (
          SELECT FROM pg_index i
          WHERE i.indrelid = c.conrelid AND i.indkey[0] = c.conkey[1]
        )
        """
    )

    assert [row["name"] for row in rows] == []


async def test_no_migration_is_pending_after_migrate(database: Database) -> None:
    assert await pending_migrations() == []
