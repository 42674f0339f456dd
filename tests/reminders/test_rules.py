"""Which reminder fits: tables over days, and nights on which clocks change."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest

from reminders import rules

NEW_YORK = ZoneInfo("America/New_York")
DUE = dt.date(2026, 9, 30)
UNDO = dt.timedelta(minutes=15)


def utc(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=dt.UTC)


def _days(count: int) -> dt.timedelta:
    return dt.timedelta(days=count)


def _seconds(count: int) -> dt.timedelta:
    return dt.timedelta(seconds=count)


def _wall(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=NEW_YORK).astimezone(dt.UTC)


def noon(day: dt.date, zone: ZoneInfo = NEW_YORK) -> dt.datetime:
    return rules.local_moment(day, 12, zone)


def fitting(step: str, anchor: str, days: int, policy=rules.POLICY) -> list[str]:
    """What fits at noon, `days` after the anchor date."""
    now = noon(DUE + dt.timedelta(days=days))
    return [
        rule.kind
        for rule in policy
        if rule.anchor == anchor
        and step in rule.steps
        and rules.fit(rule, anchor_on=DUE, now=now, zone=NEW_YORK)
    ]


@pytest.mark.parametrize(
    ("days", "kind"),
    [
        (-71, None),
        (-70, "book-1"),
        (-43, "book-1"),
        (-42, "book-2"),
        (-22, "book-2"),
        (-21, "book-3"),
        (0, "book-3"),
        (2, "book-3"),
        (3, "overdue-1"),
        (20, "overdue-1"),
        (21, "overdue-2"),
        (41, "overdue-2"),
        (42, "overdue-3"),
        (69, "overdue-3"),
        (70, None),
    ],
)
def test_one_kind_fits_each_day_around_a_maintenance_dose(days, kind):
    assert fitting("maintenance", "due", days) == ([kind] if kind else [])


@pytest.mark.parametrize(
    ("days", "kind"),
    [(-14, None), (-13, "second-visit"), (2, "second-visit"), (3, "overdue-1"), (69, "overdue-3")],
)
def test_the_second_part_of_the_first_dose_has_its_own_first_mail(days, kind):
    assert fitting("initial-2", "due", days) == ([kind] if kind else [])


def test_nothing_asks_for_the_very_first_infusion():
    assert not any(fitting("initial-1", "due", days) for days in range(-100, 100))


@pytest.mark.parametrize(
    ("days", "kinds"), [(-8, []), (-7, ["prepare"]), (-2, ["prepare"]), (-1, ["day-before"])]
)
def test_a_visit_is_prepared_in_the_week_before(days, kinds):
    assert fitting("maintenance", "visit", days) == kinds


def test_nothing_is_said_on_the_day_of_the_visit():
    assert fitting("maintenance", "visit", 0) == []


def test_the_window_opens_and_closes_by_the_wall_clock():
    found = rules.fit(
        rules.RULES["book-2"], anchor_on=DUE, now=noon(DUE - _days(30)), zone=NEW_YORK
    )
    assert found == rules.Fit("book-2", DUE, utc(2026, 8, 19, 13), utc(2026, 9, 8, 21))


def test_on_its_first_morning_a_reminder_is_known_before_it_may_go():
    first = DUE - _days(42)
    before_nine = rules.local_moment(first, 1, NEW_YORK)
    found = rules.fit(rules.RULES["book-2"], anchor_on=DUE, now=before_nine, zone=NEW_YORK)
    assert found
    assert found.not_before == rules.local_moment(first, 9, NEW_YORK)


def test_after_five_on_the_last_day_it_is_over():
    five = rules.local_moment(DUE - _days(22), 17, NEW_YORK)
    rule = rules.RULES["book-2"]
    assert rules.fit(rule, anchor_on=DUE, now=five - _seconds(1), zone=NEW_YORK)
    assert not rules.fit(rule, anchor_on=DUE, now=five, zone=NEW_YORK)


class TestOldRecords:
    """The note about an infusion."""

    def fit(self, *, given: int = 0, now: dt.timedelta = dt.timedelta()) -> rules.Fit | None:
        recorded_at = utc(2026, 9, 30, 20)
        return rules.fit_recorded(
            given_on=DUE - _days(given),
            recorded_on=DUE,
            recorded_at=recorded_at,
            undo_for=UNDO,
            now=recorded_at + now,
        )

    def test_it_waits_until_nobody_can_undo(self):
        expected = rules.Fit("recorded", DUE, utc(2026, 9, 30, 20, 15), utc(2026, 10, 3, 20))
        assert self.fit() == expected

    def test_three_days_later_it_is_of_no_use(self):
        assert self.fit(now=_days(3) - _seconds(1))
        assert not self.fit(now=_days(3))

    def test_history_typed_in_later_sends_nothing(self):
        assert self.fit(given=3)
        assert not self.fit(given=4)


def test_word_of_a_moved_date_waits_as_long_and_is_of_use_as_long():
    moved_at = utc(2026, 9, 30, 20)
    about = {"due_on": DUE, "moved_at": moved_at, "undo_for": UNDO}
    expected = rules.Fit("date-moved", DUE, utc(2026, 9, 30, 20, 15), utc(2026, 10, 3, 20))
    assert rules.fit_moved(**about, now=moved_at + _days(3) - _seconds(1)) == expected
    assert not rules.fit_moved(**about, now=moved_at + _days(3))


class TestNewsOfAVisit:
    """Booked, moved, cancelled: told while it is of use, and not before a slip can be mended."""

    BOOKED_AT = utc(2026, 9, 10, 20)

    def fit_booked(self, *, visit_in: int = 30, now: dt.datetime = BOOKED_AT, zone=NEW_YORK):
        return rules.fit_booked(
            visit_on=dt.date(2026, 9, 10) + _days(visit_in),
            booked_at=self.BOOKED_AT,
            undo_for=UNDO,
            now=now,
            zone=zone,
        )

    def test_a_booking_is_told_once_it_can_no_longer_be_undone(self):
        expected = rules.Fit(
            "booked", dt.date(2026, 10, 10), utc(2026, 9, 10, 20, 15), utc(2026, 9, 13, 20)
        )
        assert self.fit_booked() == expected

    def test_three_days_later_it_is_no_news(self):
        assert self.fit_booked(now=self.BOOKED_AT + _days(3) - _seconds(1))
        assert not self.fit_booked(now=self.BOOKED_AT + _days(3))

    def test_two_days_before_the_visit_it_is_over_by_the_recipients_clock(self):
        found = self.fit_booked(visit_in=3, zone=ZoneInfo("America/Los_Angeles"))
        assert found
        assert found.not_after == utc(2026, 9, 12, 0)  # 5 p.m. on the 11th

    @pytest.mark.parametrize("visit_in", [0, 1, 2])
    def test_what_the_mail_of_the_day_before_will_say_is_not_said_now(self, visit_in):
        evening = self.BOOKED_AT + dt.timedelta(hours=1, seconds=1)  # after five in New York
        assert not self.fit_booked(visit_in=visit_in, now=evening)

    def fit_news(self, *, until: dt.timedelta) -> rules.Fit | None:
        now = utc(2026, 9, 30, 20)
        return rules.fit_visit_news(
            "changed", visit_on=DUE, until=now + until, undo_for=UNDO, now=now
        )

    def test_a_change_waits_for_a_slip_to_be_mended(self):
        assert self.fit_news(until=_days(1)) == rules.Fit(
            "changed", DUE, utc(2026, 9, 30, 20, 15), utc(2026, 10, 1, 20)
        )

    def test_with_less_time_than_that_it_goes_at_once(self):
        found = self.fit_news(until=UNDO)
        assert found
        assert found.not_before == utc(2026, 9, 30, 20)

    def test_once_the_time_has_come_it_is_of_no_use(self):
        assert self.fit_news(until=_seconds(1))
        assert not self.fit_news(until=_days(0))


@pytest.mark.parametrize(
    ("kind", "visit_in", "day"),
    [
        ("book-1", None, dt.date(2026, 9, 30)),
        ("day-before", None, None),
        ("digest", None, None),
        ("cancelled", None, dt.date(2026, 9, 30)),
        ("changed", _days(2), dt.date(2026, 9, 30)),
        ("changed", _days(2) - _seconds(1), None),
        ("cancelled", _seconds(1), None),
        ("prepare", _days(1), dt.date(2026, 9, 30)),
    ],
)
def test_which_day_of_its_recipient_a_mail_takes_up(kind, visit_in, day):
    moment = utc(2026, 10, 1, 3)  # 11 p.m. on the day before in New York
    visit_at = visit_in and moment + visit_in
    assert rules.day_of(kind, moment, NEW_YORK, visit_at=visit_at) == day


@pytest.mark.parametrize(("kind", "opens"), [("book-1", 9), ("day-before", 10), ("digest", 7)])
def test_what_waits_for_the_next_day_goes_when_its_hours_begin_there(kind, opens):
    eleven_at_night = utc(2026, 10, 1, 3)
    assert rules.tomorrow(kind, eleven_at_night, NEW_YORK) == _wall(2026, 10, 1, opens)


def test_what_takes_something_back_goes_before_what_asks_for_something():
    kinds = ["book-1", "helper-invite", "recorded", "date-moved", "changed", "cancelled"]
    assert sorted(kinds, key=rules.urgency) == [
        *("cancelled", "changed", "date-moved", "helper-invite"),
        *("book-1", "recorded"),
    ]


def test_a_zone_is_known_by_its_name():
    assert rules.zone_of("America/New_York") == NEW_YORK


A, B, C = (DUE + dt.timedelta(days=number) for number in range(3))


@pytest.mark.parametrize(
    ("told", "moves", "due_on", "wrong"),
    [
        (A, [(A, B)], B, True),
        (A, [(A, B), (B, C)], C, True),
        (B, [(A, B), (B, C)], C, True),
        (A, [(A, None)], None, True),
        (A, [(A, None), (None, B)], B, True),
        (None, [(A, None), (None, A)], A, True),
        (A, [(A, B), (B, A), (A, B)], B, True),
        (A, [], A, False),
        (A, [(A, B), (B, A)], A, False),
        (B, [(A, B)], B, False),
        (C, [(A, B)], B, False),  # they never heard of A
        (A, [(A, B)], C, False),  # something else moved it on from B
        (A, [(A, B), (C, A)], A, False),
        (A, [(A, B), (C, B)], B, False),  # something else moved it from B to C
        (A, [], B, False),
    ],
)
def test_a_date_was_told_wrong_if_corrections_alone_led_to_another(told, moves, due_on, wrong):
    assert rules.was_told_wrong(told, moves, due_on=due_on) == wrong


@pytest.mark.parametrize(
    ("kind", "hour", "opens"),
    [
        ("book-1", 8, (30, 9)),
        ("book-1", 9, (30, 9)),
        ("book-1", 16, (30, 16)),
        ("book-1", 17, (31, 9)),
        ("day-before", 9, (30, 10)),
        ("day-before", 19, (30, 19)),
        ("day-before", 20, (31, 10)),
        ("recorded", 3, (30, 9)),
        ("digest", 7, (30, 7)),
    ],
)
def test_mails_keep_the_hours_of_the_people_they_go_to(kind, hour, opens):
    day, opening = opens
    found = rules.next_opening(kind, _wall(2026, 8, 30, hour), NEW_YORK)
    assert found == _wall(2026, 8, day, opening)


class TestNightsThatClocksChange:
    # New York: 14 March 2027 has 23 hours, 1 November 2026 has 25.
    # Lord Howe Island moves its clock by half an hour: 4 October 2026, 4 April 2027.

    @pytest.mark.parametrize(
        ("zone", "day", "moment"),
        [
            ("America/New_York", (2027, 3, 13), (2027, 3, 13, 14)),
            ("America/New_York", (2027, 3, 14), (2027, 3, 14, 13)),
            ("America/New_York", (2026, 10, 31), (2026, 10, 31, 13)),
            ("America/New_York", (2026, 11, 1), (2026, 11, 1, 14)),
            ("Europe/Berlin", (2027, 3, 28), (2027, 3, 28, 7)),
            ("Australia/Lord_Howe", (2026, 10, 4), (2026, 10, 3, 22)),
            ("Australia/Lord_Howe", (2027, 4, 4), (2027, 4, 3, 22, 30)),
            ("Asia/Kolkata", (2026, 11, 1), (2026, 11, 1, 3, 30)),
        ],
    )
    def test_nine_oclock_stays_nine_oclock(self, zone, day, moment):
        assert rules.local_moment(dt.date(*day), 9, ZoneInfo(zone)) == utc(*moment)

    def test_the_answer_is_in_utc_whatever_the_machines_own_zone(self):
        nine = rules.local_moment(dt.date(2026, 11, 1), 9, NEW_YORK)
        assert nine.tzinfo is rules.next_opening("book-1", nine, NEW_YORK).tzinfo is dt.UTC

    def test_the_evening_before_waits_for_nine_on_the_short_day(self):
        evening = utc(2027, 3, 13, 23)  # 6 p.m. in New York
        assert rules.next_opening("book-1", evening, NEW_YORK) == utc(2027, 3, 14, 13)

    def test_the_evening_before_waits_for_nine_on_the_long_day(self):
        evening = utc(2026, 10, 31, 22)  # 6 p.m. in New York
        assert rules.next_opening("book-1", evening, NEW_YORK) == utc(2026, 11, 1, 14)

    @pytest.mark.parametrize("due", [dt.date(2027, 3, 14), dt.date(2026, 11, 1)])
    def test_a_window_that_ends_there_ends_at_five(self, due):
        rule = rules.Rule("book-3", "due", -21, 0)
        found = rules.fit(rule, anchor_on=due, now=noon(due), zone=NEW_YORK)
        assert found
        assert found.not_after.astimezone(NEW_YORK).hour == 17


def test_a_leap_day_is_a_day_like_any_other():
    due = dt.date(2028, 3, 1)
    found = rules.fit(
        rules.RULES["day-before"], anchor_on=due, now=noon(dt.date(2028, 2, 29)), zone=NEW_YORK
    )
    assert found == rules.Fit("day-before", due, utc(2028, 2, 29, 15), utc(2028, 3, 1, 1))


def test_the_range_to_look_for_is_the_range_that_fits():
    today = dt.date(2028, 2, 29)
    for rule in rules.POLICY:
        if rule.anchor == "event":
            continue
        first, last = rules.anchors_on(rule, today)
        fits = {
            days
            for days in range(-120, 120)
            if rules.fit(rule, anchor_on=today + _days(days), now=noon(today), zone=NEW_YORK)
        }
        assert fits == set(range((first - today).days, (last - today).days + 1)), rule.kind
