"""The verbs: each fact, its consequences, its refusals, all or nothing."""

import datetime as dt
import threading
import uuid

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from ocrevus_tracker.accounts.models import User
from ocrevus_tracker.audit.models import Entry
from schedules import actions
from schedules.models import Appointment, AppointmentStatus, Infusion, Patient, StopReason
from tests.cast import NEW_YORK, NOW, TODAY, give, make_patient


def noon(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(12), NEW_YORK)


def book(course, actor, day, **fields) -> Appointment:
    return actions.book_visit(course=course, actor=actor, now=NOW, starts_at=noon(day), **fields)


class TestAddPatient:
    def test_a_new_patient_has_a_course_on_the_newest_regimen_version(self, ana):
        course = ana.courses.get()
        assert (course.regimen_code, course.regimen_version) == ("ocrevus-iv", "2026-11")
        assert course.next_due_on is None

    def test_an_order_sets_the_first_due_date(self, harbor, rosa):
        patient = make_patient(harbor, rosa, "Abe", ordered_for=dt.date(2026, 4, 1))
        assert patient.courses.get().next_due_on == dt.date(2026, 4, 1)

    def test_a_record_number_is_taken_once_in_a_clinic(self, harbor, rosa, ana):
        with pytest.raises(actions.UnableToSavePatient, match="record number"):
            make_patient(harbor, rosa, "Abe", record_number=ana.record_number)
        assert Patient.objects.count() == 1

    def test_another_clinic_may_use_the_same_number(self, hill, nils, ana):
        assert make_patient(hill, nils, "Abe", record_number=ana.record_number).pk

    @pytest.mark.parametrize(
        ("born", "adult"), [(dt.date(2008, 3, 12), True), (dt.date(2008, 3, 13), False)]
    )
    def test_only_adults_are_entered(self, harbor, rosa, born, adult):
        if adult:
            assert make_patient(harbor, rosa, "Abe", date_of_birth=born).pk
            return
        with pytest.raises(actions.UnableToSavePatient, match="under 18"):
            make_patient(harbor, rosa, "Abe", date_of_birth=born)

    def test_the_same_form_twice_makes_one_patient(self, harbor, rosa):
        key = uuid.uuid4()
        first = make_patient(harbor, rosa, "Abe", entry_key=key)
        assert make_patient(harbor, rosa, "Abe", entry_key=key) == first

    def test_a_change_leaves_what_somebody_else_changed(self, ana, rosa):
        before = Patient.objects.get(pk=ana.pk)
        ana.email = "right@example.org"
        actions.change_patient(patient=ana, changed=["email"], actor=rosa, now=NOW)
        before.phone = "555"
        actions.change_patient(patient=before, changed=["phone"], actor=rosa, now=NOW)
        after = Patient.objects.get(pk=ana.pk)
        assert (after.email, after.phone) == ("right@example.org", "555")

    def test_a_time_zone_that_is_none_is_refused(self, harbor, rosa):
        with pytest.raises(ValidationError, match="Mars"):
            make_patient(harbor, rosa, "Abe", time_zone="Mars")
        harbor.time_zone = "New York"
        with pytest.raises(ValidationError, match="New York"):
            harbor.save()


class TestRecordInfusion:
    def test_the_next_dose_moves(self, ana, rosa):
        course = ana.courses.get()
        recorded = give(course, rosa, TODAY, 300)
        assert recorded.forecast.next.due == dt.date(2026, 3, 26)
        assert (course.next_step, course.next_due_on) == ("initial-2", dt.date(2026, 3, 26))
        assert course.started_on == TODAY

    def test_every_change_raises_the_version_that_reminders_carry(self, ana, rosa):
        course = ana.courses.get()
        before = course.due_version
        give(course, rosa, TODAY, 300)
        assert course.due_version == before + 1

    def test_the_same_form_twice_records_one_infusion(self, ben, rosa):
        key = uuid.uuid4()
        first = give(ben.courses.get(), rosa, TODAY, now=NOW, entry_key=key)
        second = give(ben.courses.get(), rosa, TODAY, now=NOW, entry_key=key)
        assert (first.infusion, second.created) == (second.infusion, False)

    @pytest.mark.parametrize(
        ("given_on", "dose_mg", "words"),
        [
            (TODAY + dt.timedelta(days=1), 600, "today or in the past"),
            (dt.date(2025, 10, 10), 600, "already recorded for October 10, 2025"),
            (TODAY, 0, "more than 0 mg"),
        ],
    )
    def test_what_cannot_be_is_refused_in_words(self, ben, rosa, given_on, dose_mg, words):
        with pytest.raises(actions.UnableToRecordInfusion, match=words):
            give(ben.courses.get(), rosa, given_on, dose_mg, now=NOW)
        assert Infusion.objects.count() == 1

    def test_nothing_is_given_after_the_end(self, ben, rosa):
        course = ben.courses.get()
        actions.stop_course(
            course=course, actor=rosa, now=NOW, stopped_on=TODAY, reason=StopReason.OTHER
        )
        with pytest.raises(actions.UnableToRecordInfusion, match="stopped"):
            give(course, rosa, TODAY, now=NOW)

    def test_a_late_entry_at_night_counts_by_the_clinics_calendar(self, ben, rosa):
        late_evening = dt.datetime(2026, 3, 13, 3, 0, tzinfo=dt.UTC)  # still 12 March in New York
        with pytest.raises(actions.UnableToRecordInfusion, match="today or in the past"):
            give(ben.courses.get(), rosa, dt.date(2026, 3, 13), now=late_evening)

    def test_the_order_of_entry_does_not_matter(self, ana, ben, rosa):
        forward, backward = ana.courses.get(), ben.courses.get()
        Infusion.objects.all().delete()
        days = [dt.date(2025, 1, 10), dt.date(2025, 1, 24), dt.date(2025, 7, 12)]
        for day, dose in zip(days, (300, 300, 600), strict=True):
            give(forward, rosa, day, dose, now=NOW)
        for day, dose in zip(reversed(days), (600, 300, 300), strict=True):
            give(backward, rosa, day, dose, now=NOW)
        assert forward.next_due_on == backward.next_due_on == dt.date(2026, 1, 12)

    def test_the_trail_says_who_and_why(self, ben, rosa):
        recorded = give(ben.courses.get(), rosa, TODAY, now=NOW, reason="The prescriber agreed")
        entry = Entry.objects.get(act="record infusion", subject=f"infusion {recorded.infusion.pk}")
        assert (entry.actor, entry.reason) == (rosa, "The prescriber agreed")

    def test_a_form_opened_for_one_patient_records_nothing_for_another(self, ana, ben, rosa):
        key = uuid.uuid4()
        give(ben.courses.get(), rosa, TODAY, now=NOW, entry_key=key)
        with pytest.raises(actions.UnableToRecordInfusion, match="another record"):
            give(ana.courses.get(), rosa, TODAY, 300, now=NOW, entry_key=key)


class TestVisitsOfARecordedDose:
    def test_the_visit_of_the_day_is_done(self, ben, rosa):
        course = ben.courses.get()
        visit = book(course, rosa, TODAY)
        give(course, rosa, TODAY, now=NOW)
        visit.refresh_from_db()
        assert visit.status == AppointmentStatus.FULFILLED

    def test_a_visit_for_this_dose_on_another_day_is_not_needed(self, ben, rosa):
        course = ben.courses.get()
        visit = book(course, rosa, dt.date(2026, 4, 10))
        give(course, rosa, TODAY, now=NOW)
        visit.refresh_from_db()
        assert visit.status == AppointmentStatus.CANCELLED

    def test_the_second_visit_stays_booked_after_the_first(self, ana, rosa):
        course = ana.courses.get()
        book(course, rosa, TODAY)
        second = book(course, rosa, TODAY + dt.timedelta(days=14))
        give(course, rosa, TODAY, 300, now=NOW)
        second.refresh_from_db()
        assert second.status == AppointmentStatus.BOOKED

    def test_a_visit_for_the_next_dose_stays_though_it_is_a_day_too_early(self, ana, rosa):
        course = ana.courses.get()
        book(course, rosa, TODAY)
        second = book(course, rosa, TODAY + dt.timedelta(days=14))
        recorded = give(course, rosa, TODAY + dt.timedelta(days=1), 300)
        second.refresh_from_db()
        assert (second.status, recorded.cancelled) == (AppointmentStatus.BOOKED, ())

    def test_history_entered_late_cancels_no_coming_visit(self, ben, rosa):
        course = ben.courses.get()
        visit = book(course, rosa, dt.date(2026, 4, 10))
        give(course, rosa, dt.date(2025, 4, 8), now=NOW)
        visit.refresh_from_db()
        assert visit.status == AppointmentStatus.BOOKED

    def test_what_was_cancelled_is_told(self, ben, rosa):
        course = ben.courses.get()
        visit = book(course, rosa, dt.date(2026, 4, 10))
        assert give(course, rosa, TODAY, now=NOW).cancelled == (visit,)


class TestUndo:
    def test_it_is_as_if_it_had_not_happened(self, ben, rosa):
        course = ben.courses.get()
        visit = book(course, rosa, TODAY)
        recorded = give(course, rosa, TODAY, now=NOW)
        actions.undo_infusion(infusion=recorded.infusion, actor=rosa, now=NOW)
        course.refresh_from_db()
        visit.refresh_from_db()
        assert course.next_due_on == dt.date(2026, 4, 10)
        assert visit.status == AppointmentStatus.BOOKED

    def test_the_row_stays_marked_and_the_day_is_free_again(self, ben, rosa):
        recorded = give(ben.courses.get(), rosa, TODAY, now=NOW)
        actions.undo_infusion(infusion=recorded.infusion, actor=rosa, now=NOW)
        assert Infusion.objects.get(pk=recorded.infusion.pk).voided_at == NOW
        assert give(ben.courses.get(), rosa, TODAY, now=NOW).created

    def test_a_time_booked_anew_meanwhile_is_not_booked_twice(self, ben, rosa):
        book(ben.courses.get(), rosa, TODAY)
        recorded = give(ben.courses.get(), rosa, TODAY, now=NOW)
        again = Appointment.objects.get()
        again.pk, again.status, again.closed_by = None, "booked", None
        again.save()
        actions.undo_infusion(infusion=recorded.infusion, actor=rosa, now=NOW)
        assert Appointment.objects.booked().count() == 1

    def test_only_within_15_minutes(self, ben, rosa):
        recorded = give(ben.courses.get(), rosa, TODAY, now=NOW)
        later = NOW + dt.timedelta(minutes=15)
        with pytest.raises(actions.UnableToUndo):
            actions.undo_infusion(infusion=recorded.infusion, actor=rosa, now=later)

    def test_only_by_the_person_who_recorded_it(self, ben, rosa, priya):
        recorded = give(ben.courses.get(), rosa, TODAY, now=NOW)
        with pytest.raises(actions.UnableToUndo):
            actions.undo_infusion(infusion=recorded.infusion, actor=priya, now=NOW)

    def test_only_once(self, ben, rosa):
        recorded = give(ben.courses.get(), rosa, TODAY, now=NOW)
        actions.undo_infusion(infusion=recorded.infusion, actor=rosa, now=NOW)
        with pytest.raises(actions.UnableToUndo):
            actions.undo_infusion(infusion=recorded.infusion, actor=rosa, now=NOW)


class TestPartialInfusions:
    def test_nothing_is_due_until_somebody_decides(self, ben, rosa):
        course = ben.courses.get()
        recorded = give(course, rosa, TODAY, 250, now=NOW, outcome="partial")
        assert course.next_due_on is None
        actions.decide_partial(
            infusion=recorded.infusion, actor=rosa, now=NOW, disposition="count-as-given"
        )
        course.refresh_from_db()
        assert course.next_due_on == dt.date(2026, 9, 12)

    @pytest.mark.parametrize("change", [{"voided_at": NOW}, {"disposition": "repeat"}])
    def test_what_was_settled_meanwhile_stays_settled(self, ben, rosa, change):
        infusion = give(ben.courses.get(), rosa, TODAY, 250, now=NOW, outcome="partial").infusion
        Infusion.objects.filter(pk=infusion.pk).update(**change)
        with pytest.raises(actions.UnableToDecide):
            actions.decide_partial(
                infusion=infusion, actor=rosa, now=NOW, disposition="count-as-given"
            )

    def test_a_dose_to_be_repeated_leaves_the_due_date(self, ben, rosa):
        course = ben.courses.get()
        give(course, rosa, TODAY, 250, now=NOW, outcome="partial", disposition="repeat")
        assert course.next_due_on == dt.date(2026, 4, 10)


class TestBookVisit:
    def test_the_due_date_does_not_move(self, ben, rosa):
        course = ben.courses.get()
        book(course, rosa, dt.date(2026, 4, 17))
        course.refresh_from_db()
        assert course.next_due_on == dt.date(2026, 4, 10)

    def test_the_first_visit_is_what_the_first_dose_is_ordered_for(self, ana, rosa):
        course = ana.courses.get()
        book(course, rosa, dt.date(2026, 4, 17))
        course.refresh_from_db()
        assert (course.next_step, course.next_due_on) == ("initial-1", dt.date(2026, 4, 17))

    def test_yesterday_cannot_be_booked(self, ben, rosa):
        with pytest.raises(actions.UnableToBook, match="today or later"):
            book(ben.courses.get(), rosa, TODAY - dt.timedelta(days=1))

    def test_the_same_time_cannot_be_booked_twice(self, ben, rosa):
        book(ben.courses.get(), rosa, dt.date(2026, 4, 17))
        with pytest.raises(actions.UnableToBook, match="already"):
            book(ben.courses.get(), rosa, dt.date(2026, 4, 17))

    def test_the_same_form_twice_books_one_visit(self, ben, rosa):
        key = uuid.uuid4()
        first = book(ben.courses.get(), rosa, dt.date(2026, 4, 17), entry_key=key)
        assert book(ben.courses.get(), rosa, dt.date(2026, 4, 17), entry_key=key) == first

    def test_before_the_earliest_day_takes_a_prescriber_and_a_reason(self, ana, rosa, priya):
        course = ana.courses.get()
        give(course, rosa, TODAY, 300, now=NOW)
        too_soon = TODAY + dt.timedelta(days=13)
        for actor, reason in ((rosa, "x"), (priya, "")):
            with pytest.raises(actions.UnableToBook, match=r"March 26, 2026"):
                book(course, actor, too_soon, reason=reason)
        assert book(course, priya, too_soon, reason="Travels later").pk

    def test_a_move_to_the_same_time_changes_nothing(self, ben, rosa):
        visit = book(ben.courses.get(), rosa, dt.date(2026, 4, 17))
        version = ben.courses.get().due_version
        actions.move_visit(visit=visit, actor=rosa, now=NOW, starts_at=visit.starts_at)
        assert ben.courses.get().due_version == version

    def test_a_refused_move_leaves_the_visit_where_it_is(self, ben, rosa):
        taken = book(ben.courses.get(), rosa, dt.date(2026, 4, 17)).starts_at
        visit = book(ben.courses.get(), rosa, dt.date(2026, 4, 20))
        with pytest.raises(actions.UnableToBook, match="already"):
            actions.move_visit(visit=visit, actor=rosa, now=NOW, starts_at=taken)
        assert visit.starts_at == noon(dt.date(2026, 4, 20))

    def test_a_moved_visit_is_the_same_visit(self, ben, rosa):
        visit = book(ben.courses.get(), rosa, dt.date(2026, 4, 17))
        new = noon(dt.date(2026, 4, 20))
        actions.move_visit(visit=visit, actor=rosa, now=NOW, starts_at=new)
        assert list(Appointment.objects.values_list("starts_at", flat=True)) == [new]

    def test_a_move_and_a_cancellation_void_planned_reminders(self, ben, rosa):
        visit = book(ben.courses.get(), rosa, dt.date(2026, 4, 17))
        versions = [ben.courses.get().due_version]
        new = noon(dt.date(2026, 4, 20))
        actions.move_visit(visit=visit, actor=rosa, now=NOW, starts_at=new)
        versions.append(ben.courses.get().due_version)
        actions.cancel_visit(visit=visit, actor=rosa, now=NOW)
        versions.append(ben.courses.get().due_version)
        assert versions == sorted(set(versions))

    def test_a_visit_closed_meanwhile_is_neither_moved_nor_cancelled(self, ben, rosa):
        visit = book(ben.courses.get(), rosa, dt.date(2026, 4, 17))
        Appointment.objects.update(status="fulfilled")
        with pytest.raises(actions.UnableToBook, match="no longer booked"):
            actions.move_visit(visit=visit, actor=rosa, now=NOW, starts_at=noon(TODAY))
        with pytest.raises(actions.UnableToBook, match="no longer booked"):
            actions.cancel_visit(visit=visit, actor=rosa, now=NOW)
        assert Appointment.objects.get().status == "fulfilled"

    def test_stopping_cancels_what_is_booked(self, ben, rosa):
        visit = book(ben.courses.get(), rosa, dt.date(2026, 4, 17))
        actions.stop_course(
            course=ben.courses.get(), actor=rosa, now=NOW, stopped_on=TODAY, reason=StopReason.MOVED
        )
        visit.refresh_from_db()
        assert visit.status == AppointmentStatus.CANCELLED
        assert ben.courses.get().next_due_on is None


@pytest.mark.django_db(transaction=True)
def test_two_nurses_at_once_record_one_infusion(ben, rosa, priya):
    """The second one is told; neither waits for ever, nothing is doubled."""
    course = ben.courses.get()
    start = threading.Barrier(2)
    said: list[str] = []

    def record(nurse: User) -> None:
        start.wait(10)
        try:
            give(course, nurse, TODAY, now=NOW)
            said.append("saved")
        except actions.UnableToRecordInfusion:
            said.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=record, args=(nurse,)) for nurse in (rosa, priya)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(said) == ["refused", "saved"]
    assert Infusion.objects.filter(given_on=TODAY).count() == 1
