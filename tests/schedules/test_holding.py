"""Holds and pauses: what they keep from happening, and the dates they lead to (R10)."""

import datetime as dt
import uuid

import pytest

from ocrevus_tracker.audit.models import Entry
from schedules import actions
from schedules.models import Course, Hold, HoldReason
from tests.cast import NOW, TODAY, book, days, give

DUE = dt.date(2026, 4, 10)


def hold(course, actor, starts_on=TODAY, ends_on=None, *, now=NOW, **facts) -> Hold:
    reason = facts.pop("reason", HoldReason.INFECTION)
    return actions.start_hold(
        course=course,
        actor=actor,
        now=now,
        reason=reason,
        starts_on=starts_on,
        ends_on=ends_on,
        **facts,
    )


def change(one: Hold, actor, **changes) -> Hold:
    """The hold's form with some answers changed."""
    names = ("revision", "starts_on", "ends_on", "review_on", "note")
    asked = {name: getattr(one, name) for name in names} | {"now": NOW} | changes
    return actions.change_hold(hold=one, actor=actor, **asked)


def release(one: Hold, actor, ends_on=TODAY) -> Hold:
    return actions.release_hold(hold=one, actor=actor, now=NOW, ends_on=ends_on)


def void(one: Hold, actor) -> Hold:
    return actions.void_hold(hold=one, actor=actor, now=NOW, reason="Another patient")


def forecast(course, today=TODAY):
    return Course.objects.with_history().get(pk=course.pk).forecast(today)


def acts() -> list[str]:
    return list(Entry.objects.filter(act__contains="hold").values_list("act", flat=True))


@pytest.fixture
def course(ben) -> Course:
    """Due on April 10, 2026, and not before March 10; lapses on October 10."""
    return ben.course


class TestDates:
    """R10 and R9: the due date never moves, what can be planned does."""

    @pytest.mark.parametrize(
        ("ends_on", "projected"),
        [
            (dt.date(2026, 4, 1), [(2026, 4, 10), (2026, 10, 10), (2027, 4, 10)]),
            (DUE, [(2026, 4, 10), (2026, 10, 10), (2027, 4, 10)]),
            (dt.date(2026, 4, 11), [(2026, 4, 11), (2026, 10, 11), (2027, 4, 11)]),
            (dt.date(2026, 5, 31), [(2026, 5, 31), (2026, 11, 30), (2027, 5, 31)]),
            (dt.date(2026, 10, 9), [(2026, 10, 9), (2027, 4, 9), (2027, 10, 9)]),
            (dt.date(2026, 10, 10), []),  # a year after the last infusion: the course lapses
            (None, []),
        ],
    )
    def test_only_what_is_planned_moves_with_the_end(self, course, rosa, ends_on, projected):
        hold(course, rosa, ends_on=ends_on)
        found = forecast(course)
        assert (found.state, found.next.due) == ("on_hold", DUE)
        assert found.projected == tuple(dt.date(*day) for day in projected)
        course.refresh_from_db()
        assert course.next_due_on == DUE

    def test_a_pregnancy_makes_it_a_pause(self, course, rosa):
        paused = hold(course, rosa, reason=HoldReason.PREGNANCY)
        assert paused.is_pause
        assert forecast(course).state == "paused"

    def test_the_day_of_the_end_is_a_day_like_any_other(self, course, rosa):
        hold(course, rosa, ends_on=TODAY + days(3))
        assert forecast(course, TODAY + days(2)).state == "on_hold"
        assert forecast(course, TODAY + days(3)).state == "eligible"

    def test_past_due_days_stay_visible(self, course, rosa):
        hold(course, rosa)
        assert forecast(course, DUE + days(9)).days_past_due == 9


class TestStart:
    def test_a_hold_is_kept_with_who_and_when(self, course, rosa):
        made = hold(course, rosa, review_on=TODAY + days(14), note="Antibiotics until Monday")
        made.refresh_from_db()
        assert (made.recorded_by, made.recorded_at) == (rosa, NOW)
        assert (made.starts_on, made.ends_on, made.review_on) == (TODAY, None, TODAY + days(14))
        assert acts() == ["start hold"]

    def test_reminders_planned_before_are_void(self, course, rosa):
        before = course.due_version
        hold(course, rosa)
        course.refresh_from_db()
        assert course.due_version == before + 1

    def test_the_same_form_twice_makes_one(self, course, rosa):
        key = uuid.uuid4()
        first, second = (hold(course, rosa, entry_key=key) for _ in range(2))
        assert first == second
        assert acts() == ["start hold"]

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"ends_on": TODAY}, "must be after the first day on hold"),
            ({"ends_on": TODAY - days(1)}, "must be after the first day on hold"),
            ({"review_on": TODAY - days(1)}, "review date cannot be before"),
            ({"starts_on": dt.date(2016, 3, 11)}, "March 11, 2016 is more than 10 years away"),
            ({"ends_on": dt.date(2062, 3, 12)}, "March 12, 2062 is more than 10 years away"),
            ({"review_on": dt.date(2062, 3, 12)}, "Check the year"),
        ],
    )
    def test_dates_that_make_no_sense_are_refused(self, course, rosa, changes, words):
        with pytest.raises(actions.UnableToHold, match=words):
            hold(course, rosa, **changes)
        assert not Hold.objects.exists()

    @pytest.mark.parametrize("starts_on", [dt.date(2016, 3, 12), dt.date(2036, 3, 12)])
    def test_past_and_future_are_fine(self, course, rosa, starts_on):
        assert hold(course, rosa, starts_on).pk

    def test_a_stopped_course_needs_no_hold(self, course, rosa):
        Course.objects.filter(pk=course.pk).update(stopped_on=TODAY)
        with pytest.raises(actions.UnableToHold, match="Infusions are stopped"):
            hold(course, rosa)

    @pytest.mark.parametrize("starts_on", [TODAY - days(30), TODAY, TODAY + days(30)])
    def test_a_second_hold_for_the_same_reason_is_refused(self, course, rosa, starts_on):
        hold(course, rosa)
        with pytest.raises(actions.UnableToHold, match="from March 12, 2026"):
            hold(course, rosa, starts_on)

    def test_holds_that_share_no_day_are_two(self, course, rosa):
        hold(course, rosa, ends_on=TODAY + days(5))
        assert hold(course, rosa, TODAY + days(5)).pk
        assert hold(course, rosa, TODAY - days(5), TODAY).pk

    def test_another_reason_is_another_hold(self, course, rosa):
        hold(course, rosa)
        assert hold(course, rosa, reason=HoldReason.VACCINE).pk
        assert hold(course, rosa, reason=HoldReason.OTHER, note="Travels").pk
        assert hold(course, rosa, reason=HoldReason.OTHER, note="Surgery").pk

    @pytest.mark.parametrize("taken_back", [void, release])
    def test_what_holds_no_more_is_in_nobodys_way(self, course, rosa, taken_back):
        taken_back(hold(course, rosa), rosa)
        assert hold(course, rosa, TODAY - days(1)).pk

    def test_other_patients_holds_are_theirs(self, course, carla, rosa):
        hold(carla.course, rosa)
        assert hold(course, rosa).pk

    def test_an_infusion_given_all_the_same_is_recorded(self, course, rosa):
        hold(course, rosa)
        assert give(course, rosa, TODAY, now=NOW).created


class TestChange:
    def test_dates_and_note_are_put_right(self, course, rosa, priya):
        changed = change(hold(course, rosa), priya, ends_on=DUE, note="Second course of tablets")
        changed.refresh_from_db()
        assert (changed.ends_on, changed.note) == (DUE, "Second course of tablets")
        assert acts() == ["start hold", "change hold"]

    def test_the_second_to_change_it_is_told_who_was_first(self, course, rosa, priya):
        opened = hold(course, rosa)
        change(opened, priya, ends_on=DUE)
        with pytest.raises(actions.HoldChangedMeanwhile) as refusal:
            change(opened, rosa, review_on=DUE)
        told = "Priya changed this at 11:00 a.m. Check that version, then save yours."
        assert str(refusal.value).startswith(told)
        opened.refresh_from_db()
        assert opened.review_on is None

    def test_the_same_form_twice_changes_once(self, course, rosa):
        opened = hold(course, rosa)
        for _ in range(2):
            change(opened, rosa, ends_on=DUE)
        assert acts() == ["start hold", "change hold"]

    def test_it_may_not_become_what_could_not_be_entered(self, course, rosa):
        hold(course, rosa, ends_on=TODAY + days(5))
        later = hold(course, rosa, TODAY + days(5))
        with pytest.raises(actions.UnableToHold, match="for this reason already"):
            change(later, rosa, starts_on=TODAY)
        with pytest.raises(actions.UnableToHold, match="must be after"):
            change(later, rosa, ends_on=TODAY)

    def test_a_mistake_is_not_changed(self, course, rosa):
        taken_back = void(hold(course, rosa), rosa)
        with pytest.raises(actions.UnableToHold, match="entered by mistake"):
            change(taken_back, rosa, note="x")


class TestRelease:
    @pytest.mark.parametrize("ahead", [-5, 0, 5])
    def test_infusions_are_allowed_from_that_day(self, course, rosa, priya, ahead):
        released = release(hold(course, rosa, TODAY - days(9)), priya, TODAY + days(ahead))
        released.refresh_from_db()
        assert (released.ends_on, released.released_by) == (TODAY + days(ahead), priya)
        assert forecast(course, TODAY + days(ahead)).state != "on_hold"
        assert acts() == ["start hold", "release hold"]

    def test_a_hold_with_an_expected_end_ends_earlier(self, course, rosa):
        assert release(hold(course, rosa, ends_on=DUE), rosa).ends_on == TODAY

    def test_the_same_form_twice_releases_once(self, course, rosa):
        opened = hold(course, rosa)
        for _ in range(2):
            release(opened, rosa)
        assert acts() == ["start hold", "release hold"]

    def test_released_is_released(self, course, rosa):
        opened = release(hold(course, rosa), rosa)
        with pytest.raises(actions.UnableToHold, match="released already"):
            release(opened, rosa, DUE)

    @pytest.mark.parametrize(
        ("ends_on", "words"),
        [(TODAY - days(1), "cannot be before the hold began"), (dt.date(2062, 1, 1), "the year")],
    )
    def test_not_before_it_began_and_not_in_another_life(self, course, rosa, ends_on, words):
        with pytest.raises(actions.UnableToHold, match=words):
            release(hold(course, rosa), rosa, ends_on)

    def test_a_mistake_is_not_released(self, course, rosa):
        with pytest.raises(actions.UnableToHold, match="entered by mistake"):
            release(void(hold(course, rosa), rosa), rosa)


class TestVoid:
    def test_it_stays_and_holds_nothing(self, course, rosa):
        taken_back = void(hold(course, rosa), rosa)
        taken_back.refresh_from_db()
        assert taken_back.voided_at == NOW
        assert forecast(course).state == "eligible"
        entry = Entry.objects.get(act="void hold")
        assert (entry.actor, entry.reason) == (rosa, "Another patient")

    def test_twice_is_once(self, course, rosa):
        opened = hold(course, rosa)
        for _ in range(2):
            void(opened, rosa)
        assert acts() == ["start hold", "void hold"]


class TestBooking:
    """R17: a hold keeps a visit from being booked."""

    @pytest.mark.parametrize(
        ("starts_on", "reason", "words"),
        [
            (TODAY, "infection", "on hold since March 12, 2026. Release the hold first."),
            (TODAY, "pregnancy", "on pause since March 12, 2026. End the pause first."),
            (DUE, "vaccine", "on hold from April 10, 2026. Choose a day before that."),
            (DUE, "pregnancy", "on pause from April 10, 2026. Choose a day before that."),
        ],
    )
    def test_nobody_books_into_a_hold_without_an_end(self, course, priya, starts_on, reason, words):
        hold(course, priya, starts_on, reason=reason)
        with pytest.raises(actions.UnableToBook, match=words):
            book(course, priya, DUE, reason="Agreed by phone")

    def test_before_it_begins_a_visit_is_fine(self, course, rosa):
        hold(course, rosa, DUE)
        assert book(course, rosa, DUE - days(1)).pk

    @pytest.mark.parametrize(
        ("reason", "words"),
        [("infection", "on hold until April 20, 2026"), ("pregnancy", "on pause until April 20")],
    )
    def test_into_a_hold_that_ends_a_prescriber_books_with_a_reason(
        self, course, rosa, priya, reason, words
    ):
        hold(course, rosa, ends_on=dt.date(2026, 4, 20), reason=reason)
        for actor, why in ((rosa, "Agreed by phone"), (priya, "")):
            with pytest.raises(actions.UnableToBook, match=words):
                book(course, actor, dt.date(2026, 4, 19), reason=why)
        assert book(course, priya, dt.date(2026, 4, 19), reason="Agreed by phone").pk

    def test_from_the_end_on_anybody_books(self, course, rosa):
        hold(course, rosa, ends_on=DUE)
        assert book(course, rosa, DUE).pk

    def test_of_two_holds_the_open_one_counts(self, course, priya):
        hold(course, priya, ends_on=DUE + days(9))
        hold(course, priya, reason=HoldReason.VACCINE)
        with pytest.raises(actions.UnableToBook, match="Release the hold first"):
            book(course, priya, DUE, reason="Agreed by phone")

    def test_a_visit_is_not_moved_into_it_either(self, course, rosa):
        visit = book(course, rosa, DUE)
        hold(course, rosa, DUE + days(1))
        later = visit.starts_at + days(3)
        with pytest.raises(actions.UnableToBook, match="on hold from"):
            actions.move_visit(visit=visit, actor=rosa, now=NOW, starts_at=later)

    def test_visits_booked_before_stay(self, course, rosa):
        visit = book(course, rosa, DUE)
        hold(course, rosa)
        visit.refresh_from_db()
        assert visit.status == "booked"
