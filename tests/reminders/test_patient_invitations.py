"""The mail that brings an invitation's link: at once, once, to the one address, telling nothing."""

import re

import pytest

from reminders import outbox
from reminders.letter import Letter
from reminders.models import DeadAddress, Reminder, State
from schedules import actions
from schedules.models import Patient, PatientInvitation
from tests.cast import NOW, TODAY, days

from .conftest import local, states

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock", "sink")]


def deliver(now=NOW) -> int:
    outbox.tick(now=now)
    return outbox.deliver(now=now)


def test_it_is_one_mail_within_the_next_minute(dora, sent, sink):
    outbox.plan(now=NOW - days(1))
    assert [deliver() for _minute in range(3)] == [1, 0, 0]
    [mail], [envelope] = sink.mails, sink.envelopes
    assert envelope.rcpt_tos == ["dora@example.org"]
    assert f"/begin/{sent.token}/" in mail.get_body(("plain",)).get_content()
    row = Reminder.objects.get()
    assert (row.kind, row.patient, row.course) == ("patient-invite", dora, None)
    assert (row.state, row.due_on) == (State.ACCEPTED, TODAY)
    assert row.not_after == NOW + days(14)


def test_somebody_waits_for_it_at_any_hour(dora, rosa, harbor):
    midnight = local(harbor, TODAY, 23, 30)
    actions.invite_patient(patient=dora, actor=rosa, now=midnight)
    assert deliver(midnight) == 1


def test_it_takes_nobodys_mail_of_the_day(sent):
    deliver()
    assert Reminder.objects.get().sent_on is None


def test_planning_twice_plans_once(sent):
    for _pass in range(2):
        PatientInvitation.objects.update(unplanned=True)
        outbox.plan(now=NOW)
    assert Reminder.objects.count() == 1


def test_an_invitation_that_no_mail_was_planned_for_is_missed(sent):
    assert outbox.missing(now=NOW) == 1
    outbox.plan(now=NOW)
    assert outbox.missing(now=NOW) == 0


def test_the_link_is_in_no_row_that_staff_or_a_thief_could_read(sent, sink):
    deliver()
    row = Reminder.objects.get()
    assert "To begin, open the page below." in row.body_text
    assert sent.token not in "".join(str(value) for value in vars(row).values())
    assert "/begin/…/" in row.body_text


def test_it_says_neither_who_nor_where(sent, sink):
    deliver()
    [mail] = sink.mails
    seen = mail.as_string() + mail.get_body(("plain",)).get_content()
    assert not re.search(r"Dora|Example\b|Harbor|\(555\)|infusion|ocrevus", seen)
    assert "List-Unsubscribe" not in mail


@pytest.mark.parametrize("verb", ["withdraw", "again", "claim", "address"])
def test_what_no_longer_opens_is_not_sent(dora, sent, rosa, verb):
    outbox.plan(now=NOW)
    if verb == "withdraw":
        actions.withdraw_invitation(patient=dora, actor=rosa, now=NOW)
    elif verb == "again":
        actions.invite_patient(patient=dora, actor=rosa, now=NOW)
    elif verb == "claim":
        actions.claim_record(invitation=sent, born=dora.date_of_birth, now=NOW)
    else:
        dora.email = "right@example.org"
        actions.change_patient(patient=dora, changed=["email"], actor=rosa, now=NOW)
    deliver()
    assert Reminder.objects.get(patient_invitation=sent).state != State.ACCEPTED


def test_who_wants_no_reminders_is_invited_all_the_same(dora, sent):
    Patient.objects.update(wants_reminders=False)
    assert deliver() == 1


def test_after_two_weeks_it_is_too_late(sent):
    outbox.plan(now=NOW)
    assert deliver(NOW + days(14)) == 0
    assert states() == {"patient-invite": State.EXPIRED}


def test_a_claimed_record_wants_no_mail(ana):
    assert not PatientInvitation.objects.filter(unplanned=True).exists()
    outbox.plan(now=NOW)
    assert not Reminder.objects.filter(kind="patient-invite").exists()


def test_an_address_that_mail_came_back_from_is_tried_when_staff_say_so(dora, sent, sink):
    DeadAddress.objects.create(patient=dora, email="dora@example.org", found_at=NOW)
    assert deliver() == 1


def test_a_letter_keeps_no_secret():
    made = Letter("S", "open s3cret now", "", "a@example.org", "b@example.org", {}, secret="s3cret")
    assert made.kept_text == "open … now"
