"""How papers say things in Indonesian: terms of the law, numbers, days; no layout."""

from collections.abc import Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from schema.appraisals.models import AppraisalState, Predicate, Rating, UnitPredicate
from schema.plans.models import Approach, AttachmentKind, Behaviour, EvaluationKind
from schema.targets.models import Aspect, Perspective
from schema.values import plain

NOTHING = "–"
"""Stands where nothing is known, or where it is not the reader's to see."""
MONTHS = (
    *("Januari", "Februari", "Maret", "April", "Mei", "Juni"),
    *("Juli", "Agustus", "September", "Oktober", "November", "Desember"),
)
QUARTERS = ("I", "II", "III", "IV")

RATINGS: Mapping[Rating, str] = {
    Rating.ABOVE: "DI ATAS EKSPEKTASI",
    Rating.MEETS: "SESUAI EKSPEKTASI",
    Rating.BELOW: "DI BAWAH EKSPEKTASI",
}
PREDICATES: Mapping[Predicate, str] = {
    Predicate.EXCELLENT: "SANGAT BAIK",
    Predicate.GOOD: "BAIK",
    Predicate.NEEDS_IMPROVEMENT: "BUTUH PERBAIKAN",
    Predicate.POOR: "KURANG/MISCONDUCT",
    Predicate.VERY_POOR: "SANGAT KURANG",
}
UNIT_PREDICATES: Mapping[UnitPredicate, str] = {
    UnitPredicate.OUTSTANDING: "ISTIMEWA",
    UnitPredicate.GOOD: "BAIK",
    UnitPredicate.NEEDS_IMPROVEMENT: "BUTUH PERBAIKAN",
    UnitPredicate.POOR: "KURANG",
    UnitPredicate.VERY_POOR: "SANGAT KURANG",
}
PATTERNS: Mapping[UnitPredicate, str] = {
    UnitPredicate.OUTSTANDING: "sebagian besar (paling banyak 70%) Sangat Baik, sisanya bebas",
    UnitPredicate.GOOD: (
        "sebagian besar (paling banyak 70%) Baik, sebagian Butuh Perbaikan dan/atau Kurang, "
        "sisanya Sangat Baik dan/atau Sangat Kurang"
    ),
    UnitPredicate.NEEDS_IMPROVEMENT: (
        "paling sedikit 60% Butuh Perbaikan, Sangat Baik paling banyak 10%"
    ),
    UnitPredicate.POOR: (
        "paling sedikit 60% Kurang, paling sedikit 10% Butuh Perbaikan, "
        "Sangat Baik paling banyak 10%"
    ),
    UnitPredicate.VERY_POOR: (
        "paling sedikit 60% Sangat Kurang, paling sedikit 10% Kurang dan/atau Butuh Perbaikan, "
        "tanpa Sangat Baik"
    ),
}
"""The pattern that a unit's result suggests for its people (SE MenPANRB 3/2023)."""
STATES: Mapping[AppraisalState, str] = {
    AppraisalState.OPEN: "Belum dinilai",
    AppraisalState.RATED: "Dinilai",
    AppraisalState.ACCEPTED: "Diterima pegawai",
    AppraisalState.OBJECTED: "Keberatan",
    AppraisalState.DECIDED: "Keberatan diputus",
    AppraisalState.SIGNED: "Ditandatangani",
}
APPROACHES: Mapping[Approach, str] = {
    Approach.QUANTITATIVE: "KUANTITATIF",
    Approach.QUALITATIVE: "KUALITATIF",
}
ASPECTS: Mapping[Aspect, str] = {
    Aspect.QUANTITY: "Kuantitas",
    Aspect.QUALITY: "Kualitas",
    Aspect.TIME: "Waktu",
    Aspect.COST: "Biaya",
}
PERSPECTIVES: Mapping[Perspective, str] = {
    Perspective.SERVICE_RECIPIENTS: "PENERIMA LAYANAN",
    Perspective.BUSINESS_PROCESS: "PROSES BISNIS",
    Perspective.INTERNAL_STRENGTHENING: "PENGUATAN INTERNAL",
    Perspective.BUDGET: "ANGGARAN",
}
ATTACHMENTS: Mapping[AttachmentKind, str] = {
    AttachmentKind.SUPPORT: "DUKUNGAN SUMBER DAYA",
    AttachmentKind.ACCOUNTABILITY: "SKEMA PERTANGGUNGJAWABAN",
    AttachmentKind.CONSEQUENCES: "KONSEKUENSI",
}
BEHAVIOURS: Mapping[Behaviour, tuple[str, tuple[str, ...]]] = {
    Behaviour.SERVICE_ORIENTED: (
        "Berorientasi Pelayanan",
        (
            "Memahami dan memenuhi kebutuhan masyarakat",
            "Ramah, cekatan, solutif, dan dapat diandalkan",
            "Melakukan perbaikan tiada henti",
        ),
    ),
    Behaviour.ACCOUNTABLE: (
        "Akuntabel",
        (
            "Melaksanakan tugas dengan jujur, bertanggung jawab, cermat, disiplin, "
            "dan berintegritas tinggi",
            "Menggunakan kekayaan dan barang milik negara secara bertanggung jawab, efektif, "
            "dan efisien",
            "Tidak menyalahgunakan kewenangan jabatan",
        ),
    ),
    Behaviour.COMPETENT: (
        "Kompeten",
        (
            "Meningkatkan kompetensi diri untuk menjawab tantangan yang selalu berubah",
            "Membantu orang lain belajar",
            "Melaksanakan tugas dengan kualitas terbaik",
        ),
    ),
    Behaviour.HARMONIOUS: (
        "Harmonis",
        (
            "Menghargai setiap orang apa pun latar belakangnya",
            "Suka menolong orang lain",
            "Membangun lingkungan kerja yang kondusif",
        ),
    ),
    Behaviour.LOYAL: (
        "Loyal",
        (
            "Memegang teguh ideologi Pancasila, UUD 1945, setia kepada NKRI serta "
            "pemerintahan yang sah",
            "Menjaga nama baik sesama ASN, pimpinan, instansi, dan negara",
            "Menjaga rahasia jabatan dan negara",
        ),
    ),
    Behaviour.ADAPTIVE: (
        "Adaptif",
        (
            "Cepat menyesuaikan diri menghadapi perubahan",
            "Terus berinovasi dan mengembangkan kreativitas",
            "Bertindak proaktif",
        ),
    ),
    Behaviour.COLLABORATIVE: (
        "Kolaboratif",
        (
            "Memberi kesempatan kepada berbagai pihak untuk berkontribusi",
            "Terbuka dalam bekerja sama untuk menghasilkan nilai tambah",
            "Menggerakkan pemanfaatan berbagai sumber daya untuk tujuan bersama",
        ),
    ),
}
"""The seven values with their guides of behaviour (*panduan perilaku*; SE MenPANRB 20/2021)."""


def number(value: Decimal | int | None, places: int | None = None) -> str:
    """1234.5 -> 1.234,5, with two places 1.234,50; half away from zero."""
    if value is None:
        return NOTHING
    exact = Decimal(value)
    if places is not None:
        text = format(exact.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP), "f")
    else:
        text = plain(exact)
    whole, _, rest = text.partition(".")
    grouped = format(int(whole), ",").replace(",", ".")
    sign = "-" if whole.startswith("-") and not grouped.startswith("-") else ""
    return sign + (f"{grouped},{rest}" if rest else grouped)


def day(value: date | None) -> str:
    """2026-12-31 -> 31 Desember 2026."""
    return f"{value.day} {MONTHS[value.month - 1]} {value.year}" if value else NOTHING


def span(first: date, last: date) -> str:
    """1 Januari s.d. 31 Desember 2026; both years where they differ."""
    if first.year == last.year:
        return f"{first.day} {MONTHS[first.month - 1]} s.d. {day(last)}"
    return f"{day(first)} s.d. {day(last)}"


def evaluation(kind: EvaluationKind, number: int, year: int) -> str:
    """Maret 2026; Triwulan I 2026; Tahun 2026 (akhir)."""
    if kind is EvaluationKind.MONTHLY:
        return f"{MONTHS[number - 1]} {year}"
    if kind is EvaluationKind.QUARTERLY:
        return f"Triwulan {QUARTERS[number - 1]} {year}"
    return f"Akhir Tahun {year}"


def hours(minutes: int | None) -> Decimal | None:
    """Minutes as hours with two places: 450 -> 7.50."""
    if minutes is None:
        return None
    return (Decimal(minutes) / 60).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


def amount(value: Decimal | None, unit: str | None) -> str:
    """A quantity with its unit: 12 laporan."""
    if value is None:
        return NOTHING
    return f"{number(value)} {unit}" if unit else number(value)
