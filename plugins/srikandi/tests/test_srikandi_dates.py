"""Days and times of exports: what is read, and what is refused rather than guessed."""

from datetime import date, timedelta, timezone

import pytest
from ekinerja_connectors import (
    Malformed,
)
from ekinerja_srikandi.dates import moment_of

WIB = timezone(timedelta(hours=7))


@pytest.mark.parametrize(
    ("said", "instant"),
    [
        ("2016-03-07T08:40:00+07:00", "2016-03-07T08:40:00+07:00"),
        ("2016-03-07T08:40:00Z", "2016-03-07T08:40:00+00:00"),
        ("2016-03-07 08:40", "2016-03-07T08:40:00+07:00"),
        ("07/03/2016 10:05", "2016-03-07T10:05:00+07:00"),
        ("7-3-2016 10.05.30", "2016-03-07T10:05:30+07:00"),
        ("07.03.2016", "2016-03-07T12:00:00+07:00"),
        ("7 Maret 2016", "2016-03-07T12:00:00+07:00"),
        (" 2016-03-07 ", "2016-03-07T12:00:00+07:00"),
    ],
)
def test_date_is_read_in_the_forms_that_exports_have(said: str, instant: str) -> None:
    assert moment_of(said, WIB).isoformat() == instant


# 45323 is 2024-02-01. 45335 is 2024-02-13, and there is no thirteenth month.
@pytest.mark.parametrize(
    ("number", "how", "day"),
    [("45323", "as_is", date(2024, 2, 1)), ("45323", "exchanged", date(2024, 1, 2)),
     ("45323.0", "as_is", date(2024, 2, 1))],
)  # fmt: skip
def test_day_number_is_what_the_setting_says(number: str, how: str, day: date) -> None:
    assert moment_of(number, WIB, how).date() == day


@pytest.mark.parametrize(("number", "how"), [("45335", "exchanged"), ("45335", "refuse")])
def test_day_number_that_cannot_be_exchanged_is_refused(number: str, how: str) -> None:
    with pytest.raises(Malformed, match="2024-02-13"):
        moment_of(number, WIB, how)
