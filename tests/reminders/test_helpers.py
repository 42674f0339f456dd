"""People who get copies: asked once, at most a few, and only after they said yes."""

import pytest

from ocrevus_tracker.accounts.models import User
from ocrevus_tracker.audit.models import Entry
from reminders import helpers
from reminders.models import Helper, Reminder, State
from schedules.models import UNDO_FOR, Course, Grant, Patient
from tests.cast import NOW, TODAY, days

pytestmark = pytest.mark.django_db


def invite(patient, email: str = "hal@example.org", *, can: str = "reminders", now=NOW, **facts):
    facts = {"name": "Hal", "actor": patient.user} | facts
    return helpers.invite_helper(patient=patient, email=email, can=can, now=now, **facts)


def acts() -> list[tuple[str, object]]:
    made = ["add patient", "invite patient", "claim record", "record infusion"]
    entries = Entry.objects.exclude(act__in=made)
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


def account(email: str = "hal@example.org") -> User:
    return User.objects.get(email=email)


def seen_by(user) -> set[str]:
    return {one.given_name for one in Patient.objects.shown_to(user)}


class TestWhatAHelperSees:
    def test_nothing_before_they_say_yes(self, ben):
        invite(ben)
        assert not User.objects.filter(email="hal@example.org").exists()
        assert not Grant.objects.exists()

    @pytest.mark.parametrize(
        ("can", "copies", "tells"),
        [("dates", False, False), ("reminders", True, False), ("tell", True, True)],
    )
    def test_what_the_patient_chose(self, ben, can, copies, tells):
        helper = invite(ben, can=can).helper
        helpers.accept_invitation(helper=helper, now=NOW)
        helper.refresh_from_db()
        assert seen_by(account()) == {"Ben"}
        assert helper.grant.may_tell == tells
        assert Helper.objects.getting_copies().exists() == copies
        assert not account().has_usable_password()

    def test_other_people_only_where_they_help_as_well(self, ben, carla, ana):
        for patient in (ben, carla):
            helpers.accept_invitation(helper=invite(patient).helper, now=NOW)
        assert seen_by(account()) == {"Ben", "Carla"}

    def test_a_record_once_however_many_help(self, ben, rosa):
        for number in range(3):
            helper = invite(ben, f"h{number}@example.org").helper
            helpers.accept_invitation(helper=helper, now=NOW)
        assert list(Patient.objects.visible_to(rosa)) == [ben]

    def test_nothing_from_the_moment_they_are_removed(self, ben):
        helper = invite(ben).helper
        helpers.accept_invitation(helper=helper, now=NOW)
        helpers.remove_helper(helper=helper, actor=ben.user, now=NOW)
        assert seen_by(account()) == set()
        assert not Patient.objects.visible_to(account()).exists()

    def test_their_own_record_stays_theirs(self, ben, ana):
        helper = invite(ben, "ana@example.org").helper
        helpers.accept_invitation(helper=helper, now=NOW)
        assert seen_by(ana.user) == {"Ana", "Ben"}
        helpers.remove_helper(helper=helper, now=NOW)
        assert seen_by(ana.user) == {"Ana"}

    def test_who_was_asked_for_copies_alone_sees_none(self, ben):
        helper = Helper.objects.create(
            patient=ben, name="Old", email="old@example.org", invited_at=NOW
        )
        helpers.accept_invitation(helper=helper, now=NOW)
        assert not Grant.objects.exists()
        assert helper in Helper.objects.getting_copies()


class TestPuttingBack:
    def test_undoes_a_removal(self, ben):
        helper = invite(ben).helper
        helpers.accept_invitation(helper=helper, now=NOW)
        helpers.remove_helper(helper=helper, actor=ben.user, now=NOW)
        helper.refresh_from_db()
        assert helpers.put_back(helper=helper, actor=ben.user, now=NOW)
        assert seen_by(account()) == {"Ben"}
        assert not helpers.put_back(helper=helper, actor=ben.user, now=NOW)
        assert acts()[-1] == ("put helper back", ben.user)

    def test_grants_nothing_to_who_has_not_said_yes(self, ben):
        helper = invite(ben).helper
        helpers.remove_helper(helper=helper, actor=ben.user, now=NOW)
        assert helpers.put_back(helper=helper, actor=ben.user, now=NOW)
        assert not Grant.objects.exists()

    def test_is_for_a_moment(self, ben):
        helper = invite(ben).helper
        helpers.remove_helper(helper=helper, actor=ben.user, now=NOW)
        assert not helpers.put_back(helper=helper, actor=ben.user, now=NOW + UNDO_FOR)

    def test_brings_nobody_back_who_left_by_themselves(self, ben):
        helper = invite(ben).helper
        helpers.remove_helper(helper=helper, now=NOW)
        assert not helpers.put_back(helper=helper, actor=ben.user, now=NOW)

    def test_leaves_a_new_invitation_alone(self, ben):
        helper = invite(ben).helper
        helpers.remove_helper(helper=helper, actor=ben.user, now=NOW)
        invite(ben)
        assert not helpers.put_back(helper=helper, actor=ben.user, now=NOW)


class TestStoppingCopies:
    def test_leaves_the_dates(self, ben):
        helper = invite(ben).helper
        helpers.accept_invitation(helper=helper, now=NOW)
        for first in (True, False):
            assert helpers.stop_copies(helper=helper, now=NOW) == first
        assert seen_by(account()) == {"Ben"}
        assert not Helper.objects.getting_copies().exists()

    def test_takes_off_the_list_who_has_nothing_else(self, ben):
        helper = Helper.objects.create(
            patient=ben, name="Old", email="old@example.org", invited_at=NOW, accepted_at=NOW
        )
        assert helpers.stop_copies(helper=helper, now=NOW)
        helper.refresh_from_db()
        assert helper.removed_at == NOW


def test_the_reason_of_staff_is_on_the_trail(ben, rosa):
    invite(ben, actor=rosa, reason="Asked on the phone")
    entry = Entry.objects.get(act="invite helper")
    assert (entry.actor, entry.reason) == (rosa, "Asked on the phone")
