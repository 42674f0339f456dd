"""Recording with all its turns: parts of a dose, reactions, what was not given."""

import datetime as dt

import pytest

from schedules import actions
from schedules.models import AppointmentStatus, Course, Infusion
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
