"""What a service account hands in: taken once, and never rewritten."""

from schema.feeds.models import DeadLetter, DeadLetterCause, InboxItem
from tests.copies import Copies
from tests.factories import Api, copied_world

SUBMIT = """
mutation ($title: String!) {
  submitActivity(input: {sourceId: "D-9", nip: "199001012015011001", kind: "surat",
    title: $title, occurredAt: "2026-11-24T08:00:00+07:00"}) {
    accepted userErrors { code field }
  }
}
"""


async def test_an_activity_is_taken_once_and_another_content_under_its_id_is_refused_and_kept(
    copies: Copies,
) -> None:
    async with copied_world(copies):
        service = Api.of("connector")

        first = await service.data(SUBMIT, title="Menyusun surat")
        again = await service.data(SUBMIT, title="Menyusun surat")
        changed = await service.data(SUBMIT, title="Menyusun surat lain")

        assert first["submitActivity"] == {"accepted": True, "userErrors": []}
        assert again == first
        assert changed["submitActivity"] == {
            "accepted": False,
            "userErrors": [{"code": "BAD_USER_INPUT", "field": "sourceId"}],
        }
        kept = await InboxItem.get(source_id="D-9")
        assert kept.body["title"] == "Menyusun surat"
        letter = await DeadLetter.get(cause=DeadLetterCause.CHANGED_AT_SOURCE)
        assert letter.body["title"] == "Menyusun surat lain"
