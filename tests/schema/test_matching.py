"""Matching: what the words give, and that it beats a plain n-gram comparison on real lines."""

import json
from collections import Counter
from decimal import Decimal
from math import log, sqrt
from pathlib import Path
from uuid import NAMESPACE_OID, UUID, uuid5

import pytest

from schema.progress.matching import Candidate, rank, suggest

EXCERPT = json.loads(
    (Path(__file__).parents[2] / "cases" / "activities_excerpt.json").read_text("utf-8")
)


def key(name: str) -> UUID:
    return uuid5(NAMESPACE_OID, name)


def candidates(**texts: str) -> list[Candidate]:
    return [Candidate(key(name), text) for name, text in texts.items()]


SURVEYS_AND_ARCHIVE = candidates(
    padi="Terlaksananya survei ubinan tanaman padi\nVolume laporan survei ubinan",
    arsip="Tertatanya arsip inaktif\nJumlah berkas arsip yang ditata",
    gaji="Terbayarnya gaji dan tunjangan pegawai",
)


def test_work_is_matched_to_the_target_that_shares_its_words() -> None:
    found = suggest("Menata arsip inaktif di ruang penyimpanan", SURVEYS_AND_ARCHIVE)

    assert found is not None
    assert found.target_id == key("arsip")
    assert 0 < found.score <= 1
    assert found.score == round(found.score, 4)


def test_the_reason_names_the_words_that_both_share() -> None:
    found = suggest("Pengarsipan berkas inaktif", SURVEYS_AND_ARCHIVE)

    # "pengarsipan" and "arsip" meet without their affixes.
    assert found is not None
    assert found.reason == "pengarsipan, berkas, inaktif"


@pytest.mark.parametrize("text", ["", "12345", "dan untuk", "Rapat koordinasi internal", "😀"])
def test_nothing_is_suggested_for_work_that_resembles_no_target(text: str) -> None:
    assert suggest(text, SURVEYS_AND_ARCHIVE) is None


def test_nothing_is_suggested_without_candidates() -> None:
    assert suggest("Menata arsip", []) is None
    assert suggest("Menata arsip", [Candidate(key("empty"), "")]) is None


def test_the_same_words_score_one_and_equals_keep_their_order() -> None:
    twins = candidates(first="Menyusun laporan bulanan", second="Menyusun laporan bulanan")

    found = suggest("Menyusun laporan bulanan", twins)

    assert found is not None
    assert (found.target_id, found.score) == (key("first"), Decimal(1))


def _plain(text: str, of: list[Candidate]) -> list[Candidate]:
    """The baseline: cosine of TF-IDF weights of the character trigrams of the whole text."""

    def grams(words: str) -> Counter[str]:
        padded = f" {' '.join(words.casefold().split())} "
        return Counter(padded[i : i + 3] for i in range(len(padded) - 2))

    counted = [grams(one.text) for one in of]
    among = Counter(gram for one in counted for gram in one)
    weight = {gram: log((1 + len(of)) / (1 + n)) + 1 for gram, n in among.items()}
    work = grams(text)

    def score(one: Counter[str]) -> float:
        shared = sum(n * one[gram] * weight[gram] ** 2 for gram, n in work.items() if gram in one)
        return shared / sqrt(sum((n * weight[gram]) ** 2 for gram, n in one.items()))

    order = sorted(range(len(of)), key=lambda place: -score(counted[place]))
    return [of[place] for place in order]


def test_real_lines_find_their_target_more_often_than_by_plain_trigrams() -> None:
    ours = plain = suggested = right = 0
    for line in EXCERPT["lines"]:
        of = candidates(**EXCERPT["candidates"][line["candidates"]])
        correct = {key(name) for name in line["right"]}

        ours += rank(line["text"], of)[0][0].id in correct
        plain += _plain(line["text"], of)[0].id in correct
        found = suggest(line["text"], of)
        suggested += found is not None
        right += found is not None and found.target_id in correct

    # Of 216 lines: ours 64, plain 54; 45 of 57 suggestions right.
    assert ours / plain >= 1.1
    assert right / suggested >= 0.75  # a wrong hint costs more than none
    assert suggested / len(EXCERPT["lines"]) >= 0.2
