"""The columns of the bulk sheet, after the form of daily progress (*Progress Harian*)."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["COLUMNS", "HEADINGS", "REQUIRED"]

#: What each column is called in the template that we write.
HEADINGS: Mapping[str, str] = {
    "nip": "NIP",
    "date": "Tanggal",
    "begin": "Jam mulai",
    "end": "Jam selesai",
    "activity": "Kegiatan",
    "quantity": "Realisasi",
    "unit": "Satuan",
    "evidence": "Bukti dukung",
    "plan": "Rencana aksi",
    "category": "Kategori",
}
REQUIRED = ("nip", "date", "begin", "end", "activity")

#: And what else it may be called, in Indonesian and English.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "nip": ("NIP Pegawai", "Nomor Induk Pegawai", "No Pegawai", "Employee number"),
    "date": ("Tanggal", "Tanggal kegiatan", "Tgl", "Tgl kegiatan", "Day"),
    "begin": ("Jam mulai", "Waktu mulai", "Mulai", "Pukul mulai", "Start", "Start time"),
    "end": ("Jam selesai", "Waktu selesai", "Selesai", "Pukul selesai", "End time", "Finish"),
    "activity": (
        "Kegiatan",
        "Kegiatan harian",
        "Uraian kegiatan",
        "Uraian",
        "Aktivitas",
        "Description",
        "Task",
    ),
    "quantity": ("Realisasi", "Volume", "Jumlah", "Output", "Amount"),
    "unit": ("Satuan", "Satuan output", "Unit of measure"),
    "evidence": ("Bukti dukung", "Link bukti dukung", "Bukti", "Tautan", "Link", "Evidence link"),
    "plan": ("Rencana aksi", "Action plan"),
    "category": ("Kategori", "Jenis kegiatan"),
}
