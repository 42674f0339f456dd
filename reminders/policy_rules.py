"""What a clinic may change about the rules: which reminders go, and on which days. Plain Python.

A policy is a mapping from a kind to days from its anchor (negative: before). The windows that come
of it follow one another without a gap and never overlap, as those of the usual rules do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise

from .rules import POLICY, RULES, Rule

# What a policy decides: which of these go, and from which day after their anchor on. The others
# answer something that just happened, and always go.
BOOKING_STEPS = ("book-1", "book-2", "book-3")
LATE_STEPS = ("overdue-1", "overdue-2", "overdue-3")
LADDER = BOOKING_STEPS + LATE_STEPS
LIMITS = {
    **dict.fromkeys(BOOKING_STEPS, (-365, -1)),
    "second-visit": (-13, -1),
    **dict.fromkeys(LATE_STEPS, (0, 365)),
    "prepare": (-14, -2),
    "day-before": (-1, -1),
}
DEFAULT = {kind: RULES[kind].first_day for kind in LIMITS}
# The last mail about a late visit may still be sent so many days after its first.
LAST_LASTS_DAYS = RULES["overdue-3"].last_day - RULES["overdue-3"].first_day

Rows = Mapping[str, int]


def policy_for(
    *, booking_opens_days: int, late_after_days: int, rows: Rows | None = None
) -> tuple[Rule, ...]:
    """The rules of a clinic: of its policy `rows` (kind -> days from the anchor), or else the
    usual ones with booking and "late" so many days from the due date.

    A kind that `rows` leaves out is not sent. Each window ends the day before the next one begins;
    no booking mail goes before booking opens, and none once the visit is late. Windows that become
    empty are left out.
    """
    numbers = {"book-1": -booking_opens_days, "overdue-1": late_after_days}
    rows = DEFAULT | numbers if rows is None else rows
    opens, late = rows.get("book-1", -booking_opens_days), rows.get("overdue-1", late_after_days)
    last_late = [rows[kind] for kind in LATE_STEPS if kind in rows][-1:] or [late]
    windows = {
        **{kind: (days, RULES[kind].last_day) for kind, days in rows.items()},
        **_in_turn(BOOKING_STEPS, rows, not_before=opens, last_day=late - 1),
        **_in_turn(LATE_STEPS, rows, not_before=late, last_day=last_late[0] + LAST_LASTS_DAYS),
    }
    if "second-visit" in rows:
        windows["second-visit"] = (rows["second-visit"], late - 1)
    return tuple(_fitted(rule, windows) for rule in POLICY if _is_sent(rule, windows))


def _in_turn(
    kinds: Sequence[str], rows: Rows, *, not_before: int, last_day: int
) -> dict[str, tuple[int, int]]:
    """The windows of those `kinds` that are in `rows`, one after the other up to `last_day`."""
    present = [kind for kind in kinds if kind in rows]
    firsts = list(accumulate((max(rows[kind], not_before) for kind in present), max))
    lasts = [first - 1 for first in firsts[1:]] + [last_day]
    return dict(zip(present, zip(firsts, lasts, strict=False), strict=True))


def _is_sent(rule: Rule, windows: Mapping[str, tuple[int, int]]) -> bool:
    if rule.kind not in LIMITS:
        return True
    first, last = windows.get(rule.kind, (0, -1))
    return first <= last


def _fitted(rule: Rule, windows: Mapping[str, tuple[int, int]]) -> Rule:
    first, last = windows.get(rule.kind, (rule.first_day, rule.last_day))
    return replace(rule, first_day=first, last_day=last)


def out_of_limits(rows: Mapping[str, object]) -> list[str]:
    """The kinds in `rows` that are no kinds of a policy, or whose days no policy may have."""
    return [kind for kind, days in rows.items() if not _may_be(kind, days)]


def _may_be(kind: str, days: object) -> bool:
    first, last = LIMITS.get(kind, (0, -1))
    return isinstance(days, int) and not isinstance(days, bool) and first <= days <= last


def out_of_order(
    rows: Rows, *, booking_opens_days: int, late_after_days: int
) -> list[tuple[str, str]]:
    """Each kind of `rows` that does not come later than the one before it, with that one.

    Where the first request to book or the first mail about a late visit is left out, the day on
    which booking opens or the visit is late stands in its place.
    """
    standing = {"book-1": -booking_opens_days, "overdue-1": late_after_days} | dict(rows)
    present = [kind for kind in LADDER if kind in standing]
    return [
        (kind, earlier)
        for earlier, kind in pairwise(present)
        if standing[kind] <= standing[earlier]
    ]
