"""Putting a record right: all is as if the mistake had never been made."""

import datetime as dt
import threading
import uuid

import pytest
from django.db import connection

from ocrevus_tracker.accounts.models import User
from ocrevus_tracker.audit.models import Entry
from schedules import actions
from schedules.models import (
    Appointment,
    ClinicRules,
    Correction,
    Course,
    DateMove,
    Infusion,
    Patient,
)
from tests.cast import NOW, TODAY, book, days, give

DAY = dt.date(2025, 10, 10)  # of Ben's infusion
LATER = NOW + days(1)


def correct(infusion: Infusion, actor: User, **facts) -> actions.Corrected:
    facts = {"now": LATER, "reason": "Typing mistake", "revision": infusion.revision} | facts
    return actions.correct_infusion(infusion=infusion, actor=actor, **facts)


def void(infusion: Infusion, actor: User, **facts) -> actions.Corrected:
    facts = {"now": LATER, "reason": "Wrong patient", "revision": infusion.revision} | facts
    return actions.void_infusion(infusion=infusion, actor=actor, **facts)


def stored(patient: Patient) -> dict[str, object]:
    """What the course's row says, and which visits are open."""
    course = Course.objects.get(patient=patient)
    names = ("started_on", "stopped_on", "stop_reason", "contraindicated", "next_step")
    names += ("next_dose_mg", "next_earliest_on", "next_due_on", "lapses_on", "ordered_for")
    booked = course.appointments.booked().values_list("starts_at", flat=True)
    forecast = course.forecast(LATER.date())
    return {name: getattr(course, name) for name in names} | {
        "visits": list(booked),
        "forecast": forecast,
    }


@pytest.fixture
def infusion(ben) -> Infusion:
    """600 mg, recorded on the day, October 10, 2025."""
    return ben.course.infusions.get()


class TestCorrecting:
    def test_the_next_dose_moves_with_the_date(self, infusion, rosa):
        corrected = correct(infusion, rosa, given_on=DAY - days(8))
        assert corrected.forecast.next.due == dt.date(2026, 4, 2)
        assert infusion.course.__class__.objects.get().next_due_on == dt.date(2026, 4, 2)

    def test_before_and_after_are_kept_and_only_what_differs(self, infusion, priya):
        correct(infusion, priya, given_on=DAY, dose_mg=300, lot="AB1234")
        correction = Correction.objects.get()
        assert correction.before == {"dose_mg": 600, "lot": ""}
        assert correction.after == {"dose_mg": 300, "lot": "AB1234"}
        assert (correction.corrected_by, correction.corrected_at) == (priya, LATER)

    def test_the_trail_says_who_what_and_why(self, infusion, rosa):
        correct(infusion, rosa, dose_mg=300, note="Her own words")
        entry = Entry.objects.get(act="correct infusion")
        assert (entry.actor, entry.subject) == (rosa, f"infusion {infusion.pk}")
        assert entry.reason == "Typing mistake"
        assert entry.changes == [["dose_mg", 600, 300], ["note", "", "Her own words"]]

    def test_the_same_form_twice_corrects_once(self, infusion, rosa):
        key = uuid.uuid4()
        correct(infusion, rosa, dose_mg=300, entry_key=key)
        again = correct(infusion, rosa, dose_mg=300, entry_key=key)
        assert (again.correction, Correction.objects.count()) == (None, 1)
        infusion.refresh_from_db()
        assert infusion.revision == 1

    def test_a_form_opened_for_another_record_corrects_nothing(self, infusion, carla, rosa):
        key = uuid.uuid4()
        correct(carla.course.infusions.get(), rosa, dose_mg=250, entry_key=key)
        with pytest.raises(actions.UnableToCorrect, match="another record"):
            correct(infusion, rosa, dose_mg=300, entry_key=key)

    def test_no_change_is_no_correction(self, infusion, rosa):
        with pytest.raises(actions.UnableToCorrect, match="Nothing is changed"):
            correct(infusion, rosa, dose_mg=600, lot="")

    def test_only_fields_of_the_record_are_corrected(self, infusion, rosa):
        with pytest.raises(TypeError, match="recorded_by"):
            correct(infusion, rosa, recorded_by=rosa)

    def test_a_detail_moves_nothing(self, infusion, rosa):
        version = infusion.course.due_version
        correct(infusion, rosa, lot="AB1234")
        assert Course.objects.get().due_version == version
        assert not DateMove.objects.exists()

    def test_a_day_after_it_was_recorded_can_be_right(self, ben, rosa):
        infusion = give(ben.course, rosa, TODAY, now=NOW).infusion
        correct(infusion, rosa, given_on=TODAY + days(1))
        assert Infusion.objects.latest("pk").given_on == TODAY + days(1)

    def test_what_was_decided_goes_with_a_full_dose(self, ben, rosa):
        partial = {"outcome": "partial", "disposition": "repeat"}
        infusion = give(ben.course, rosa, TODAY, 250, now=NOW, **partial).infusion
        correct(infusion, rosa, outcome="completed", dose_mg=600)
        assert Infusion.objects.latest("pk").disposition == ""

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"given_on": TODAY + days(2)}, "The date given must be today or in the past"),
            ({"given_on": TODAY}, "An infusion is already recorded for March 12, 2026"),
            ({"dose_mg": 0}, "The dose must be more than 0 mg"),
        ],
    )
    def test_what_cannot_be_recorded_cannot_be_corrected_to(
        self, ben, infusion, rosa, changes, words
    ):
        give(ben.course, rosa, TODAY, now=NOW)
        with pytest.raises(actions.UnableToCorrect, match=words):
            correct(infusion, rosa, **changes)
        assert not Correction.objects.exists()
        infusion.refresh_from_db()
        assert (infusion.given_on, infusion.dose_mg, infusion.revision) == (DAY, 600, 0)

    def test_the_first_part_stays_one_while_its_rest_is_recorded(self, ben, rosa):
        first = {"outcome": "partial", "disposition": "complete-remainder"}
        part = give(ben.course, rosa, TODAY - days(1), 250, now=NOW, **first).infusion
        give(ben.course, rosa, TODAY, 350, now=NOW, remainder=True)
        with pytest.raises(actions.UnableToCorrect, match="The rest of an infusion must follow"):
            correct(part, rosa, disposition="repeat")
        with pytest.raises(actions.UnableToCorrect, match="The rest of an infusion must follow"):
            void(part, rosa)
        assert ben.course.infusions.counting().count() == 3


class TestTheDateMoved:
    def test_from_when_to_when(self, infusion, rosa):
        corrected = correct(infusion, rosa, given_on=DAY - days(8))
        move = DateMove.objects.get()
        assert (move.from_on, move.to_on) == (dt.date(2026, 4, 10), dt.date(2026, 4, 2))
        assert (move.course, move.moved_at, move.tell_patient) == (infusion.course, LATER, True)
        assert corrected.date_moved

    def test_the_patient_need_not_be_told(self, infusion, rosa):
        correct(infusion, rosa, given_on=DAY - days(8), tell_patient=False)
        assert not DateMove.objects.get().tell_patient

    def test_a_dose_of_long_ago_moves_nothing(self, ben, infusion, rosa):
        give(ben.course, rosa, TODAY, now=NOW)
        assert not correct(infusion, rosa, given_on=DAY - days(8)).date_moved
        assert not DateMove.objects.exists()

    def test_nothing_may_be_due_any_more(self, infusion, rosa):
        correct(infusion, rosa, outcome="partial", dose_mg=250)
        assert DateMove.objects.get().to_on is None


class TestVoiding:
    def test_the_row_stays_and_leaves_every_computation(self, infusion, priya):
        void(infusion, priya)
        infusion.refresh_from_db()
        assert (infusion.voided_at, infusion.voided_by, infusion.revision) == (LATER, priya, 1)
        course = Course.objects.get()
        assert (course.started_on, course.next_due_on) == (None, None)
        assert DateMove.objects.get().from_on == dt.date(2026, 4, 10)

    def test_why_is_kept_with_it(self, infusion, rosa):
        void(infusion, rosa)
        assert Correction.objects.get().after == {"voided": True}
        assert Entry.objects.get(act="void infusion").reason.startswith("Wrong patient")

    def test_the_same_form_twice_is_one_mistake(self, infusion, rosa):
        key = uuid.uuid4()
        void(infusion, rosa, entry_key=key)
        assert void(infusion, rosa, entry_key=key).correction is None
        assert Correction.objects.count() == 1

    def test_a_mistake_is_neither_corrected_nor_voided_again(self, infusion, rosa):
        void(infusion, rosa)
        for verb in (void, correct):
            with pytest.raises(actions.UnableToCorrect, match="marked as a mistake"):
                verb(infusion, rosa)

    def test_its_day_is_free_again(self, ben, infusion, rosa):
        void(infusion, rosa)
        assert give(ben.course, rosa, DAY, now=LATER).created


class TestTwoPeople:
    def test_the_second_is_shown_the_firsts_version(self, infusion, rosa, priya):
        correct(infusion, priya, dose_mg=300)
        with pytest.raises(actions.ChangedMeanwhile) as refused:
            correct(infusion, rosa, lot="AB1234")
        assert str(refused.value) == (
            "Priya changed this at 11:00 a.m. Check that version, then save yours."
        )
        assert refused.value.infusion.dose_mg == 300

    def test_another_day_is_named(self, infusion, rosa, priya):
        correct(infusion, priya, dose_mg=300)
        with pytest.raises(actions.ChangedMeanwhile, match="on March 13, 2026 at 11:00"):
            correct(infusion, rosa, lot="AB1234", now=LATER + days(1))

    def test_a_decision_counts_as_a_change(self, ben, rosa, priya):
        infusion = give(ben.course, rosa, TODAY, 250, now=NOW, outcome="partial").infusion
        actions.decide_partial(infusion=infusion, actor=priya, now=NOW, disposition="repeat")
        with pytest.raises(actions.ChangedMeanwhile, match="Priya"):
            correct(infusion, rosa, revision=0, dose_mg=300)

    def test_saving_again_on_top_of_the_new_version_works(self, infusion, rosa, priya):
        correct(infusion, priya, dose_mg=300)
        correct(infusion, rosa, lot="AB1234", revision=1)
        infusion.refresh_from_db()
        assert (infusion.dose_mg, infusion.lot, infusion.revision) == (300, "AB1234", 2)

    def test_what_somebody_corrected_is_not_undone_unseen(self, ben, rosa, priya):
        infusion = give(ben.course, rosa, TODAY, now=NOW).infusion
        correct(infusion, priya, dose_mg=300, now=NOW)
        with pytest.raises(actions.UnableToUndo):
            actions.undo_infusion(infusion=infusion, actor=rosa, now=NOW)

    def test_what_was_undone_is_not_corrected(self, ben, rosa, priya):
        infusion = give(ben.course, rosa, TODAY, now=NOW).infusion
        actions.undo_infusion(infusion=infusion, actor=rosa, now=NOW)
        with pytest.raises(actions.UnableToCorrect, match="marked as a mistake"):
            correct(infusion, priya, dose_mg=300)


@pytest.mark.django_db(transaction=True)
def test_of_two_corrections_at_once_one_wins(infusion, rosa, priya):
    start = threading.Barrier(2)
    said: list[str] = []

    def save(nurse: User, dose_mg: int) -> None:
        start.wait(10)
        try:
            correct(infusion, nurse, dose_mg=dose_mg)
            said.append("saved")
        except actions.ChangedMeanwhile:
            said.append("shown the other one")
        finally:
            connection.close()

    threads = [threading.Thread(target=save, args=one) for one in ((rosa, 300), (priya, 450))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(said) == ["saved", "shown the other one"]
    assert Correction.objects.count() == 1


class TestLifeThreateningReactions:
    """R12: treatment ends for good, and only putting the record right takes that back."""

    def test_correcting_to_one_ends_the_course_and_its_visits(self, ben, infusion, rosa):
        book(ben.course, rosa, dt.date(2026, 4, 10))
        corrected = correct(infusion, rosa, reaction="life-threatening")
        course = Course.objects.get()
        assert (course.stopped_on, course.stop_reason) == (DAY, "reaction")
        assert (course.contraindicated, course.next_due_on) == (True, None)
        assert corrected.ended
        assert [visit.local_date for visit in corrected.cancelled] == [dt.date(2026, 4, 10)]

    def test_correcting_it_away_opens_the_course_and_its_visits_again(self, ben, infusion, rosa):
        before = stored(ben)
        book(ben.course, rosa, dt.date(2026, 4, 10))
        booked = stored(ben)
        correct(infusion, rosa, reaction="life-threatening")
        corrected = correct(infusion, rosa, reaction="severe", revision=1)
        assert stored(ben) == booked != before
        assert corrected.resumed
        assert len(corrected.reopened) == 1

    def test_voiding_it_does_too(self, ben, infusion, rosa):
        wrong = give(ben.course, rosa, TODAY, now=NOW, reaction="life-threatening").infusion
        assert Course.objects.get().contraindicated
        assert void(wrong, rosa).resumed
        assert Course.objects.get().next_due_on == dt.date(2026, 4, 10)

    def test_another_one_keeps_it_ended(self, ben, infusion, rosa):
        give(ben.course, rosa, TODAY, now=NOW, reaction="life-threatening")
        correct(infusion, rosa, reaction="life-threatening")
        correct(ben.course.infusions.latest("pk"), rosa, reaction="")
        course = Course.objects.get()
        assert (course.contraindicated, course.ended_by) == (True, infusion)

    def test_a_course_that_had_ended_otherwise_stays_ended(self, ben, infusion, priya):
        actions.stop_course(
            course=ben.course, actor=priya, now=NOW, stopped_on=TODAY, reason="moved"
        )
        correct(infusion, priya, reaction="life-threatening")
        assert Course.objects.get().contraindicated
        correct(infusion, priya, reaction="", revision=1)
        course = Course.objects.get()
        assert (course.stopped_on, course.stop_reason) == (TODAY, "moved")
        assert not course.contraindicated

    def test_its_own_date_can_be_put_right(self, ben, rosa):
        wrong = give(ben.course, rosa, TODAY, now=NOW, reaction="life-threatening").infusion
        correct(wrong, rosa, given_on=TODAY + days(1))
        assert Course.objects.get().stopped_on == TODAY + days(1)


class TestVisits:
    def test_a_visit_closed_by_mistake_is_booked_again(self, ben, infusion, rosa):
        book(ben.course, rosa, dt.date(2026, 4, 10))
        wrong = give(ben.course, rosa, TODAY, now=NOW).infusion
        assert not ben.course.appointments.booked()
        corrected = void(wrong, rosa)
        assert [visit.local_date for visit in corrected.reopened] == [dt.date(2026, 4, 10)]

    def test_the_visit_of_the_right_day_is_done(self, ben, infusion, rosa):
        visit = book(ben.course, rosa, TODAY)
        wrong = give(ben.course, rosa, TODAY - days(30), now=NOW).infusion
        corrected = correct(wrong, rosa, given_on=TODAY)
        visit.refresh_from_db()
        assert (visit.status, corrected.cancelled) == ("fulfilled", [])

    def test_a_visit_booked_since_is_left_alone(self, ben, rosa, priya):
        wrong = give(ben.course, rosa, TODAY, now=NOW).infusion
        visit = book(ben.course, priya, TODAY + days(1), now=NOW + days(0.5), reason="x")
        correct(wrong, rosa, given_on=TODAY - days(1))
        assert Appointment.objects.booked().get() == visit

    def test_history_from_elsewhere_closes_no_visit_here(self, ben, rosa):
        doses = [actions.Told(TODAY - days(3), 600)]
        told = actions.record_elsewhere(course=ben.course, actor=rosa, now=NOW, doses=doses)
        visit = book(ben.course, rosa, TODAY + days(200), now=NOW - days(9))
        Appointment.objects.update(starts_at=NOW - days(2))
        correct(told.infusion, rosa, given_on=TODAY - days(2))
        assert Appointment.objects.booked().get() == visit


class TestAcrossAChangeOfTreatment:
    """A13: the clock goes on, so what is put right before the change moves what comes after."""

    @pytest.fixture
    def now_sc(self, ben, harbor, priya) -> Course:
        rules = ClinicRules.of(harbor)
        rules.regimens = ["ocrevus-iv", "ocrevus-sc"]
        rules.save()
        return actions.switch_regimen(
            course=ben.course,
            actor=priya,
            now=NOW,
            code="ocrevus-sc",
            switched_on=TODAY,
            reason="Asked for",
        )

    def test_the_date_of_the_course_that_goes_on_moves(self, infusion, now_sc, rosa):
        assert now_sc.next_due_on == dt.date(2026, 4, 10)
        corrected = correct(infusion, rosa, given_on=DAY - days(8))
        now_sc.refresh_from_db()
        assert now_sc.next_due_on == corrected.after.due_on == dt.date(2026, 4, 2)
        assert DateMove.objects.get().course == now_sc

    def test_a_life_threatening_reaction_ends_it_and_back_again(self, infusion, now_sc, rosa):
        assert correct(infusion, rosa, reaction="life-threatening").ended
        assert Course.objects.get(pk=now_sc.pk).contraindicated
        assert correct(infusion, rosa, reaction="", revision=1).resumed
        now_sc.refresh_from_db()
        assert (now_sc.stopped_on, now_sc.next_due_on) == (None, dt.date(2026, 4, 10))


class TestForeseeing:
    def test_what_would_follow_is_said_and_not_done(self, ben, infusion, rosa):
        before = stored(ben)
        facts = {"actor": rosa, "now": LATER, "revision": 0, "reason": ""}
        seen = actions.foresee(
            actions.correct_infusion, infusion=infusion, given_on=DAY - days(8), **facts
        )
        assert (seen.before.due_on, seen.after.due_on) == (
            dt.date(2026, 4, 10),
            dt.date(2026, 4, 2),
        )
        assert stored(ben) == before
        assert not Correction.objects.exists()
