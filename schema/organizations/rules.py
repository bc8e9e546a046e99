"""Pure rules of organizations: working time."""

from datetime import date

MONDAY_TO_FRIDAY = range(5)
WORKING_DAY_MINUTES = 450
"""37 h 30 min a week over five days, breaks left out (Perpres 21/2023, Pasal 3 and 4):
5 days x 450 min = 2,250 min = 37.5 h. A default until agencies have dated policies."""


def required_minutes(day: date) -> int:
    """Minutes that a working day asks for: 450 from Monday to Friday, else 0."""
    return WORKING_DAY_MINUTES if day.weekday() in MONDAY_TO_FRIDAY else 0
