"""Which reminder a course needs at a moment. Plain Python: no clock, no database, no Django.

A rule's window is counted in days from its anchor: the due date, a visit's date, or the moment a
visit was booked, an infusion was recorded or a record was put right. The windows of the due date
follow one another without a gap and never overlap, so reminders that piled up become the one that
fits today. Timings are the defaults of the product's message plan; `policy_rules` makes a clinic's
own rules of them.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal
from zoneinfo import ZoneInfo

Anchor = Literal["due", "visit", "event"]

# Mails reach people during the day, by the wall clock where they live.
FIRST_HOUR = 9
LAST_HOUR = 17
# A note about a new record is of use for this long, and only if the record itself was made soon.
RECORDED_USEFUL_FOR = dt.timedelta(days=3)
RECORDED_SOON_DAYS = 3
# So is word that a date was put right, or that a visit was booked. Later mails name the new date
# and the visit anyway.
MOVED_USEFUL_FOR = dt.timedelta(days=3)
BOOKED_USEFUL_FOR = dt.timedelta(days=3)
# News of a visit that has moved or is off; within so long of the visit it waits for no other day.
NEWS = frozenset({"changed", "cancelled"})
NEWS_IS_URGENT = dt.timedelta(days=2)
# From this many days before the visit on, the mail of the day before says it all.
DAY_BEFORE_SAYS_IT = 1
# An invitation to a helper can be answered for so long.
INVITATION_LASTS = dt.timedelta(days=14)
# The clinic's own list for the day goes before the first patient comes.
DIGEST_HOUR = 7
# A visit that passed with nothing recorded stands for so long, then the visit was missed.
MISSED_VISIT_COUNTS_FOR = dt.timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of reminder: from `first_day` to `last_day` after its anchor (negative: before).

    It may go from `opens` o'clock on the first day to `closes` o'clock on the last, and on every
    day between only in these hours. One that `counts` is the only such mail of its recipient's day.
    """

    kind: str
    anchor: Anchor
    first_day: int
    last_day: int
    steps: tuple[str, ...] = ("maintenance",)
    opens: int = FIRST_HOUR
    closes: int = LAST_HOUR
    counts: bool = True


@dataclass(frozen=True, slots=True)
class Fit:
    """A reminder that fits: what, for which date, and between which moments (aware UTC)."""

    kind: str
    due_on: dt.date
    not_before: dt.datetime
    not_after: dt.datetime


BOTH = ("initial-2", "maintenance")

# Only while no visit is booked, those of the due date. Nothing asks for the very first infusion:
# the clinic is still getting things ready.
POLICY = (
    Rule("book-1", "due", -70, -43),
    Rule("book-2", "due", -42, -22),
    Rule("book-3", "due", -21, 2),
    # The second part of the first dose is due 14 days after the first part.
    Rule("second-visit", "due", -13, 2, steps=("initial-2",)),
    Rule("overdue-1", "due", 3, 20, steps=BOTH),
    Rule("overdue-2", "due", 21, 41, steps=BOTH),
    Rule("overdue-3", "due", 42, 69, steps=BOTH),
    Rule("prepare", "visit", -7, -2),
    Rule("day-before", "visit", -1, -1, opens=10, closes=20, counts=False),
    # What follows an event at the clinic waits until it can no longer be undone.
    Rule("booked", "event", 0, 3),
    Rule("changed", "event", 0, 3),
    Rule("cancelled", "event", 0, 3),
    Rule("recorded", "event", 0, 3),
    Rule("date-moved", "event", 0, 3),
    Rule("helper-invite", "event", 0, 14),
    # Somebody waits for it, often on the phone.
    Rule("patient-invite", "event", 0, 14, opens=0, closes=24, counts=False),
    Rule("staff-invite", "event", 0, 7, opens=0, closes=24, counts=False),
    Rule("digest", "event", 0, 0, opens=DIGEST_HOUR, closes=12, counts=False),
)
RULES = {rule.kind: rule for rule in POLICY}
KINDS = tuple(RULES)

# What a recipient can stop by itself. An invitation and the clinic's own digest have no topic.
BOOKING, VISIT, RECORD = "booking", "visit", "record"
TOPICS = {
    "book-1": BOOKING,
    "book-2": BOOKING,
    "book-3": BOOKING,
    "second-visit": BOOKING,
    "overdue-1": BOOKING,
    "overdue-2": BOOKING,
    "overdue-3": BOOKING,
    "booked": VISIT,
    "changed": VISIT,
    "cancelled": VISIT,
    "prepare": VISIT,
    "day-before": VISIT,
    "recorded": RECORD,
    "date-moved": RECORD,
}
# Those that ask for something, take something back, or say that a visit is tomorrow: what is left
# for people who want a mail only when they need to do something.
NEEDED = frozenset(TOPICS) - {"booked", "prepare", "recorded"}
# When several wait for one person, this is the one that goes first; the others follow on the next
# days, if they still fit. What takes something back comes before what asks for something.
FIRST = ("cancelled", "changed", "date-moved", "helper-invite")


def urgency(kind: str) -> int:
    """Smaller goes first, among the mails that wait for one person."""
    return FIRST.index(kind) if kind in FIRST else len(FIRST)


def anchors_on(rule: Rule, today: dt.date) -> tuple[dt.date, dt.date]:
    """The first and the last anchor date for which `today` lies in the rule's window."""
    return today - dt.timedelta(days=rule.last_day), today - dt.timedelta(days=rule.first_day)


def fit(rule: Rule, *, anchor_on: dt.date, now: dt.datetime, zone: ZoneInfo) -> Fit | None:
    """The reminder for `anchor_on` (a due date or a visit's date), if `now` lies in its window.

    `now` is aware; the window is counted on the calendar and the wall clock of `zone`. From the
    first midnight of the window on it fits, to be sent when the window opens.
    """
    first_day = anchor_on + dt.timedelta(days=rule.first_day)
    last_day = anchor_on + dt.timedelta(days=rule.last_day)
    not_after = local_moment(last_day, rule.closes, zone)
    if now.astimezone(zone).date() < first_day or now >= not_after:
        return None
    return Fit(rule.kind, anchor_on, local_moment(first_day, rule.opens, zone), not_after)


def fit_recorded(
    *,
    given_on: dt.date,
    recorded_on: dt.date,
    recorded_at: dt.datetime,
    undo_for: dt.timedelta,
    now: dt.datetime,
) -> Fit | None:
    """The note about an infusion, sent once it can no longer be undone; None for old history.

    `given_on` and `recorded_on` are the clinic's local dates, `recorded_at` and `now` aware.
    """
    not_after = recorded_at + RECORDED_USEFUL_FOR
    if now >= not_after or (recorded_on - given_on).days > RECORDED_SOON_DAYS:
        return None
    return Fit("recorded", given_on, recorded_at + undo_for, not_after)


def fit_moved(
    *, due_on: dt.date, moved_at: dt.datetime, undo_for: dt.timedelta, now: dt.datetime
) -> Fit | None:
    """Word that a record was put right, so that the date is now `due_on`; None when it is too late.

    It waits as long as the note about an infusion (`moved_at` and `now` are aware), so that two
    corrections in a row are told as one.
    """
    not_after = moved_at + MOVED_USEFUL_FOR
    if now >= not_after:
        return None
    return Fit("date-moved", due_on, moved_at + undo_for, not_after)


def fit_booked(
    *,
    visit_on: dt.date,
    booked_at: dt.datetime,
    undo_for: dt.timedelta,
    now: dt.datetime,
    zone: ZoneInfo,
) -> Fit | None:
    """Word that a visit was booked; None when it is too late or so near that another mail says it.

    `visit_on` is the visit's date by the clinic's clock, `zone` the recipient's.
    """
    last_day = visit_on - dt.timedelta(days=DAY_BEFORE_SAYS_IT + 1)
    not_after = min(booked_at + BOOKED_USEFUL_FOR, local_moment(last_day, LAST_HOUR, zone))
    if now >= not_after:
        return None
    return Fit("booked", visit_on, booked_at + undo_for, not_after)


def fit_visit_news(
    kind: str, *, visit_on: dt.date, until: dt.datetime, undo_for: dt.timedelta, now: dt.datetime
) -> Fit | None:
    """Word that a visit of which the patient knows is at another time now, or is off.

    It is of use `until` the earlier of the old and the new time has come. `undo_for` lets a slip
    of the finger be mended first; with less than that left it goes at once.
    """
    if now >= until:
        return None
    return Fit(kind, visit_on, min(now + undo_for, until - undo_for), until)


def was_told_wrong(
    told: dt.date | None,
    moves: Sequence[tuple[dt.date | None, dt.date | None]],
    *,
    due_on: dt.date | None,
) -> bool:
    """Whether corrections alone led from the date last `told` to the one that is true now.

    `moves` are a course's corrections in their order, each from one due date to another; None is
    no date. A date that moved for another reason as well is told by the mail about that.
    """
    if told == due_on:
        return False
    reached = due_on
    for from_on, to_on in reversed(moves):
        if to_on != reached:
            return False
        if from_on == told:
            return True
        reached = from_on
    return False


def day_of(
    kind: str, moment: dt.datetime, zone: ZoneInfo, *, visit_at: dt.datetime | None = None
) -> dt.date | None:
    """The recipient's local date at `moment` (aware) that a mail of `kind` takes up for itself;
    None for those that may come beside another one: a visit is tomorrow, or one so near that the
    news of it cannot wait has moved or is off.
    """
    if not RULES[kind].counts:
        return None
    if kind in NEWS and visit_at is not None and visit_at - moment < NEWS_IS_URGENT:
        return None
    return moment.astimezone(zone).date()


def tomorrow(kind: str, moment: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """When sending opens on the day after `moment` by the clock of `zone`, as aware UTC."""
    day = moment.astimezone(zone).date() + dt.timedelta(days=1)
    return local_moment(day, RULES[kind].opens, zone)


def next_opening(kind: str, moment: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    """The first moment from `moment` on (aware; answer in UTC) at which `kind` may be sent."""
    rule = RULES[kind]
    local = moment.astimezone(zone)
    if rule.opens <= local.hour < rule.closes:
        return moment.astimezone(dt.UTC)
    days = 0 if local.hour < rule.opens else 1
    return local_moment(local.date() + dt.timedelta(days=days), rule.opens, zone)


@cache
def zone_of(name: str) -> ZoneInfo:
    """The time zone called `name`, an IANA name that is known to be one."""
    return ZoneInfo(name)


def local_moment(day: dt.date, hour: int, zone: ZoneInfo) -> dt.datetime:
    """`hour` o'clock on `day` by the wall clock of `zone`, as aware UTC."""
    # Built from the wall time, never by adding hours: a day may have 23 or 25 of them.
    return dt.datetime.combine(day, dt.time(hour), tzinfo=zone).astimezone(dt.UTC)
