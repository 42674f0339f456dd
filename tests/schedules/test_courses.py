"""The turns of a course: its end, a restart after a lapse, a change of regimen."""

import datetime as dt
import uuid

import pytest

from ocrevus_tracker.audit.models import Entry
from schedules import actions, worklists
from schedules.models import (
    AppointmentStatus,
    ClinicRules,
    Course,
    Hold,
    Patient,
    Restart,
    RestartChoice,
    StopReason,
)
from tests.cast import NOW, TODAY, book, days, give, make_patient

LONG_AGO = dt.date(2024, 12, 3)  # lapsed since 3 December 2025
SINGLE, SPLIT = RestartChoice.SINGLE, RestartChoice.SPLIT


@pytest.fixture
def course(ben) -> Course:
    """Given on 10 October 2025: due on 10 April 2026."""
    return ben.courses.get()


@pytest.fixture
def lapsed(harbor, rosa) -> Course:
    course = make_patient(harbor, rosa, "Lia").courses.get()
    give(course, rosa, LONG_AGO)
    return course


def stop(course: Course, actor, *, on=TODAY, reason=StopReason.OTHER, **facts) -> Course:
    return actions.stop_course(
        course=course, actor=actor, now=NOW, stopped_on=on, reason=reason, **facts
    )


def reopen(course: Course, actor) -> Course:
    return actions.reopen_course(course=course, actor=actor, now=NOW, reason="Entered by mistake")


def restart(course: Course, actor, choice=SINGLE, **facts) -> Restart:
    return actions.choose_restart(
        course=course, actor=actor, now=NOW, choice=choice, reason="Agreed", **facts
    )


def switch(course: Course, actor, code="ocrevus-sc", *, on=TODAY) -> Course:
    return actions.switch_regimen(
        course=course, actor=actor, now=NOW, code=code, switched_on=on, reason="Asked for"
    )


def stored(course: Course) -> tuple:
    course = Course.objects.get(pk=course.pk)
    return course.next_step, course.next_dose_mg, course.next_earliest_on, course.next_due_on


class TestStopping:
    def test_it_keeps_why_and_cancels_what_is_booked(self, course, rosa):
        visit = book(course, rosa, TODAY + days(29))
        stop(course, rosa, reason=StopReason.MOVED, note="To Hill Clinic")
        visit.refresh_from_db()
        course.refresh_from_db()
        assert visit.status == AppointmentStatus.CANCELLED
        assert (course.stopped_on, course.stop_reason) == (TODAY, "moved")
        assert (course.stop_note, stored(course)) == ("To Hill Clinic", ("", None, None, None))
        assert Entry.objects.get(act="stop course").reason == "moved"

    @pytest.mark.parametrize(
        ("on", "words"),
        [
            (TODAY + days(1), "today or in the past"),
            (dt.date(2025, 10, 9), "recorded after this date"),
        ],
    )
    def test_a_day_that_cannot_be_is_refused(self, course, rosa, on, words):
        with pytest.raises(actions.UnableToChangeCourse, match=words):
            stop(course, rosa, on=on)
        assert Course.objects.get(pk=course.pk).stopped_on is None

    def test_the_same_form_sent_again_changes_nothing(self, course, rosa):
        first = stop(course, rosa)
        assert stop(course, rosa).due_version == first.due_version
        assert Entry.objects.filter(act="stop course").count() == 1

    def test_another_stop_is_told_of_the_first(self, course, rosa, priya):
        stop(course, rosa, on=TODAY - days(1))
        with pytest.raises(actions.UnableToChangeCourse, match="already, on March 11, 2026"):
            stop(course, priya, reason=StopReason.PATIENT)

    def test_nobody_writes_to_the_dead(self, course, rosa):
        stop(course, rosa, reason=StopReason.DIED)
        course.patient.refresh_from_db()
        assert not course.patient.wants_reminders

    def test_other_reasons_leave_the_wish_for_mails(self, course, rosa):
        stop(course, rosa, reason=StopReason.PREGNANCY)
        course.patient.refresh_from_db()
        assert course.patient.wants_reminders

    def test_a_life_threatening_reaction_ends_it_for_good(self, course, rosa, priya):
        visit = book(course, rosa, TODAY + days(29))
        actions.end_for_good(course, actor=rosa, now=NOW, on=TODAY)
        visit.refresh_from_db()
        course.refresh_from_db()
        assert (course.contraindicated, course.stop_reason) == (True, "reaction")
        assert visit.status == AppointmentStatus.CANCELLED
        with pytest.raises(actions.UnableToChangeCourse, match="Only correcting the record"):
            reopen(course, priya)


class TestReopening:
    def test_the_next_dose_is_back_and_cancelled_visits_stay_so(self, course, rosa, priya):
        before = stored(course)
        visit = book(course, rosa, TODAY + days(29))
        stop(course, rosa)
        reopened = reopen(course, priya)
        visit.refresh_from_db()
        assert stored(course) == before
        assert (reopened.stop_reason, reopened.stop_note) == ("", "")
        assert visit.status == AppointmentStatus.CANCELLED
        assert Entry.objects.get(act="reopen course").reason == "Entered by mistake"

    def test_only_a_prescriber_of_the_clinic_may(self, course, rosa, nils):
        stop(course, rosa)
        for actor in (rosa, nils):
            with pytest.raises(
                actions.UnableToChangeCourse, match=r"Only a (nurse or a )?prescriber"
            ):
                reopen(course, actor)

    def test_an_open_course_is_not_reopened(self, course, priya):
        with pytest.raises(actions.UnableToChangeCourse, match="not stopped"):
            reopen(course, priya)

    def test_not_beside_another_plan(self, course, priya):
        later = switch(course, priya)
        with pytest.raises(actions.UnableToChangeCourse, match="under another plan"):
            reopen(course, priya)
        stop(later, priya)
        with pytest.raises(actions.UnableToChangeCourse, match="under another plan"):
            reopen(course, priya)


class TestRestarting:
    def test_a_single_dose_leaves_the_lapse(self, lapsed, priya, rosa):
        assert lapsed.forecast(TODAY).state == "lapsed"
        chosen = restart(lapsed, priya)
        lapsed.refresh_from_db()
        assert (chosen.chosen_by, chosen.chosen_on) == (priya, TODAY)
        assert (lapsed.forecast(TODAY).state, lapsed.lapses_on) == ("extended", None)
        give(lapsed, rosa, TODAY, now=NOW)
        assert stored(lapsed) == ("maintenance", 600, dt.date(2026, 8, 12), dt.date(2026, 9, 12))

    def test_a_split_dose_begins_anew(self, lapsed, priya, rosa):
        restart(lapsed, priya, SPLIT)
        assert stored(lapsed) == ("", None, None, None)
        give(lapsed, rosa, TODAY, 300, now=NOW)
        assert stored(lapsed) == ("initial-2", 300, TODAY + days(14), TODAY + days(14))

    def test_a_choice_not_used_yet_is_replaced(self, lapsed, priya):
        first = restart(lapsed, priya, SPLIT)
        second = restart(lapsed, priya, SINGLE)
        first.refresh_from_db()
        assert first.voided_at == NOW
        assert lapsed.restarts.filter(voided_at=None).get() == second
        assert stored(lapsed)[0] == "maintenance"

    def test_a_choice_used_long_ago_is_kept(self, lapsed, priya, rosa):
        old = restart(lapsed, priya)
        give(lapsed, rosa, TODAY, now=NOW)
        Restart.objects.filter(pk=old.pk).update(chosen_on=LONG_AGO + days(400))
        lapsed.infusions.filter(given_on=TODAY).update(given_on=LONG_AGO + days(401))
        with pytest.raises(actions.UnableToChangeCourse, match="nothing to choose"):
            restart(lapsed, priya)
        assert Restart.objects.get().voided_at is None

    def test_the_same_form_chooses_once(self, lapsed, priya):
        key = uuid.uuid4()
        assert restart(lapsed, priya, entry_key=key) == restart(lapsed, priya, entry_key=key)
        assert Restart.objects.count() == 1

    def test_only_a_prescriber_chooses(self, lapsed, rosa):
        with pytest.raises(actions.UnableToChangeCourse, match="Only a prescriber"):
            restart(lapsed, rosa)

    def test_only_after_a_lapse(self, course, priya):
        with pytest.raises(actions.UnableToChangeCourse, match="nothing to choose"):
            restart(course, priya)

    @pytest.mark.parametrize(("reason", "words"), [("infection", "hold"), ("pregnancy", "pause")])
    def test_not_during_a_hold(self, lapsed, priya, reason, words):
        Hold.objects.create(
            course=lapsed, reason=reason, starts_on=TODAY, recorded_by=priya, recorded_at=NOW
        )
        with pytest.raises(actions.UnableToChangeCourse, match=f"on {words}"):
            restart(lapsed, priya)

    def test_not_after_the_end(self, lapsed, priya):
        stop(lapsed, priya)
        with pytest.raises(actions.UnableToChangeCourse, match="are stopped"):
            restart(lapsed, priya)

    def test_a_first_dose_without_parts_is_not_split(self, harbor, rosa, priya):
        course = make_patient(harbor, rosa, regimen_code="ocrevus-sc").courses.get()
        give(course, rosa, LONG_AGO, 920)
        with pytest.raises(actions.UnableToChangeCourse, match="never given in parts"):
            restart(course, priya, SPLIT)


class TestSwitching:
    def test_the_clock_is_kept(self, course, priya):
        later = switch(course, priya)
        course.refresh_from_db()
        assert (course.stopped_on, course.stop_reason) == (TODAY, "switched")
        assert (later.continues, later.started_on) == (course, course.started_on)
        assert stored(later) == ("maintenance", 920, dt.date(2026, 3, 10), dt.date(2026, 4, 10))
        assert course.patient.course == later
        assert Entry.objects.get(act="switch regimen").reason == "Asked for"

    def test_visits_and_holds_go_with_it(self, course, rosa, priya):
        visit = book(course, rosa, TODAY + days(29))
        hold, over = (
            Hold.objects.create(
                course=course,
                reason="infection",
                starts_on=TODAY - days(9),
                ends_on=end,
                recorded_by=rosa,
                recorded_at=NOW,
            )
            for end in (None, TODAY - days(2))
        )
        later = switch(course, priya)
        for row in (visit, hold, over):
            row.refresh_from_db()
        assert (visit.course, visit.status) == (later, AppointmentStatus.BOOKED)
        assert (hold.course, over.course) == (later, later)

    def test_whoever_had_the_page_open_acts_on_the_plan_that_goes_on(self, course, rosa, priya):
        visit = book(course, rosa, TODAY + days(29))
        hold = actions.start_hold(
            course=course, actor=rosa, now=NOW, reason="infection", starts_on=TODAY
        )
        later = switch(course, priya)
        facts = {"actor": rosa, "now": NOW}
        actions.release_hold(hold=hold, ends_on=TODAY + days(1), **facts)
        actions.void_hold(hold=hold, reason="Another patient", **facts)
        moved = actions.move_visit(visit=visit, starts_at=visit.starts_at + days(1), **facts)
        version = Course.objects.get(pk=later.pk).due_version
        actions.cancel_visit(visit=moved, **facts)
        assert Course.objects.get(pk=later.pk).due_version == version + 1

    @pytest.mark.parametrize("verb", [stop, switch])
    def test_a_plan_does_not_end_before_it_began(self, course, priya, verb):
        later = switch(course, priya)
        more = {"code": "ocrevus-iv"} if verb is switch else {}
        with pytest.raises(actions.UnableToChangeCourse, match="plan began on March 12, 2026"):
            verb(later, priya, on=TODAY - days(1), **more)
        assert verb(later, priya, on=TODAY, **more)

    def test_a_reaction_under_the_plan_before_ends_the_one_that_took_over(self, course, priya):
        later = switch(course, priya)
        infusion = course.infusions.get()
        actions.correct_infusion(
            infusion=infusion,
            actor=priya,
            now=NOW,
            revision=infusion.revision,
            reason="Told today",
            reaction="life-threatening",
        )
        ended = Patient.objects.get(pk=course.patient_id).course
        assert (ended, ended.stopped_on, ended.contraindicated) == (later, TODAY, True)

    def test_the_next_dose_is_counted_from_the_switch_on(self, course, rosa, priya):
        later = switch(course, priya)
        give(later, rosa, TODAY, 920, now=NOW)
        assert stored(later)[3] == dt.date(2026, 9, 12)
        assert Course.objects.get(pk=later.pk).started_on == course.started_on

    def test_there_and_back(self, course, rosa, priya):
        later = switch(switch(course, priya), priya, "ocrevus-iv")
        assert stored(later) == ("maintenance", 600, dt.date(2026, 3, 10), dt.date(2026, 4, 10))
        assert [one.regimen_code for one in later.line] == [
            "ocrevus-iv",
            "ocrevus-sc",
            "ocrevus-iv",
        ]

    def test_the_same_form_sent_again_changes_nothing(self, course, priya):
        later = switch(course, priya)
        assert switch(course, priya) == later == switch(later, priya)
        assert Course.objects.filter(patient=course.patient).count() == 2

    def test_only_a_prescriber_switches(self, course, rosa):
        with pytest.raises(actions.UnableToChangeCourse, match="Only a prescriber"):
            switch(course, rosa)

    @pytest.mark.parametrize(
        ("code", "words"), [("briumvi", "same medicine"), ("ocrevus-iv", "same medicine")]
    )
    def test_only_to_another_plan_of_the_same_drug(self, course, priya, code, words):
        with pytest.raises(actions.UnableToChangeCourse, match=words):
            switch(course, priya, code)

    def test_only_to_what_the_clinic_uses(self, course, priya):
        ClinicRules.objects.create(clinic=course.patient.clinic, regimens=["ocrevus-iv"])
        with pytest.raises(actions.UnableToChangeCourse, match="does not use"):
            switch(course, priya)

    @pytest.mark.parametrize(
        ("disposition", "words"),
        [("", "Decide first"), ("complete-remainder", "rest of the last infusion")],
    )
    def test_not_in_the_middle_of_a_dose(self, course, rosa, priya, disposition, words):
        give(course, rosa, TODAY, 250, now=NOW, outcome="partial", disposition=disposition)
        with pytest.raises(actions.UnableToChangeCourse, match=words):
            switch(course, priya)

    def test_not_in_the_middle_of_the_first_dose(self, harbor, rosa, priya):
        course = make_patient(harbor, rosa, "Abe").courses.get()
        give(course, rosa, TODAY - days(3), 300)
        with pytest.raises(actions.UnableToChangeCourse, match="half given"):
            switch(course, priya)

    @pytest.mark.parametrize(
        ("on", "words"),
        [(TODAY + days(1), "today or in"), (dt.date(2025, 10, 9), "recorded after")],
    )
    def test_a_day_that_cannot_be_is_refused(self, course, priya, on, words):
        with pytest.raises(actions.UnableToChangeCourse, match=words):
            switch(course, priya, on=on)

    def test_a_plan_not_begun_keeps_its_order(self, harbor, rosa, priya):
        ordered = TODAY + days(20)
        course = make_patient(harbor, rosa, "Abe", ordered_for=ordered).courses.get()
        assert stored(switch(course, priya)) == ("initial-1", 920, ordered, ordered)

    def test_a_dose_put_right_before_the_switch_moves_the_date_after_it(self, course, rosa, priya):
        give(course, rosa, TODAY - days(2), 250, now=NOW, outcome="partial", disposition="repeat")
        later = switch(course, priya)
        partial = course.infusions.get(outcome="partial")
        partial.disposition = ""
        partial.save()
        found = actions.decide_partial(
            infusion=partial, actor=priya, now=NOW, disposition="count-as-given"
        )
        assert found.next is not None
        assert found.next.due == stored(later)[3] == dt.date(2026, 9, 10)

    def test_a_dose_entered_late_is_seen_under_the_plan_of_its_day(self, course, priya):
        later = switch(course, priya)
        assert later.at(TODAY - days(1)) == course
        assert later.at(TODAY) == later


class TestPreviousTreatment:
    def note(self, course, actor, drug="natalizumab", last_on=TODAY) -> Course:
        return actions.note_previous_treatment(
            course=course, actor=actor, now=NOW, drug=drug, last_on=last_on
        )

    def test_it_is_kept_and_taken_back(self, course, rosa):
        self.note(course, rosa)
        course.refresh_from_db()
        assert (course.previous_drug, course.previous_last_on) == ("natalizumab", TODAY)
        self.note(course, rosa)  # the same form again
        assert Entry.objects.filter(act="note previous treatment").count() == 1
        self.note(course, rosa, "", TODAY)
        course.refresh_from_db()
        assert (course.previous_drug, course.previous_last_on) == ("", None)

    @pytest.mark.parametrize(
        ("drug", "last_on", "words"),
        [
            ("aspirin", TODAY, "from the list"),
            ("natalizumab", None, "date of its last dose"),
            ("other", TODAY + days(1), "today or in the past"),
        ],
    )
    def test_what_cannot_be_is_refused(self, course, rosa, drug, last_on, words):
        with pytest.raises(actions.UnableToChangeCourse, match=words):
            self.note(course, rosa, drug, last_on)


class TestWorkLists:
    def lists_of(self, course: Course) -> set[str]:
        clinics = [course.patient.clinic]
        return {
            name
            for name in ("today", "late", "due", "check")
            if worklists.courses_on(name, clinics, NOW).filter(pk=course.pk).exists()
        }

    def test_who_lapsed_waits_for_a_choice(self, lapsed, priya):
        assert self.lists_of(lapsed) == {"late", "check"}
        clinics = [lapsed.patient.clinic]
        row = worklists.page_of("check", clinics, NOW, count=1, number=None)[0]
        assert row.word == "Choose how to restart"
        restart(lapsed, priya, SINGLE)
        assert self.lists_of(lapsed) == {"late"}

    def test_whose_first_dose_is_split_again_is_to_be_booked(self, lapsed, priya, rosa):
        restart(lapsed, priya, SPLIT)
        assert self.lists_of(lapsed) == {"due"}
        give(lapsed, rosa, TODAY, 300, now=NOW)
        assert self.lists_of(lapsed) == {"due"}  # for its second part

    @pytest.mark.parametrize("reason", [StopReason.DIED, StopReason.MOVED])
    def test_who_left_is_on_no_list(self, lapsed, rosa, reason):
        stop(lapsed, rosa, reason=reason)
        assert self.lists_of(lapsed) == set()

    def test_who_waits_on_hold_is_not_asked_for(self, lapsed, priya):
        Hold.objects.create(
            course=lapsed,
            reason="infection",
            starts_on=TODAY,
            review_on=TODAY + days(9),
            recorded_by=priya,
            recorded_at=NOW,
        )
        assert self.lists_of(lapsed) == set()
