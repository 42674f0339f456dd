"""A clinic's policy: who may change it, what a new version does, what it is said to do before."""

import datetime as dt
from collections.abc import Iterable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ocrevus_tracker.accounts.models import Clinic
from ocrevus_tracker.audit.models import Entry
from reminders import outbox, policies, policy_rules
from reminders.models import Policy, Preference, Reminder, State
from reminders.policies import PolicyHasChanged, UnableToSavePolicy
from reminders.policy_effects import Effects, effects
from schedules.models import Appointment, Course, Patient
from tests.cast import NOW, TODAY, book, days, make_patient, make_staff

from .conftest import due_course, hold, local, many_due_courses, put_right

pytestmark = pytest.mark.django_db

# At Harbor Clinic, after NOW.
TOMORROW_NOON = dt.datetime(2026, 3, 13, 16, tzinfo=dt.UTC)


def rows(**changes: int | None) -> dict[str, int]:
    """The usual rows with `book_2=-49`; None leaves a kind out."""
    new = policy_rules.DEFAULT | {kind.replace("_", "-"): day for kind, day in changes.items()}
    return {kind: day for kind, day in new.items() if day is not None}


def to_patients():
    """The rows without those to the clinic's own people."""
    return Reminder.objects.filter(member=None)


def save(clinic, actor, *, seen: int = 0, now: dt.datetime = NOW, **changes) -> Policy | None:
    return policies.save_policy(
        clinic=clinic, rows=rows(**changes), actor=actor, now=now, seen=seen
    )


def asked(clinic, *, now: dt.datetime = NOW, **changes) -> Effects:
    return effects(clinic=clinic, rows=rows(**changes), now=now)


class TestReading:
    def test_a_clinic_that_changed_nothing_has_the_usual_policy(self, harbor):
        assert policies.policy_of(harbor) == policy_rules.DEFAULT
        assert policies.newest(harbor) is None
        assert policies.versions_in_use() == {}

    def test_its_two_numbers_count_without_a_policy(self, harbor):
        harbor.booking_opens_days, harbor.late_after_days = 56, 10
        assert policies.policy_of(harbor) == rows(book_1=-56, overdue_1=10)

    def test_what_comes_too_early_for_its_numbers_is_left_out(self, harbor):
        harbor.booking_opens_days, harbor.late_after_days = 42, 60
        assert policies.policy_of(harbor) == rows(
            book_1=-42, book_2=None, overdue_1=60, overdue_2=None, overdue_3=None
        )

    def test_the_newest_version_of_each_clinic_is_in_use(self, harbor, hill, priya):
        save(harbor, priya, book_2=-49)
        save(harbor, priya, book_2=-50, seen=1)
        in_use = policies.versions_in_use()
        assert in_use == {
            harbor.pk: policies.InUse(rows(book_2=-50), starts_at=local(harbor, TODAY + days(1), 9))
        }


class TestSaving:
    def test_each_change_is_a_version_and_none_is_lost(self, harbor, priya):
        save(harbor, priya, book_2=-49)
        save(harbor, priya, book_2=-50, seen=1)
        found = Policy.objects.filter(clinic=harbor).order_by("version")
        assert [(one.version, one.rows["book-2"]) for one in found] == [(1, -49), (2, -50)]
        assert policies.policy_of(harbor) == rows(book_2=-50)

    def test_the_trail_says_what_changed(self, harbor, priya):
        save(harbor, priya, book_2=-49, prepare=None)
        entry = Entry.objects.get(act="change mail policy")
        assert (entry.actor, entry.clinic) == (priya, harbor)
        assert entry.reason == "book-2: -42 -> -49; prepare: -7 -> off"

    def test_the_same_form_again_makes_no_second_version(self, harbor, priya):
        first = save(harbor, priya, book_2=-49)
        assert save(harbor, priya, book_2=-49) == first
        assert Policy.objects.count() == Entry.objects.filter(act="change mail policy").count() == 1

    def test_saving_what_is_usual_makes_no_version(self, harbor, priya):
        assert save(harbor, priya) is None
        assert not Policy.objects.exists()

    def test_pages_get_the_same_two_numbers(self, harbor, priya):
        save(harbor, priya, book_1=-84, overdue_1=5)
        harbor.refresh_from_db()
        assert (harbor.booking_opens_days, harbor.late_after_days) == (84, 5)

    def test_a_mail_left_out_leaves_the_pages_numbers_alone(self, harbor, priya):
        save(harbor, priya, book_1=None, overdue_1=None)
        harbor.refresh_from_db()
        assert (harbor.booking_opens_days, harbor.late_after_days) == (70, 3)

    def test_the_clinics_open_courses_are_planned_anew_and_no_others(
        self, harbor, hill, priya, nils
    ):
        ours = due_course(harbor, priya, due_in=30)
        make_patient(hill, nils, "Otto")
        Course.objects.update(unplanned=False)
        save(harbor, priya, book_2=-49)
        assert list(Course.objects.filter(unplanned=True)) == [ours]

    @pytest.mark.parametrize("who", ["rosa", "nils", "mallory"])
    def test_others_may_not(self, request, harbor, who):
        with pytest.raises(UnableToSavePolicy, match="Only a prescriber"):
            save(harbor, request.getfixturevalue(who), book_2=-49)
        assert not Policy.objects.exists()

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"book_1": 3}, "“Time to book”: enter a number of days from 1 to 365."),
            ({"prepare": -20}, "“Get ready”: enter a number of days from 2 to 14."),
            ({"overdue_1": -1}, "“Please call us”: enter a number of days from 0 to 365."),
            ({"book_2": -70}, "“Please book” must come later than “Time to book”."),
            ({"overdue_3": 21}, "“A nurse would like to talk” must come later than"),
            ({"recorded": 1}, "There is no such email."),
        ],
    )
    def test_nonsense_is_refused_in_words(self, harbor, priya, changes, words):
        with pytest.raises(UnableToSavePolicy) as refusal:
            save(harbor, priya, **changes)
        assert words in str(refusal.value)
        assert not Policy.objects.exists()

    def test_without_a_phone_number_no_mail_would_be_complete(self, harbor, priya):
        Clinic.objects.update(phone=" ")
        with pytest.raises(UnableToSavePolicy, match="no phone number"):
            save(harbor, priya, book_2=-49)

    def test_the_second_of_two_people_is_told_about_the_first(self, harbor, priya):
        paul = make_staff(harbor, "Paul", "admin")
        save(harbor, priya, book_2=-49)
        save(harbor, priya, book_2=-50, seen=1)
        with pytest.raises(PolicyHasChanged, match=r"Priya saved another version.*11:00 a\.m\."):
            save(harbor, paul, book_2=-51, seen=1)
        assert policies.policy_of(harbor) == rows(book_2=-50)
        with pytest.raises(PolicyHasChanged, match=r"March 12, 2026, 11:00 a\.m\."):
            save(harbor, paul, book_2=-51, seen=0, now=NOW + days(2))
        assert save(harbor, paul, book_2=-51, seen=2).version == 3

    def test_a_waiting_mail_under_a_rule_that_changed_is_taken_back(self, harbor, priya):
        due_course(harbor, priya, due_in=42)
        outbox.plan(now=NOW)
        save(harbor, priya, book_2=-35)
        assert to_patients().get().state == State.CANCELLED

    def test_one_whose_rule_stays_waits_on(self, harbor, priya):
        due_course(harbor, priya, due_in=42)
        outbox.plan(now=NOW)
        save(harbor, priya, overdue_1=5)
        assert to_patients().get().state == State.PLANNED

    def test_what_was_taken_back_and_still_fits_comes_back_the_next_morning(self, harbor, priya):
        due_course(harbor, priya, due_in=42)
        outbox.plan(now=NOW)
        save(harbor, priya, book_2=-49)
        outbox.plan(now=NOW)
        row = to_patients().get()
        assert (row.state, row.next_at) == (State.PLANNED, local(harbor, TODAY + days(1), 9))


class TestRestoring:
    def restore(self, clinic, actor, version: int, *, seen: int) -> Policy | None:
        return policies.restore_policy(
            clinic=clinic, version=version, actor=actor, now=NOW, seen=seen
        )

    def test_an_earlier_version_comes_back_as_a_new_one(self, harbor, priya):
        save(harbor, priya, book_1=-84)
        save(harbor, priya, book_1=-60, seen=1)
        restored = self.restore(harbor, priya, 1, seen=2)
        assert (restored.version, restored.restored_from) == (3, 1)
        assert policies.policy_of(harbor) == rows(book_1=-84)
        harbor.refresh_from_db()
        assert harbor.booking_opens_days == 84
        assert Entry.objects.get(act="restore mail policy").reason == "book-1: -60 -> -84"

    def test_a_double_tap_restores_once(self, harbor, priya):
        save(harbor, priya, book_1=-84)
        save(harbor, priya, book_1=-60, seen=1)
        first = self.restore(harbor, priya, 1, seen=2)
        assert self.restore(harbor, priya, 1, seen=2) == first

    def test_another_clinics_version_is_none_of_ours(self, harbor, hill, priya):
        prescriber = make_staff(hill, "Pia", "prescriber")
        save(hill, prescriber, book_1=-84)
        with pytest.raises(UnableToSavePolicy, match="no such version"):
            self.restore(harbor, priya, 1, seen=0)

    def test_a_nurse_may_not(self, harbor, priya, rosa):
        save(harbor, priya, book_1=-84)
        with pytest.raises(UnableToSavePolicy, match="Only a prescriber"):
            self.restore(harbor, rosa, 1, seen=1)


class TestPlanning:
    """What a new version means for the mails."""

    def planned(self, now: dt.datetime = TOMORROW_NOON) -> list[str]:
        outbox.plan(now=now)
        return sorted(to_patients().exclude(state=State.CANCELLED).values_list("kind", flat=True))

    def test_a_mail_moved_forward_goes_on_its_new_day(self, harbor, priya):
        due_course(harbor, priya, due_in=80)
        save(harbor, priya, book_1=-84)
        assert self.planned() == ["book-1"]

    def test_it_waits_until_the_next_morning(self, harbor, priya, sink):
        due_course(harbor, priya, due_in=80)
        save(harbor, priya, book_1=-84)
        outbox.plan(now=NOW)
        outbox.deliver(now=NOW)
        assert to_patients().get().state == State.PLANNED
        outbox.deliver(now=local(harbor, TODAY + days(1), 9))
        assert to_patients().get().state == State.ACCEPTED

    def test_a_kind_left_out_is_not_sent(self, harbor, priya):
        due_course(harbor, priya, due_in=40)
        save(harbor, priya, book_1=None, book_2=None)
        assert self.planned() == []

    def test_tomorrows_visit_is_told_today_all_the_same(self, harbor, priya):
        course = due_course(harbor, priya, due_in=1)
        book(course, priya, TODAY + days(1))
        save(harbor, priya, book_2=-49)
        outbox.plan(now=NOW)
        row = Reminder.objects.get(kind="day-before")
        assert row.next_at == NOW

    def test_other_clinics_go_on_as_they_were(self, harbor, hill, priya, nils):
        due_course(hill, nils, due_in=40)
        save(harbor, priya, book_2=None)
        assert self.planned() == ["book-2"]


CHANGES = [
    {"book_1": -84},
    {"book_1": -60},
    {"book_2": None},
    {"book_1": -100, "book_2": -80, "book_3": -41},
    {"overdue_1": 14, "overdue_2": 30},
    {"overdue_1": None, "overdue_2": None, "overdue_3": None},
    {"second_visit": None},
    {"second_visit": -3},
    {"prepare": -14},
    {"prepare": None, "day_before": None},
]


def sent(course: Course, kind: str) -> Reminder:
    """A mail about the due date as it is, sent a month ago."""
    at = NOW - days(30)
    return Reminder.objects.create(
        course=course, patient=course.patient, kind=kind, due_on=course.next_due_on, next_at=at,
        not_after=at, state=State.ACCEPTED, accepted_at=at, told_due_on=course.next_due_on,
    )  # fmt: skip


def people(clinic, dues: Iterable[int], *, step: str = "maintenance", **fields) -> list[Course]:
    """One course for each number of days until its next dose is due; nothing was given here."""
    group = "-".join([step, *fields])
    patients = Patient.objects.bulk_create(
        Patient(
            clinic=clinic, given_name="P", date_of_birth=dt.date(1985, 3, 27), created_at=NOW,
            record_number=f"{group}{due_in}",
            **{"family_name": "Example", "email": f"{group}{due_in}@example.org"} | fields,
        )
        for due_in in dues
    )  # fmt: skip
    return Course.objects.bulk_create(
        Course(
            patient=patient, regimen_version="2026-11", next_step=step, next_dose_mg=600,
            next_due_on=TODAY + days(due_in), next_earliest_on=TODAY + days(due_in - 28),
        )
        for patient, due_in in zip(patients, dues, strict=True)
    )  # fmt: skip


def crowd(clinic, nurse) -> None:
    """People of every sort, some of whom have had mails."""
    many = (-90, -50, -30, -10, -2, 0, 5, 20, 21, 22, 40, 43, 60, 69, 70, 71, 72, 84, 99)
    for course in people(clinic, many)[::2]:
        sent(course, "overdue-1" if course.next_due_on < TODAY else "book-1")
    visits = people(clinic, (1, 2, 5, 8, 9, 13, 14, 15, 40), language="es")
    Appointment.objects.bulk_create(
        Appointment(
            course=course, starts_at=local(clinic, course.next_due_on, 14), booked_by=nurse,
            booked_at=NOW,
        )
        for course in visits
    )  # fmt: skip
    people(clinic, (2, 4, 12, 13, 14), step="initial-2")
    people(clinic, (75,), wants_reminders=False)
    people(clinic, (75,), email="")
    people(clinic, (75,), time_zone="America/Los_Angeles")
    [held] = people(clinic, (75,), family_name="Held")
    hold(held, nurse)
    [moved] = people(clinic, (60,), family_name="Moved")
    sent(moved, "book-1")
    put_right(moved, TODAY + days(75), at=NOW - dt.timedelta(hours=2))


def planned_on(moment: dt.datetime) -> int:
    """How many mails about due dates and visits planning calls for by then, that did not go."""
    outbox.plan(now=moment)
    return Reminder.objects.filter(
        state=State.PLANNED, kind__in=policy_rules.LIMITS, next_at__lte=moment
    ).count()


class TestEffects:
    @pytest.mark.parametrize("changes", CHANGES, ids=str)
    def test_tomorrows_number_is_what_planning_really_does(self, harbor, priya, changes):
        crowd(harbor, priya)
        asked_before = asked(harbor, **changes)
        save(harbor, priya, **changes)
        assert planned_on(TOMORROW_NOON) == asked_before.tomorrow_then

    def test_so_is_the_number_without_a_change(self, harbor, priya):
        crowd(harbor, priya)
        assert asked(harbor, book_1=-84).tomorrow_now == planned_on(TOMORROW_NOON)

    @pytest.mark.parametrize("changes", CHANGES, ids=str)
    def test_rows_that_wait_already_are_counted_too(self, harbor, priya, changes):
        crowd(harbor, priya)
        outbox.plan(now=NOW)
        asked_before = asked(harbor, **changes)
        save(harbor, priya, **changes)
        assert planned_on(TOMORROW_NOON) == asked_before.tomorrow_then

    def test_another_clinics_people_are_not_counted(self, harbor, hill, priya, nils):
        crowd(hill, nils)
        assert asked(harbor, book_1=-84) == Effects(0, 0, 0)

    def test_the_same_rows_change_nothing(self, harbor, priya):
        crowd(harbor, priya)
        found = asked(harbor)
        assert (found.people, found.more) == (0, 0)

    @pytest.mark.parametrize(
        ("due_in", "changes", "people"),
        [
            (80, {"book_1": -84}, 1),
            (60, {"book_1": -84}, 0),  # its window is open before and after
            (-30, {"book_1": -84, "overdue_1": 5}, 0),  # past both
            (-30, {"overdue_3": 50}, 1),
            (-76, {"overdue_3": 50}, 1),  # may still be sent four weeks after its new day
            (-77, {"overdue_3": 50}, 0),
            (30, {"second_visit": None}, 0),  # nothing for the second of the two first visits
            (30, {"prepare": -14}, 0),
        ],
    )
    def test_people_are_those_whose_coming_mails_differ(
        self, harbor, priya, due_in, changes, people
    ):
        due_course(harbor, priya, due_in=due_in)
        assert asked(harbor, **changes).people == people

    def test_who_has_had_the_mail_is_not_changed_by_it(self, harbor, priya):
        sent(due_course(harbor, priya, due_in=69), "book-1")
        assert asked(harbor, book_1=-60).people == 0

    def test_who_has_a_visit_is_changed_by_the_mails_before_it(self, harbor, priya):
        book(due_course(harbor, priya, due_in=30), priya, TODAY + days(30))
        assert asked(harbor, prepare=-14).people == 1
        assert asked(harbor, book_1=-84).people == 0

    @pytest.mark.parametrize(
        ("choice", "changes", "people"),
        [
            ({"stops_booking": True}, {"book_1": -84}, 0),
            ({"stops_visit": True}, {"book_1": -84}, 1),
            ({"only_needed": True}, {"book_1": -84}, 1),
            ({"only_needed": True}, {"prepare": -14}, 0),
            ({"stops_visit": True}, {"day_before": None}, 0),
            ({"only_needed": True}, {"day_before": None}, 1),
        ],
    )
    def test_what_people_stopped_does_not_come_back(self, harbor, priya, choice, changes, people):
        course = due_course(harbor, priya, due_in=80 if "book_1" in changes else 30)
        if changes.keys() & {"prepare", "day_before"}:
            book(course, priya, TODAY + days(30))
        Preference.objects.create(patient=course.patient, changed_at=NOW, **choice)
        assert asked(harbor, **changes).people == people

    def test_more_and_fewer(self):
        assert (Effects(0, 3, 15).more, Effects(0, 15, 3).fewer) == (12, 12)

    def test_a_thousand_people_take_as_many_queries_as_one(self, harbor):
        counted = []
        people(harbor, [80])
        for more in (0, 1000):
            many_due_courses(harbor, due_in=80, count=more)
            with CaptureQueriesContext(connection) as queries:
                found = asked(harbor, book_1=-84)
            counted.append(len(queries))
        assert found.people == found.more == 1001
        assert counted[0] == counted[1]
