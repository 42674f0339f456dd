"""People who get copies: asked once, at most a few, and only after they said yes."""

import pytest

from ocrevus_tracker.audit.models import Entry
from reminders import helpers
from reminders.models import Helper, Reminder, State
from schedules.models import Course
from tests.cast import NOW, TODAY, days

pytestmark = pytest.mark.django_db


def invite(patient, email: str = "hal@example.org", *, name: str = "Hal", now=NOW):
    return helpers.invite_helper(
        patient=patient, name=name, email=email, actor=patient.user, now=now
    )


def acts() -> list[tuple[str, object]]:
    entries = Entry.objects.exclude(act="add patient").exclude(act="record infusion")
    return [(entry.act, entry.actor) for entry in entries.order_by("pk")]


def test_an_invitation_is_one_mail_that_is_about_no_course(ben):
    helper = invite(ben).helper
    row = Reminder.objects.get()
    assert (row.kind, row.patient, row.course, row.helper) == ("helper-invite", ben, None, helper)
    assert (row.recipient, row.due_on, row.state) == (f"helper-{helper.pk}", TODAY, State.PLANNED)
    assert (row.next_at, row.not_after) == (NOW, NOW + days(14))
    assert acts() == [("invite helper", ben.user)]


def test_the_day_of_an_invitation_is_the_patients(ben):
    ben.time_zone = "Pacific/Auckland"
    ben.save()
    assert invite(ben).is_new
    assert Reminder.objects.get().due_on == TODAY + days(1)


@pytest.mark.parametrize("again", ["hal@example.org", "HAL@Example.org"])
def test_a_second_tap_asks_nobody_twice(ben, again):
    first, second = invite(ben), invite(ben, again)
    assert (first.helper, first.is_new, second.is_new) == (second.helper, True, False)
    assert Reminder.objects.count() == 1
    assert acts() == [("invite helper", ben.user)]


def test_an_invitation_that_ran_out_makes_room_for_a_new_one(ben):
    old = invite(ben).helper
    new = invite(ben, now=NOW + days(14))
    old.refresh_from_db()
    assert new.is_new
    assert old.removed_at == NOW + days(14)
    assert Reminder.objects.count() == 2


def test_a_helper_is_never_taken_off_for_a_new_invitation(ben):
    helper = invite(ben).helper
    helpers.accept_invitation(helper=helper, now=NOW)
    assert not invite(ben, now=NOW + days(100)).is_new


@pytest.mark.parametrize("own", ["ben@example.org", "Ben@Example.org"])
def test_nobody_is_their_own_helper(ben, own):
    with pytest.raises(helpers.UnableToInvite, match="your own address"):
        invite(ben, own)
    assert not Helper.objects.exists()


def test_a_list_has_an_end(ben):
    for number in range(helpers.MOST_HELPERS):
        invite(ben, f"h{number}@example.org")
    with pytest.raises(helpers.UnableToInvite, match="At most 5 people"):
        invite(ben, "one-more@example.org")
    assert not invite(ben, "h0@example.org").is_new


def test_inviting_and_removing_in_turn_has_an_end_too(ben):
    for number in range(helpers.MOST_INVITATIONS_A_DAY):
        helper = invite(ben, f"h{number}@example.org").helper
        helpers.remove_helper(helper=helper, actor=ben.user, now=NOW)
    with pytest.raises(helpers.UnableToInvite, match="Try again tomorrow"):
        invite(ben, "one-more@example.org")
    assert invite(ben, "one-more@example.org", now=NOW + days(1)).is_new


def test_the_same_person_may_help_two_patients(ben, carla):
    assert invite(ben).is_new
    assert invite(carla).is_new


def test_saying_yes_plans_the_mails_anew(ben):
    helper = invite(ben).helper
    Course.objects.update(unplanned=False)
    assert helpers.accept_invitation(helper=helper, now=NOW)
    helper.refresh_from_db()
    assert helper.accepted_at == NOW
    assert Course.objects.get(patient=ben).unplanned
    assert acts()[-1] == ("accept invitation", None)


def test_saying_yes_twice_is_saying_it_once(ben):
    helper = invite(ben).helper
    assert helpers.accept_invitation(helper=helper, now=NOW)
    assert not helpers.accept_invitation(helper=helper, now=NOW + days(1))
    helper.refresh_from_db()
    assert helper.accepted_at == NOW


@pytest.mark.parametrize(("age", "accepted"), [(13, True), (14, False)])
def test_an_invitation_lasts_two_weeks(ben, age, accepted):
    helper = invite(ben).helper
    assert helpers.accept_invitation(helper=helper, now=NOW + days(age)) == accepted


def test_who_was_removed_cannot_say_yes(ben):
    helper = invite(ben).helper
    assert helpers.remove_helper(helper=helper, actor=ben.user, now=NOW)
    assert not helpers.accept_invitation(helper=helper, now=NOW)
    assert not Helper.objects.helping().exists()


def test_removing_twice_is_removing_once(ben):
    helper = invite(ben).helper
    assert helpers.remove_helper(helper=helper, now=NOW)
    assert not helpers.remove_helper(helper=helper, now=NOW + days(1))
    helper.refresh_from_db()
    assert helper.removed_at == NOW
    assert acts()[1:] == [("remove helper", None)]
