"""Expected refusals: a stable code, and its message in Indonesian and in English.

What a client can mend comes back in a payload's `userErrors`; what it cannot is raised and
becomes a GraphQL error with `extensions.code`. Everything else is a fault and is masked.
"""

from collections.abc import Sequence
from enum import StrEnum

import strawberry


class Language(StrEnum):
    """The languages in which refusals are said; chosen by Accept-Language."""

    INDONESIAN = "id"
    ENGLISH = "en"


@strawberry.enum(description="Why something was refused. Codes are stable; messages are not.")
class ErrorCode(StrEnum):
    """Every refusal of the system. MESSAGES holds the words."""

    UNAUTHENTICATED = "UNAUTHENTICATED"
    NOT_FOUND = "NOT_FOUND"
    BAD_USER_INPUT = "BAD_USER_INPUT"
    UNAVAILABLE = "UNAVAILABLE"
    RESUME_FROM_CURSOR = "RESUME_FROM_CURSOR"
    INVALID_CURSOR = "INVALID_CURSOR"
    PAGE_TOO_LARGE = "PAGE_TOO_LARGE"
    RANGE_TOO_LONG = "RANGE_TOO_LONG"
    ENDS_BEFORE_START = "ENDS_BEFORE_START"
    TOO_LONG = "TOO_LONG"
    IN_THE_FUTURE = "IN_THE_FUTURE"
    OVERLAP = "OVERLAP"
    DESCRIPTION_MISSING = "DESCRIPTION_MISSING"
    TEXT_TOO_LONG = "TEXT_TOO_LONG"
    REASON_MISSING = "REASON_MISSING"
    EVIDENCE_INVALID = "EVIDENCE_INVALID"
    EVIDENCE_MISSING = "EVIDENCE_MISSING"
    TARGET_MISSING = "TARGET_MISSING"
    TARGET_NOT_YOURS = "TARGET_NOT_YOURS"
    OUTSIDE_PERIOD = "OUTSIDE_PERIOD"
    INDICATOR_MISSING = "INDICATOR_MISSING"
    INDICATOR_NOT_OF_TARGET = "INDICATOR_NOT_OF_TARGET"
    QUANTITY_INVALID = "QUANTITY_INVALID"
    STAGE_NOT_OF_TARGET = "STAGE_NOT_OF_TARGET"
    STAGE_OUT_OF_ORDER = "STAGE_OUT_OF_ORDER"
    WRONG_STATE = "WRONG_STATE"
    NOTHING_CHOSEN = "NOTHING_CHOSEN"
    TOO_MANY = "TOO_MANY"
    NOT_ALLOWED = "NOT_ALLOWED"
    CONFLICT = "CONFLICT"
    WRONG_PLAN_STATE = "WRONG_PLAN_STATE"
    PLAN_EXISTS = "PLAN_EXISTS"
    PLAN_INCOMPLETE = "PLAN_INCOMPLETE"
    PLAN_NOT_APPROVED = "PLAN_NOT_APPROVED"
    OUTSIDE_PLAN = "OUTSIDE_PLAN"
    NO_POST = "NO_POST"
    IN_USE = "IN_USE"
    WEIGHTS_INVALID = "WEIGHTS_INVALID"
    PERIOD_CLOSED = "PERIOD_CLOSED"
    KIND_FIXED = "KIND_FIXED"
    TOO_LATE = "TOO_LATE"
    LATE_REASON_MISSING = "LATE_REASON_MISSING"
    ACTION_PLAN_MISSING = "ACTION_PLAN_MISSING"
    ACTION_PLAN_NOT_OF_TARGET = "ACTION_PLAN_NOT_OF_TARGET"
    SECRETS_UNAVAILABLE = "SECRETS_UNAVAILABLE"
    WRONG_APPRAISAL_STATE = "WRONG_APPRAISAL_STATE"
    TOO_EARLY = "TOO_EARLY"
    UNIT_NOT_RATED = "UNIT_NOT_RATED"
    RATED_BY_UNIT = "RATED_BY_UNIT"
    OBJECTION_OVER = "OBJECTION_OVER"
    FEEDBACK_OFF = "FEEDBACK_OFF"
    FEEDBACK_OVER = "FEEDBACK_OVER"
    RELATION_WRONG = "RELATION_WRONG"
    ALREADY_ANSWERED = "ALREADY_ANSWERED"
    RULES_INVALID = "RULES_INVALID"
    RULES_MISSING = "RULES_MISSING"


MESSAGES: dict[ErrorCode, tuple[str, str]] = {
    ErrorCode.UNAUTHENTICATED: (
        "Anda belum masuk, atau token tidak berlaku.",
        "You are not signed in, or the token is not valid.",
    ),
    ErrorCode.NOT_FOUND: ("{thing} tidak ditemukan.", "{thing} was not found."),
    ErrorCode.BAD_USER_INPUT: ("Masukan tidak sah: {detail}", "Invalid input: {detail}"),
    ErrorCode.UNAVAILABLE: (
        "Layanan sedang tidak tersedia; coba lagi sebentar.",
        "The service is not available now; try again shortly.",
    ),
    ErrorCode.RESUME_FROM_CURSOR: (
        "Anda tertinggal terlalu jauh; sambung lagi dari kursor terakhir.",
        "You fell too far behind; resume from your last cursor.",
    ),
    ErrorCode.INVALID_CURSOR: ("Kursor tidak sah.", "The cursor is not valid."),
    ErrorCode.PAGE_TOO_LARGE: (
        "`first` harus antara 1 dan {limit}.",
        "`first` must be between 1 and {limit}.",
    ),
    ErrorCode.RANGE_TOO_LONG: (
        "Rentang paling lama {limit} hari.",
        "A range spans at most {limit} days.",
    ),
    ErrorCode.ENDS_BEFORE_START: (
        "Waktu selesai mendahului waktu mulai.",
        "The end is before the start.",
    ),
    ErrorCode.TOO_LONG: (
        "Satu catatan paling lama 24 jam.",
        "One record spans at most 24 hours.",
    ),
    ErrorCode.IN_THE_FUTURE: (
        "Catatan belum boleh untuk waktu yang akan datang.",
        "A record cannot lie in the future.",
    ),
    ErrorCode.OVERLAP: (
        "Waktunya tumpang tindih dengan catatan lain: {other}.",
        "The time overlaps another record: {other}.",
    ),
    ErrorCode.DESCRIPTION_MISSING: ("Uraian kegiatan wajib diisi.", "A description is required."),
    ErrorCode.TEXT_TOO_LONG: (
        "Teks paling panjang {limit} karakter.",
        "The text may have at most {limit} characters.",
    ),
    ErrorCode.REASON_MISSING: ("Alasan wajib diisi.", "A reason is required."),
    ErrorCode.EVIDENCE_INVALID: (
        "Bukti dukung memerlukan judul dan tautan http(s).",
        "Evidence needs a title and an http(s) link.",
    ),
    ErrorCode.EVIDENCE_MISSING: (
        "Tahap selesai bila ada bukti dukungnya.",
        "A stage is completed with evidence.",
    ),
    ErrorCode.TARGET_MISSING: (
        "Pilih sasaran untuk indikator atau tahap.",
        "Choose the target of the indicator or stage.",
    ),
    ErrorCode.TARGET_NOT_YOURS: (
        "Sasaran tidak ditemukan pada rencana Anda.",
        "The target was not found in your plan.",
    ),
    ErrorCode.OUTSIDE_PERIOD: (
        "Tanggal kegiatan di luar periode sasaran ({period}).",
        "The day is outside the target's period ({period}).",
    ),
    ErrorCode.INDICATOR_MISSING: (
        "Pilih indikator: sasaran ini memiliki lebih dari satu.",
        "Choose an indicator: this target has more than one.",
    ),
    ErrorCode.INDICATOR_NOT_OF_TARGET: (
        "Indikator bukan milik sasaran ini.",
        "The indicator does not belong to this target.",
    ),
    ErrorCode.QUANTITY_INVALID: (
        "Kuantitas harus angka 0 sampai {limit}, paling banyak 6 desimal.",
        "A quantity is a number from 0 to {limit} with at most 6 decimals.",
    ),
    ErrorCode.STAGE_NOT_OF_TARGET: (
        "Tahap bukan milik sasaran ini.",
        "The stage does not belong to this target.",
    ),
    ErrorCode.STAGE_OUT_OF_ORDER: (
        "Selesaikan dahulu tahap sebelumnya: {stage}.",
        "Complete the stage before it first: {stage}.",
    ),
    ErrorCode.WRONG_STATE: (
        "Catatan berstatus {state}; tindakan ini memerlukan {needed}.",
        "The record is {state}; this needs {needed}.",
    ),
    ErrorCode.NOTHING_CHOSEN: ("Tidak ada catatan yang dipilih.", "No record was chosen."),
    ErrorCode.TOO_MANY: ("Paling banyak {limit} sekaligus.", "At most {limit} at once."),
    ErrorCode.NOT_ALLOWED: (
        "Anda tidak berwenang untuk tindakan ini: {needed}.",
        "You may not do this: it needs {needed}.",
    ),
    ErrorCode.CONFLICT: (
        "Sudah diubah sejak versi {known}; kini versi {version}: {changes}.",
        "It was changed since version {known}; it is now version {version}: {changes}.",
    ),
    ErrorCode.WRONG_PLAN_STATE: (
        "Rencana berstatus {state}; tindakan ini memerlukan {needed}.",
        "The plan is {state}; this needs {needed}.",
    ),
    ErrorCode.PLAN_EXISTS: (
        "Rencana untuk jabatan ini sudah ada pada periode tersebut.",
        "There is a plan for this post in the period already.",
    ),
    ErrorCode.PLAN_INCOMPLETE: (
        "Rencana belum lengkap: {missing}.",
        "The plan is not complete: {missing}.",
    ),
    ErrorCode.PLAN_NOT_APPROVED: (
        "Rencana sasaran ini berstatus {state}; progres memerlukan rencana yang disetujui.",
        "The target's plan is {state}; progress needs an approved one.",
    ),
    ErrorCode.OUTSIDE_PLAN: (
        "Tanggal kegiatan di luar masa rencana ({starts} s.d. {ends}).",
        "The day is outside the plan ({starts} to {ends}).",
    ),
    ErrorCode.NO_POST: (
        "Pegawai {person} tidak memegang jabatan pada {day}.",
        "Employee {person} holds no post on {day}.",
    ),
    ErrorCode.IN_USE: (
        "{thing} sudah dipakai dan tidak dapat dihapus atau diubah.",
        "{thing} is in use and cannot be removed or changed.",
    ),
    ErrorCode.WEIGHTS_INVALID: (
        "Bobot harus lebih dari 0 dan berjumlah paling banyak 100; kini {total}.",
        "Weights are above 0 and add up to at most 100; these make {total}.",
    ),
    ErrorCode.PERIOD_CLOSED: (
        "Periode penilaian {period} sudah ditutup; minta pengelola membukanya kembali.",
        "The evaluation period {period} is closed; ask the administrator to reopen it.",
    ),
    ErrorCode.KIND_FIXED: (
        "Tahun ini dinilai secara {kind}; satu instansi memakai satu jenis dalam setahun.",
        "This year is evaluated {kind}; an agency has one kind a year.",
    ),
    ErrorCode.TOO_LATE: (
        "Batas pengisian {deadline} sudah lewat; kegiatan disimpan dan menunggu.",
        "Filling ended on {deadline}; the activity is kept and waits.",
    ),
    ErrorCode.LATE_REASON_MISSING: (
        "Batas pengisian {deadline} sudah lewat; sertakan alasan.",
        "Filling ended on {deadline}; give a reason.",
    ),
    ErrorCode.ACTION_PLAN_MISSING: (
        "Susun dahulu rencana aksi sasaran ini untuk {period}.",
        "Write an action plan of this target for {period} first.",
    ),
    ErrorCode.ACTION_PLAN_NOT_OF_TARGET: (
        "Rencana aksi bukan milik sasaran ini atau tidak mencakup tanggal itu.",
        "The action plan does not belong to this target, or does not cover the day.",
    ),
    ErrorCode.SECRETS_UNAVAILABLE: (
        "Rahasia tidak dapat disimpan atau dibaca: minta operator memeriksa EKINERJA_SECRET_KEYS.",
        "Secrets cannot be kept or read: ask the operator to check EKINERJA_SECRET_KEYS.",
    ),
    ErrorCode.WRONG_APPRAISAL_STATE: (
        "Penilaian berstatus {state}; tindakan ini memerlukan {needed}.",
        "The appraisal is {state}; this needs {needed}.",
    ),
    ErrorCode.TOO_EARLY: (
        "Belum dapat dilakukan sebelum {day}.",
        "This cannot be done before {day}.",
    ),
    ErrorCode.UNIT_NOT_RATED: (
        "Tetapkan dahulu predikat kinerja unit {unit}: itulah hasil kerja pimpinannya.",
        "Rate the unit {unit} first: its result is that of its head.",
    ),
    ErrorCode.RATED_BY_UNIT: (
        "Hasil kerja pimpinan unit {unit} berasal dari predikat unitnya; jangan diisi.",
        "The work results of the head of {unit} come from the unit's own rating; leave them out.",
    ),
    ErrorCode.OBJECTION_OVER: (
        "Batas keberatan {deadline} sudah lewat.",
        "Objections ended on {deadline}.",
    ),
    ErrorCode.FEEDBACK_OFF: (
        "Instansi tidak meminta umpan balik 360 pada {day}; pengelola dapat menetapkannya.",
        "The agency asks for no feedback (360) on {day}; its administrator can set that.",
    ),
    ErrorCode.FEEDBACK_OVER: (
        "Umpan balik untuk penilaian ini sudah ditutup.",
        "Feedback on this appraisal is closed.",
    ),
    ErrorCode.RELATION_WRONG: (
        "{name} bukan {relation} pada hari-hari penilaian itu, melainkan {found}.",
        "{name} was not {relation} on the days of the appraisal but {found}.",
    ),
    ErrorCode.ALREADY_ANSWERED: (
        "Umpan balik ini sudah diberikan; tidak dapat diubah.",
        "This feedback is given already; it does not change.",
    ),
    ErrorCode.RULES_INVALID: ("Aturan tidak sah: {detail}", "The rules are not valid: {detail}"),
    ErrorCode.RULES_MISSING: (
        "Instansi belum memiliki aturan {kind} yang berlaku pada {day}.",
        "The agency has no rules of {kind} in force on {day}.",
    ),
}


class DomainError(Exception):
    """An expected refusal. `field` names the input that it is about, where there is one."""

    def __init__(self, code: ErrorCode, /, *, field: str | None = None, **words: object) -> None:
        self.code = code
        self.field = field
        self.words = words
        super().__init__(self.message(Language.ENGLISH))

    def message(self, language: Language) -> str:
        indonesian, english = MESSAGES[self.code]
        template = indonesian if language is Language.INDONESIAN else english
        return template.format(**self.words)


class Refusals(DomainError):
    """Several refusals at once, one for each field; it is itself the first of them."""

    def __init__(self, each: Sequence[DomainError]) -> None:
        first = each[0]
        super().__init__(first.code, field=first.field, **first.words)
        self.each = tuple(each)

    def __str__(self) -> str:
        return "; ".join(str(one) for one in self.each)


class NotFound(DomainError):
    """It is not there, or it is not yours to see: the same answer for both."""

    def __init__(self, thing: str = "Data", /) -> None:
        super().__init__(ErrorCode.NOT_FOUND, thing=thing)


class Unauthenticated(DomainError):
    """No valid token came with the request."""

    def __init__(self) -> None:
        super().__init__(ErrorCode.UNAUTHENTICATED)


class SlowConsumer(DomainError):
    """A watcher's queue is full; it resumes from its cursor."""

    def __init__(self) -> None:
        super().__init__(ErrorCode.RESUME_FROM_CURSOR)


@strawberry.type(description="A refusal that the client can mend.")
class UserError:
    code: ErrorCode = strawberry.field(description="Stable; translate by it.")
    field: str | None = strawberry.field(description="The input it is about, as a path.")
    message: str = strawberry.field(description="In the language of Accept-Language.")

    @classmethod
    def of(cls, error: DomainError, language: Language, field: str | None = None) -> "UserError":
        return cls(code=error.code, field=field or error.field, message=error.message(language))
