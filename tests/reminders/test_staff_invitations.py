"""The mail with a colleague's link: once, to the one address; the link is kept nowhere."""

import re

import pytest

from ocrevus_tracker.accounts.models import Role, StaffInvitation
from reminders import outbox
from reminders.models import Reminder, State
from reminders.unreached import failed_digests
from schedules import actions
from tests.cast import NOW, make_staff

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock", "sink")]


@pytest.fixture
def ada(harbor):
    return make_staff(harbor, "Ada", Role.ADMIN)


@pytest.fixture
def asked(harbor, ada) -> StaffInvitation:
    facts = {"email": "new@example.org", "role": Role.NURSE}
    return actions.invite_staff(clinic=harbor, actor=ada, now=NOW, **facts)


def deliver() -> int:
    outbox.tick(now=NOW)
    return outbox.deliver(now=NOW)


def test_it_goes_once_to_the_one_address(asked, harbor, sink):
    outbox.plan(now=NOW)
    assert [deliver() for _minute in range(2)] == [1, 0]
    [mail] = sink.mails
    assert sink.envelopes[0].rcpt_tos == ["new@example.org"]
    body = mail.get_body(("plain",)).get_content()
    assert f"/staff/join/{asked.token}/" in body
    assert "Harbor Clinic asked us to open an account for you." in body
    assert not re.search(r"infusion|ocrevus|patient", mail["Subject"], re.IGNORECASE)


def test_the_link_is_kept_nowhere(asked, harbor):
    deliver()
    row = Reminder.objects.get()
    assert (row.state, row.patient, row.clinic) == (State.ACCEPTED, None, harbor)
    assert asked.token not in "".join(str(value) for value in vars(row).values())


def test_it_does_not_go_once_the_link_has_ended(asked, ada):
    outbox.plan(now=NOW)
    actions.withdraw_staff_invitation(invitation=asked, actor=ada, now=NOW)
    assert deliver() == 0


def test_one_that_did_not_arrive_is_on_the_clinics_list(asked, harbor, hill):
    deliver()
    Reminder.objects.update(state=State.BOUNCED)
    assert failed_digests(harbor).get().staff_invitation == asked
    assert not failed_digests(hill).exists()
