"""What people decide about mail: saved once, on the trail, and planned anew."""

import pytest

from ocrevus_tracker.audit.models import Entry
from reminders import choices
from reminders.models import Helper, Level, Preference, Topic
from schedules.models import Course
from tests.cast import NOW, days

pytestmark = pytest.mark.django_db

LATER = NOW + days(1)


@pytest.fixture
def hal(ben) -> Helper:
    return Helper.objects.create(
        patient=ben, name="Hal", email="hal@example.org", invited_at=NOW, accepted_at=NOW
    )


@pytest.fixture(autouse=True)
def _planned(ben):
    Course.objects.update(unplanned=False)


def acts() -> list[tuple[str, str, object]]:
    mails = Entry.objects.filter(act__contains="mails").order_by("pk")
    return [(entry.act, entry.subject, entry.actor) for entry in mails]


def choose(patient, which: str, **fields) -> None:
    fields = {"level": Level.DATE, "language": "en", "actor": patient.user, "now": NOW} | fields
    choices.choose_mails(patient=patient, which=which, **fields)
    patient.refresh_from_db()


def kept(patient) -> tuple:
    now = Preference.objects.get(patient=patient)
    return patient.wants_reminders, now.only_needed, now.stopped_topics


@pytest.mark.parametrize(
    ("which", "expected"),
    [
        ("all", (True, False, [])),
        ("some", (True, False, [Topic.RECORD])),
        ("needed", (True, True, [Topic.RECORD])),
        ("none", (False, True, [Topic.RECORD])),
    ],
)
def test_each_answer_says_what_holds(ben, which, expected):
    Preference.objects.create(patient=ben, changed_at=NOW, stops_record=True, only_needed=True)
    choose(ben, which)
    assert kept(ben) == expected


def test_the_words_and_the_language_are_kept(ben):
    choose(ben, "all", level=Level.PLAIN, language="es")
    assert (ben.language, ben.preference.level) == ("es", "plain")


def test_a_choice_is_on_the_trail_and_mails_are_planned_anew(ben):
    choose(ben, "needed", now=LATER)
    assert acts() == [("choose mails", f"patient {ben.pk}", ben.user)]
    assert Course.objects.get(patient=ben).unplanned
    assert Preference.objects.get().changed_at == LATER


def test_the_same_choice_again_changes_nothing(ben):
    choose(ben, "needed")
    Course.objects.update(unplanned=False)
    choose(ben, "needed", now=LATER)
    assert len(acts()) == 1
    assert not Course.objects.get(patient=ben).unplanned
    assert Preference.objects.get().changed_at == NOW


def test_what_staff_change_at_the_same_time_stays(ben):
    stale = type(ben).objects.select_related("clinic").get(pk=ben.pk)
    type(ben).objects.filter(pk=ben.pk).update(phone="555 0100")
    choices.stop_all(patient=stale, now=NOW)
    ben.refresh_from_db()
    assert (ben.phone, ben.wants_reminders) == ("555 0100", False)


def test_a_stopped_topic_is_the_only_thing_that_changes(ben):
    choices.stop_topic(patient=ben, topic=Topic.VISIT, now=NOW)
    assert kept(ben) == (True, False, [Topic.VISIT])
    assert acts() == [("stop visit mails", f"patient {ben.pk}", None)]


def test_stopping_twice_is_stopping_once(ben):
    for now in (NOW, LATER):
        choices.stop_topic(patient=ben, topic=Topic.VISIT, now=now)
    assert len(acts()) == 1
    assert Preference.objects.get().changed_at == NOW


def test_a_helper_stops_for_itself(ben, hal):
    choices.stop_topic(patient=ben, helper=hal, topic=Topic.BOOKING, now=NOW)
    hal.refresh_from_db()
    assert hal.stopped_topics == [Topic.BOOKING]
    assert not Preference.objects.exists()
    assert acts() == [("stop booking mails", f"helper {hal.pk}", None)]


def test_who_was_removed_changes_nothing(ben, hal):
    Helper.objects.update(removed_at=NOW)
    choices.want_all(patient=ben, helper=hal, now=NOW)
    choices.stop_topic(patient=ben, helper=hal, topic=Topic.BOOKING, now=NOW)
    hal.refresh_from_db()
    assert hal.stopped_topics == []
    assert acts() == []


def test_fewer_mails_bring_the_stopped_topic_back(ben):
    choices.stop_topic(patient=ben, topic=Topic.VISIT, now=NOW)
    choices.stop_topic(patient=ben, topic=Topic.RECORD, now=NOW)
    choices.stop_all(patient=ben, now=NOW)
    choices.want_fewer(patient=ben, topic=Topic.VISIT, now=NOW)
    ben.refresh_from_db()
    assert kept(ben) == (True, True, [Topic.RECORD])


def test_a_helper_who_wants_fewer_turns_on_nobody_elses_mails(ben, hal):
    choices.stop_all(patient=ben, now=NOW)
    choices.want_fewer(patient=ben, helper=hal, topic=Topic.VISIT, now=NOW)
    choices.want_all(patient=ben, helper=hal, now=NOW)
    ben.refresh_from_db()
    assert not ben.wants_reminders


def test_everything_again(ben):
    choose(ben, "none")
    choices.stop_topic(patient=ben, topic=Topic.VISIT, now=NOW)
    choices.want_all(patient=ben, now=NOW)
    ben.refresh_from_db()
    assert kept(ben) == (True, False, [])
    assert acts()[-1] == ("want all mails", f"patient {ben.pk}", None)


def test_one_topic_again(ben):
    choices.stop_topic(patient=ben, topic=Topic.VISIT, now=NOW)
    choices.resume_topic(patient=ben, topic=Topic.VISIT, now=NOW, actor=ben.user)
    assert kept(ben) == (True, False, [])
    assert acts()[-1] == ("resume visit mails", f"patient {ben.pk}", ben.user)


def test_other_people_keep_their_choices(ben, carla):
    Course.objects.update(unplanned=False)
    choose(ben, "none")
    choices.stop_topic(patient=ben, topic=Topic.VISIT, now=NOW)
    carla.refresh_from_db()
    assert carla.wants_reminders
    assert not Preference.objects.filter(patient=carla).exists()
    assert not Course.objects.get(patient=carla).unplanned
