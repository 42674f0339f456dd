"""Recording with all its turns: parts of a dose, reactions, what was not given."""

import datetime as dt
import uuid

import pytest

from ocrevus_tracker.audit.models import Entry
from schedules import actions
from schedules.models import Appointment, AppointmentStatus, Course, Infusion, StopReason
from tests.cast import NOW, TODAY, book, days, give

PART = {"outcome": "partial", "disposition": "complete-remainder"}


@pytest.fixture
def course(ben) -> Course:
    """Due on April 10, 2026."""
    return ben.course


def due(course: Course) -> dt.date | None:
    course.refresh_from_db()
    return course.next_due_on


class TestNotGiven:
    def not_given(self, course, rosa, **facts) -> actions.Recorded:
        return give(course, rosa, TODAY, 0, now=NOW, outcome="not-done", **facts)

    def test_the_date_stays_and_the_history_too(self, course, rosa):
        recorded = self.not_given(course, rosa)
        assert due(course) == dt.date(2026, 4, 10)
        assert recorded.infusion not in course.infusions.counting()

    def test_only_the_visit_of_that_day_is_off(self, course, rosa):
        that_day, later = (book(course, rosa, TODAY + days(ahead)) for ahead in (0, 29))
        self.not_given(course, rosa)
        for visit, status in ((that_day, "cancelled"), (later, "booked")):
            visit.refresh_from_db()
            assert visit.status == status

    def test_undone_the_visit_is_booked_again(self, course, rosa):
        visit = book(course, rosa, TODAY)
        recorded = self.not_given(course, rosa)
        actions.undo_infusion(infusion=recorded.infusion, actor=rosa, now=NOW)
        visit.refresh_from_db()
        assert visit.status == AppointmentStatus.BOOKED

    def test_given_after_all_on_the_same_day_is_recorded(self, course, rosa):
        self.not_given(course, rosa)
        assert give(course, rosa, TODAY, now=NOW).created

    def test_it_is_said_once(self, course, rosa):
        self.not_given(course, rosa)
        with pytest.raises(actions.UnableToRecordInfusion, match="recorded already that no"):
            self.not_given(course, rosa)

    def test_not_where_one_was_given(self, course, rosa):
        give(course, rosa, TODAY, now=NOW)
        with pytest.raises(actions.UnableToRecordInfusion, match="An infusion is already recorded"):
            self.not_given(course, rosa)

    def test_there_is_no_dose_and_no_reaction(self, course, rosa):
        with pytest.raises(actions.UnableToRecordInfusion, match="has no dose"):
            give(course, rosa, TODAY, 600, now=NOW, outcome="not-done")
        with pytest.raises(actions.UnableToRecordInfusion, match="no reaction"):
            self.not_given(course, rosa, reaction="mild")


class TestTheRestOnAnotherDay:
    @pytest.fixture
    def part(self, course, rosa) -> Infusion:
        return give(course, rosa, TODAY - days(3), 250, now=NOW, **PART).infusion

    def test_it_counts_from_the_first_part(self, course, rosa, part):
        give(course, rosa, TODAY, 350, now=NOW, remainder=True)
        assert due(course) == dt.date(2026, 9, 9)
        assert course.next_earliest_on == dt.date(2026, 8, 12)

    def test_a_rest_without_a_part_is_refused(self, course, rosa):
        with pytest.raises(actions.UnableToRecordInfusion, match="waits for its rest"):
            give(course, rosa, TODAY, 350, now=NOW, remainder=True)

    def test_so_is_a_dose_between_the_parts(self, course, rosa, part):
        give(course, rosa, TODAY, 350, now=NOW, remainder=True)
        with pytest.raises(actions.UnableToRecordInfusion, match="between them"):
            give(course, rosa, TODAY - days(1), 600, now=NOW)

    def test_the_first_part_cannot_be_undone_alone(self, course, rosa, part):
        give(course, rosa, TODAY, 350, now=NOW, remainder=True)
        with pytest.raises(actions.UnableToUndo, match="must follow its first part"):
            actions.undo_infusion(infusion=part, actor=rosa, now=NOW)
        part.refresh_from_db()
        assert part.voided_at is None

    def test_a_third_day_is_fine(self, course, rosa, part):
        give(course, rosa, TODAY - days(1), 100, now=NOW, remainder=True, **PART)
        give(course, rosa, TODAY, 250, now=NOW, remainder=True)
        assert due(course) == dt.date(2026, 9, 9)

    @pytest.mark.parametrize("disposition", ["", "perhaps"])
    def test_a_decision_is_one_of_three(self, course, rosa, disposition):
        part = give(course, rosa, TODAY, 250, now=NOW, outcome="partial").infusion
        with pytest.raises(actions.UnableToDecide, match="Choose"):
            actions.decide_partial(infusion=part, actor=rosa, now=NOW, disposition=disposition)


class TestTheShortInfusion:
    def test_it_is_for_maintenance_only(self, ana, carla, rosa):
        for course in (ana.course, carla.course):
            with pytest.raises(actions.UnableToRecordInfusion, match="maintenance doses only"):
                give(course, rosa, TODAY, 300, now=NOW, rate="option-2")

    def test_it_is_recorded(self, course, rosa):
        assert give(course, rosa, TODAY, now=NOW, rate="option-2").infusion.rate == "option-2"

    @pytest.mark.parametrize("reaction", ["severe", "life-threatening"])
    def test_a_serious_reaction_bars_it(self, course, rosa, reaction):
        course.infusions.update(reaction=reaction)
        with pytest.raises(actions.UnableToRecordInfusion, match=r"October 10, 2025 bars"):
            give(course, rosa, TODAY, now=NOW, rate="option-2")

    def test_a_lesser_one_does_not(self, course, rosa):
        course.infusions.update(reaction="moderate")
        assert give(course, rosa, TODAY, now=NOW, rate="option-2").created

    def test_a_prescriber_allows_it_again(self, course, rosa, priya):
        course.infusions.update(reaction="severe")
        facts = {"course": course, "now": NOW}
        for actor, reason in ((rosa, "Tolerated since"), (priya, "")):
            with pytest.raises(actions.UnableToAllow, match="Only a prescriber"):
                actions.allow_short_infusion(actor=actor, reason=reason, **facts)
        actions.allow_short_infusion(actor=priya, reason="Tolerated since", **facts)
        assert give(course, rosa, TODAY, now=NOW, rate="option-2").created
        assert Entry.objects.get(act="allow short infusion").reason == "Tolerated since"

    def test_there_must_be_something_to_allow(self, course, priya):
        with pytest.raises(actions.UnableToAllow, match="Nothing bars"):
            actions.allow_short_infusion(course=course, actor=priya, now=NOW, reason="Because")

    def test_not_on_the_day_of_the_reaction(self, course, rosa, priya):
        give(course, rosa, TODAY, now=NOW, reaction="severe")
        with pytest.raises(actions.UnableToAllow, match="another day"):
            actions.allow_short_infusion(course=course, actor=priya, now=NOW, reason="Because")


class TestALifeThreateningReaction:
    @pytest.fixture
    def coming(self, course, rosa) -> Appointment:
        return book(course, rosa, TODAY + days(200))

    @pytest.fixture
    def recorded(self, course, rosa, coming) -> actions.Recorded:
        return give(course, rosa, TODAY, now=NOW, reaction="life-threatening")

    def test_it_ends_the_course_for_good(self, course, recorded):
        assert (course.stopped_on, course.stop_reason) == (TODAY, "reaction")
        assert course.contraindicated
        assert due(course) is None
        assert recorded.forecast.state == "discontinued"

    def test_every_visit_is_cancelled(self, coming, recorded):
        coming.refresh_from_db()
        assert coming.status == AppointmentStatus.CANCELLED
        assert recorded.cancelled == (coming,)

    def test_undone_the_course_is_open_again(self, course, rosa, coming, recorded):
        found = actions.undo_infusion(infusion=recorded.infusion, actor=rosa, now=NOW)
        coming.refresh_from_db()
        assert due(course) == dt.date(2026, 4, 10)
        assert (course.stopped_on, course.contraindicated, found.next.due) == (
            None,
            False,
            due(course),
        )
        assert coming.status == AppointmentStatus.BOOKED

    def test_undone_a_course_that_had_ended_before_stays_ended(self, course, rosa):
        actions.stop_course(
            course=course, actor=rosa, now=NOW, stopped_on=TODAY, reason=StopReason.MOVED
        )
        early = give(course, rosa, TODAY - days(1), now=NOW, reaction="life-threatening")
        actions.undo_infusion(infusion=early.infusion, actor=rosa, now=NOW)
        course.refresh_from_db()
        assert (course.stopped_on, course.stop_reason) == (TODAY, StopReason.MOVED)
        assert not course.contraindicated


class TestElsewhere:
    def told(self, course, rosa, *doses, **facts) -> actions.Recorded:
        return actions.record_elsewhere(course=course, actor=rosa, now=NOW, doses=doses, **facts)

    def test_the_last_dose_sets_the_clock(self, ana, rosa):
        recorded = self.told(ana.course, rosa, actions.Told(dt.date(2026, 1, 15), 600))
        assert recorded.infusion.elsewhere
        assert due(ana.course) == dt.date(2026, 7, 15)

    def test_so_do_the_two_first_visits(self, ana, rosa):
        days_ = (dt.date(2026, 1, 15), dt.date(2026, 1, 29))
        self.told(ana.course, rosa, *(actions.Told(day, 300) for day in days_))
        assert due(ana.course) == dt.date(2026, 7, 15)

    def test_coming_visits_stay(self, ana, rosa):
        visit = book(ana.course, rosa, TODAY + days(3))
        self.told(ana.course, rosa, actions.Told(dt.date(2026, 1, 15), 600))
        visit.refresh_from_db()
        assert visit.status == AppointmentStatus.BOOKED

    def test_the_same_form_twice_is_kept_once(self, ana, rosa):
        key = uuid.uuid4()
        told = [actions.Told(dt.date(2026, 1, day), 300) for day in (15, 29)]
        self.told(ana.course, rosa, *told, entry_key=key)
        assert not self.told(ana.course, rosa, *told, entry_key=key).created
        assert ana.course.infusions.count() == 2

    @pytest.mark.parametrize("half", [{"day_known": False}, {"ordinal_known": False}])
    def test_nothing_is_due_before_somebody_finds_out(self, ana, rosa, half):
        recorded = self.told(ana.course, rosa, actions.Told(dt.date(2026, 1, 1), 300, **half))
        assert due(ana.course) is None
        facts = {"infusion": recorded.infusion, "actor": rosa, "now": NOW}
        actions.complete_history(given_on=dt.date(2026, 1, 9), **facts)
        assert due(ana.course) == dt.date(2026, 1, 23)
        with pytest.raises(actions.UnableToDecide, match="already"):
            actions.complete_history(given_on=dt.date(2026, 1, 8), **facts)

    def test_visit_2_brings_visit_1_with_it(self, ana, rosa):
        day = dt.date(2026, 1, 29)
        told = actions.Told(day, 300, ordinal_known=False)
        facts = {"infusion": self.told(ana.course, rosa, told).infusion, "actor": rosa, "now": NOW}
        with pytest.raises(actions.UnableToDecide, match="before visit 2"):
            actions.complete_history(given_on=day, first_on=day, **facts)
        actions.complete_history(given_on=day, first_on=dt.date(2026, 1, 15), **facts)
        assert due(ana.course) == dt.date(2026, 7, 15)

    def test_the_future_is_refused(self, ana, rosa):
        with pytest.raises(actions.UnableToRecordInfusion, match="in the past"):
            self.told(ana.course, rosa, actions.Told(TODAY + days(1), 600))


def test_a_dose_entered_late_belongs_to_the_regimen_of_its_day(course, rosa, priya):
    later = actions.switch_regimen(
        course=course, actor=priya, now=NOW, code="ocrevus-sc", switched_on=TODAY, reason="Wish"
    )
    recorded = give(later, rosa, TODAY - days(2), now=NOW)
    assert recorded.infusion.course == course
    assert due(later) == dt.date(2026, 9, 10)
    actions.undo_infusion(infusion=recorded.infusion, actor=rosa, now=NOW)
    assert due(later) == dt.date(2026, 4, 10)
