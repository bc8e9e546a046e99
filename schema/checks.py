"""Checks of what people send, which every subject makes alike: texts and amounts."""

from decimal import Decimal

from schema.errors import DomainError, ErrorCode
from schema.values import LARGEST_QUANTITY

LONGEST_TITLE = 4_000
"""Characters of a title or another text of a plan; a house limit. The longest title of the real
cases has 282."""
LONGEST_NAME = 120
"""Characters of a name or a unit of measure."""


def invalid(field: str, detail: str) -> DomainError:
    """Input that a client can mend and that has no code of its own."""
    return DomainError(ErrorCode.BAD_USER_INPUT, field=field, detail=detail)


def text_of(text: str | None, *, missing: ErrorCode, field: str, longest: int) -> str:
    """A text that says something and fits.

    Raises:
        DomainError: it is blank (with the code `missing`) or too long.
    """
    stripped = (text or "").strip()
    if not stripped:
        raise DomainError(missing, field=field)
    if len(stripped) > longest:
        raise DomainError(ErrorCode.TEXT_TOO_LONG, field=field, limit=longest)
    return stripped


def optional_text(text: str | None, *, field: str, longest: int) -> str | None:
    """A text that may be left out; blank is left out.

    Raises:
        DomainError: it is too long.
    """
    if text is None or not text.strip():
        return None
    return text_of(text, missing=ErrorCode.BAD_USER_INPUT, field=field, longest=longest)


def check_quantity(quantity: Decimal, field: str = "quantity") -> None:
    """Raises:
    DomainError: not a finite number from 0 to 10^15 with at most 6 decimals.
    """
    exponent = quantity.as_tuple().exponent
    fits = isinstance(exponent, int) and 0 <= quantity <= LARGEST_QUANTITY
    if not fits or quantity != round(quantity, 6):
        raise DomainError(ErrorCode.QUANTITY_INVALID, field=field, limit=LARGEST_QUANTITY)
