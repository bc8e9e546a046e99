"""What all tables share: the key, and the label under which Tortoise knows them."""

from tortoise import fields
from tortoise.models import Model

from schema.values import uuid7

APP = "ekinerja"
"""Tortoise's label of this application; foreign keys name tables as `ekinerja.Unit`."""

MODULES = (
    "schema.events",
    "schema.organizations.models",
    "schema.targets.models",
    "schema.feeds.models",
    "schema.progress.models",
)


class Row(Model):
    """A table with a UUIDv7 key made here, so that it is known before the insert."""

    id = fields.UUIDField(primary_key=True, default=uuid7)

    class Meta:
        abstract = True
