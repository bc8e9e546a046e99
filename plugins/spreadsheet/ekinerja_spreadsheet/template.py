"""The empty sheet that people fill in, with a second worksheet that says how."""

from __future__ import annotations

from pathlib import Path

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

from .columns import HEADINGS, REQUIRED

__all__ = ["write_template"]

ROWS = 500
_FORMATS = {"nip": "@", "date": "dd/mm/yyyy", "begin": "hh:mm", "end": "hh:mm"}
_WIDTHS = {"nip": 22, "activity": 60, "evidence": 40, "plan": 40}
_GUIDE = (
    ("NIP", "18 angka, sebagai teks (kolom ini sudah diformat teks)", "198503122009011007"),
    ("Tanggal", "hari/bulan/tahun", "02/03/2026"),
    ("Jam mulai", "jam.menit atau jam:menit", "07.30"),
    ("Jam selesai", "sesudah jam mulai; 24.00 untuk tengah malam", "09.00"),
    ("Kegiatan", "apa yang dikerjakan", "Menyusun laporan bulanan"),
    ("Realisasi", "boleh kosong; angka seperti 3 atau 1,5", "1"),
    ("Satuan", "wajib bila realisasi diisi", "dokumen"),
    ("Bukti dukung", "boleh kosong; tautan https://", "https://arsip.example/7"),
    ("Rencana aksi", "boleh kosong", "Menyusun laporan kinerja triwulan"),
    ("Kategori", "boleh kosong", "Pelaporan"),
)


def write_template(path: Path) -> None:
    """Write the template to `path`. Raises: FileExistsError where something is there already."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Kegiatan"
    sheet.append(list(HEADINGS.values()))
    for at, name in enumerate(HEADINGS, 1):
        letter = get_column_letter(at)
        sheet.column_dimensions[letter].width = _WIDTHS.get(name, 14)
        heading = sheet.cell(1, at)
        heading.font = Font(bold=True)
        heading.fill = PatternFill("solid", start_color="FFE699" if name in REQUIRED else "E7E6E6")
        for row in range(2, ROWS + 2) if name in _FORMATS else ():
            sheet.cell(row, at).number_format = _FORMATS[name]
    sheet.freeze_panes = "A2"
    guide = book.create_sheet("Petunjuk")
    guide.append(["Kolom", "Cara mengisi", "Contoh"])
    for line in _GUIDE:
        guide.append(list(line))
    for letter, width in (("A", 16), ("B", 60), ("C", 36)):
        guide.column_dimensions[letter].width = width
    for cell in guide[1]:
        cell.font = Font(bold=True)
        cell.alignment = Alignment(horizontal="left")
    with path.open("xb") as target:
        book.save(target)
