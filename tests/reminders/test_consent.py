"""Who wants which mail, for planning and for the last look before sending."""

import pytest
from django.db.models import Exists, OuterRef

from reminders import choices, outbox, rules
from reminders.consent import is_wanted, refused_kinds, refuses, wanted_by_patient
from reminders.models import Helper, Kind, Preference, Reminder, State, Topic
from schedules.models import Course
from tests.cast import NOW, TODAY

from .conftest import due_course, only_row, rendered

pytestmark = pytest.mark.django_db

EVERY_CHOICE = ["only_needed", *(topic.field for topic in Topic)]


def helper_of(patient, **fields) -> Helper:
    fields = {"name": "Hal", "email": "hal@example.org", "accepted_at": NOW} | fields
    return Helper.objects.create(patient=patient, invited_at=NOW, **fields)


def row(patient, kind: str, helper: Helper | None = None) -> Reminder:
    return Reminder.objects.create(
        patient=patient, course=patient.course, kind=kind, due_on=TODAY, next_at=NOW,
        not_after=NOW, helper=helper, recipient=helper.recipient if helper else "patient",
    )  # fmt: skip


def wanted() -> set[str]:
    return set(Reminder.objects.filter(is_wanted()).values_list("kind", flat=True))


PLAIN = [kind for kind in rules.TOPICS if kind not in {"changed", "cancelled", "date-moved"}]


@pytest.mark.parametrize("choice", EVERY_CHOICE)
def test_each_choice_keeps_away_what_it_names_and_nothing_else(ben, choice):
    Preference.objects.create(patient=ben, changed_at=NOW, **{choice: True})
    for kind in PLAIN:
        row(ben, kind)
    away = set(PLAIN) - rules.NEEDED
    if choice != "only_needed":
        away = {kind for kind in PLAIN if f"stops_{rules.TOPICS[kind]}" == choice}
    assert wanted() == set(PLAIN) - away


def test_without_any_choice_everything_is_wanted(ben):
    for kind in PLAIN:
        row(ben, kind)
    assert wanted() == set(PLAIN)


def test_what_the_patient_stops_goes_to_no_helper_either(ben):
    Preference.objects.create(patient=ben, changed_at=NOW, stops_booking=True)
    row(ben, "book-1", helper_of(ben))
    row(ben, "book-1")
    kept = row(ben, "prepare", Helper.objects.get())
    assert list(Reminder.objects.filter(is_wanted())) == [kept]


def test_what_a_helper_stops_the_patient_and_others_still_get(ben):
    stopped = row(ben, "prepare", helper_of(ben, only_needed=True))
    row(ben, "prepare")
    row(ben, "prepare", helper_of(ben, email="ida@example.org"))
    assert set(Reminder.objects.exclude(is_wanted())) == {stopped}


def test_another_patients_choice_is_another_ones(ben, carla):
    Preference.objects.create(patient=carla, changed_at=NOW, stops_booking=True)
    row(ben, "book-1")
    assert wanted() == {"book-1"}


def test_an_invitation_is_no_topic_to_stop(ben):
    helper = helper_of(ben, accepted_at=None, only_needed=True, stops_booking=True)
    Reminder.objects.create(
        patient=ben, kind=Kind.HELPER_INVITE, due_on=TODAY, next_at=NOW, not_after=NOW,
        helper=helper, recipient=helper.recipient,
    )  # fmt: skip
    assert wanted() == {"helper-invite"}


@pytest.mark.parametrize("choice", EVERY_CHOICE)
def test_planning_asks_the_same_of_courses_and_helpers(ben, choice):
    chosen = Preference.objects.create(patient=ben, changed_at=NOW, **{choice: True})
    helper = helper_of(ben, **{choice: True})
    helper_of(ben, email="ida@example.org", accepted_at=None)
    refused = refused_kinds(chosen)
    assert refused
    for kind in rules.TOPICS:
        courses = Course.objects.filter(wanted_by_patient(kind))
        assert courses.exists() == (kind not in refused)
        wanting = Helper.objects.helping().exclude(refuses(kind))
        assert list(wanting) == ([] if kind in refused else [helper])


def test_the_condition_holds_in_an_update(ben):
    """As the fence asks it: in the WHERE of the UPDATE itself."""
    Preference.objects.create(patient=ben, changed_at=NOW, stops_booking=True)
    row(ben, "book-1")
    row(ben, "prepare")
    assert Reminder.objects.filter(is_wanted()).update(subject="gone") == 1
    assert Reminder.objects.get(subject="gone").kind == "prepare"


def test_it_can_stand_in_a_subquery(ben):
    Preference.objects.create(patient=ben, changed_at=NOW, stops_booking=True)
    row(ben, "book-1")
    rows = Reminder.objects.filter(is_wanted(), course=OuterRef("pk"))
    assert not Course.objects.filter(Exists(rows)).exists()


# -- From the choice to the mail


def test_a_stopped_mail_is_not_planned(harbor, rosa):
    course = due_course(harbor, rosa, due_in=60)
    choices.stop_topic(patient=course.patient, topic=Topic.BOOKING, now=NOW)
    outbox.plan(now=NOW)
    assert not Reminder.objects.exists()


def test_a_mail_that_was_planned_is_suppressed_and_comes_back(harbor, rosa, sink):
    course = due_course(harbor, rosa, due_in=60)
    outbox.plan(now=NOW)
    choices.stop_topic(patient=course.patient, topic=Topic.BOOKING, now=NOW)
    outbox.tick(now=NOW)
    assert only_row().state == State.SUPPRESSED
    choices.resume_topic(patient=course.patient, topic=Topic.BOOKING, now=NOW)
    outbox.tick(now=NOW)
    assert only_row().state == State.PLANNED
    outbox.deliver(now=NOW)
    assert len(sink.mails) == 1


def test_a_stop_holds_before_anything_is_planned_anew(harbor, rosa, sink):
    course = due_course(harbor, rosa, due_in=60)
    outbox.plan(now=NOW)
    choices.stop_topic(patient=course.patient, topic=Topic.BOOKING, now=NOW)
    outbox.deliver(now=NOW)
    assert only_row().state == State.PLANNED
    assert sink.mails == []


def test_a_stop_holds_for_a_mail_that_is_in_hand(harbor, rosa):
    """Claimed and rendered: the last look before it leaves sees the choice."""
    course = due_course(harbor, rosa, due_in=60)
    outbox.plan(now=NOW)
    [held] = outbox.claim(now=NOW, owner="worker")
    choices.stop_topic(patient=course.patient, topic=Topic.BOOKING, now=NOW)
    assert outbox.fence([rendered(held)], now=NOW) == set()
