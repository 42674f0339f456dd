"""Where a visit goes when the clinic is closed on the day that a dose is due (R16).

The due date stays true: only the day that is offered differs, and only the given day ever counts.
"""

import datetime as dt
from collections.abc import Callable

from .dates import add_days
from .regimens import MAINTENANCE


def nearest_open_day(
    due: dt.date,
    *,
    earliest: dt.date,
    window_start: dt.date | None,
    window_end: dt.date | None,
    is_open: Callable[[dt.date], bool],
) -> dt.date | None:
    """The open day to offer for a dose due on `due`; all are local dates (R16).

    `due` itself, else the next open day up to `window_end`, else the nearest earlier one that is
    neither before `earliest` nor before `window_start`; None where the clinic is closed
    throughout. The first infusion has no window (R2) and may wait as long as any other.
    """
    first = max(earliest, window_start or earliest)
    last = window_end or add_days(due, MAINTENANCE.late)
    later = (add_days(due, days) for days in range((last - due).days + 1))
    earlier = (add_days(due, -days) for days in range(1, (due - first).days + 1))
    return next(filter(is_open, later), None) or next(filter(is_open, earlier), None)
