"""Documents by hash: which run, which do not, in both forms that clients use."""

import hashlib
import json
from pathlib import Path

import pytest

from server.parameters import parameters_of
from server.settings import SettingsError, settings_from
from server.strings import MalformedInput
from server.trusted_documents import TrustedDocuments

DOCUMENT = "{ viewer { unreadCount } }"
OTHER = "{ viewer { roles } }"
HASH = hashlib.sha256(DOCUMENT.encode()).hexdigest()
OTHER_HASH = hashlib.sha256(OTHER.encode()).hexdigest()
KNOWN = {HASH: DOCUMENT}


def apollo(digest: str, version: int = 1) -> dict[str, object]:
    return {"extensions": {"persistedQuery": {"version": version, "sha256Hash": digest}}}


@pytest.mark.parametrize(
    "request_",
    [
        {"documentId": HASH},
        {"documentId": f"sha256:{HASH}"},
        {"documentId": HASH, "query": DOCUMENT},
        {"documentId": HASH, "query": None},
        apollo(HASH),
        {**apollo(HASH), "query": DOCUMENT},
    ],
)
@pytest.mark.parametrize("only", [False, True])
def test_a_known_document_runs_by_its_hash(request_: dict[str, object], only: bool) -> None:
    trusted = TrustedDocuments(KNOWN, only=only)

    assert parameters_of(request_, trusted).query == DOCUMENT


@pytest.mark.parametrize(
    ("request_", "only", "code"),
    [
        ({"documentId": OTHER_HASH}, False, "PERSISTED_QUERY_NOT_FOUND"),
        (apollo(OTHER_HASH), False, "PERSISTED_QUERY_NOT_FOUND"),
        ({"documentId": HASH, "query": OTHER}, False, "BAD_REQUEST"),
        ({"documentId": "../../etc/passwd"}, False, "BAD_REQUEST"),
        ({"documentId": HASH.upper()}, False, "BAD_REQUEST"),
        ({"documentId": 5}, False, "BAD_REQUEST"),
        (apollo(HASH, version=2), False, "BAD_REQUEST"),
        ({"extensions": {"persistedQuery": "x"}}, False, "BAD_REQUEST"),
        ({}, False, "BAD_REQUEST"),
        ({"query": ""}, False, "BAD_REQUEST"),
        ({"query": OTHER}, True, "TRUSTED_DOCUMENTS_ONLY"),
        ({**apollo(OTHER_HASH), "query": OTHER}, True, "TRUSTED_DOCUMENTS_ONLY"),
    ],
)
def test_other_documents_are_refused_by_name(
    request_: dict[str, object], only: bool, code: str
) -> None:
    trusted = TrustedDocuments(KNOWN, only=only)

    with pytest.raises(MalformedInput) as refused:
        parameters_of(request_, trusted)

    assert refused.value.code == code


def test_a_text_that_is_trusted_runs_also_where_only_those_do() -> None:
    assert parameters_of({"query": DOCUMENT}, TrustedDocuments(KNOWN, only=True)).query == DOCUMENT


def test_any_text_runs_by_default() -> None:
    assert parameters_of({"query": OTHER}, TrustedDocuments(KNOWN)).query == OTHER


def test_the_manifest_is_checked_at_the_start(tmp_path: Path) -> None:
    manifest = tmp_path / "documents.json"
    environ = {"EKINERJA_TRUSTED_DOCUMENTS": str(manifest), "EKINERJA_TRUSTED_ONLY": "true"}

    manifest.write_text(json.dumps(KNOWN))
    trusted = TrustedDocuments.of(settings_from(environ))
    assert trusted.text_of(None, HASH) == DOCUMENT

    for broken in ("[]", "{", json.dumps({HASH: OTHER}), json.dumps({"x": 5})):
        manifest.write_text(broken)
        with pytest.raises(SettingsError, match="EKINERJA_TRUSTED_DOCUMENTS"):
            TrustedDocuments.of(settings_from(environ))

    with pytest.raises(SettingsError, match="names no manifest"):
        TrustedDocuments.of(settings_from({"EKINERJA_TRUSTED_ONLY": "true"}))
