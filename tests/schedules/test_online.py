"""A record is claimed with a link and a date of birth, never by an address that somebody typed."""

import datetime as dt
import uuid

import pytest

from ocrevus_tracker.accounts.models import Role, User
from ocrevus_tracker.accounts.tokens import digest_of
from ocrevus_tracker.audit.models import Entry
from schedules import actions
from schedules.models import MOST_TRIES, Patient, PatientInvitation
from tests.cast import NOW, claim, days, make_patient, make_staff

pytestmark = pytest.mark.django_db

BORN = dt.date(1985, 3, 27)
WRONG = dt.date(1985, 3, 28)


def attempt(invitation, born=BORN, now=NOW):
    found = actions.claim_record(invitation=invitation, born=born, now=now)
    invitation.refresh_from_db()
    return found


def account_of(patient) -> User | None:
    return Patient.objects.get(pk=patient.pk).user


def acts() -> list[tuple[str, object]]:
    return list(Entry.objects.order_by("pk").values_list("act", "actor"))[1:]


def test_a_typed_address_opens_nothing(dora, ana, rosa):
    assert account_of(dora) is None
    ana.email = "mallory@example.org"
    actions.change_patient(patient=ana, changed=["email"], actor=rosa, now=NOW)
    assert account_of(ana).email == "ana@example.org"


def test_link_and_birth_date_claim_the_record(dora, sent, rosa):
    claimed = attempt(sent)
    assert (claimed.user, claimed.is_new) == (account_of(dora), True)
    assert claimed.user.email == "dora@example.org"
    assert not claimed.user.has_usable_password()
    assert sent.used_at == NOW
    assert acts() == [("invite patient", rosa.pk), ("claim record", claimed.user.pk)]


def test_a_link_works_once(dora, sent):
    attempt(sent)
    assert attempt(sent) is None


def test_a_wrong_date_is_counted_and_written_down(dora, sent):
    assert attempt(sent, WRONG) is None
    assert (account_of(dora), sent.tries) == (None, 1)
    assert acts()[-1] == ("wrong date of birth", None)
    assert attempt(sent)


def test_after_five_wrong_dates_the_right_one_comes_too_late(dora, sent):
    for _try in range(MOST_TRIES + 1):
        attempt(sent, WRONG)
    assert (sent.tries, sent.standing(NOW)) == (MOST_TRIES, "tried-out")
    assert attempt(sent) is None
    assert account_of(dora) is None


@pytest.mark.parametrize(("age", "works"), [(13, True), (14, False)])
def test_a_link_lasts_two_weeks(dora, sent, age, works):
    assert bool(attempt(sent, now=NOW + days(age))) == works
    assert sent.standing(NOW + days(age)) == ("used" if works else "too-old")


def test_a_new_invitation_ends_the_one_before(dora, sent, rosa):
    for _try in range(MOST_TRIES):
        attempt(sent, WRONG)
    again = actions.invite_patient(patient=dora, actor=rosa, now=NOW)
    assert attempt(sent) is None
    assert sent.standing(NOW) == "withdrawn"
    assert attempt(again)


def test_the_same_form_sent_twice_is_one_invitation(dora, rosa):
    key = uuid.uuid4()
    sent = [
        actions.invite_patient(patient=dora, actor=rosa, now=NOW, entry_key=key)
        for _tap in range(2)
    ]
    assert sent[0] == sent[1]
    assert PatientInvitation.objects.count() == 1


def test_a_form_of_another_record_is_refused(dora, ana, rosa):
    key = uuid.uuid4()
    actions.invite_patient(patient=dora, actor=rosa, now=NOW, entry_key=key)
    with pytest.raises(actions.UnableToInvitePatient, match="for another record"):
        actions.invite_patient(patient=ana, actor=rosa, now=NOW, entry_key=key)


def test_nobody_is_invited_without_an_address(dora, rosa):
    Patient.objects.update(email="")
    with pytest.raises(actions.UnableToInvitePatient, match="no email address"):
        actions.invite_patient(patient=dora, actor=rosa, now=NOW)


@pytest.mark.parametrize("verb", ["invite_patient", "withdraw_invitation", "end_online_access"])
def test_only_the_clinics_own_people_decide(dora, sent, harbor, nils, verb):
    more = {"reason": ""} if verb == "end_online_access" else {}
    for actor in (nils, make_staff(harbor, "Aud", Role.AUDITOR)):
        with pytest.raises(actions.UnableToInvitePatient, match="own people"):
            getattr(actions, verb)(patient=dora, actor=actor, now=NOW, **more)
    sent.refresh_from_db()
    assert sent.standing(NOW) == "open"


def test_what_is_kept_of_a_link_does_not_open_it(sent):
    assert len(sent.token) == 43
    assert sent.digest == digest_of(sent.token)
    assert sent.token not in {sent.seed, sent.digest}
    for kept in (sent.seed, sent.digest):
        assert not PatientInvitation.objects.with_token(kept).exists()
    assert PatientInvitation.objects.with_token(sent.token).get() == sent


def test_adding_a_patient_can_send_the_invitation(harbor, rosa):
    details = {"family_name": "E", "date_of_birth": BORN}
    for number, (email, count) in enumerate([("abe@example.org", 1), ("", 0)]):
        made = Patient(
            clinic=harbor, given_name="Abe", record_number=f"A-{number}", email=email, **details
        )
        saved = actions.add_patient(patient=made, actor=rosa, now=NOW, invite=True)
        assert PatientInvitation.objects.filter(patient=saved).count() == count


class TestAnotherAddress:
    def test_a_link_that_went_to_the_old_one_opens_nothing(self, dora, sent, rosa):
        dora.email = "right@example.org"
        actions.change_patient(patient=dora, changed=["email"], actor=rosa, now=NOW)
        assert attempt(sent) is None
        assert sent.standing(NOW) == "withdrawn"

    def test_the_same_address_in_other_letters_is_the_same(self, dora, sent, rosa):
        dora.email = "DORA@example.org"
        actions.change_patient(patient=dora, changed=["email"], actor=rosa, now=NOW)
        assert attempt(sent)

    def test_the_record_moves_when_the_new_one_has_claimed_it(self, ana, rosa):
        old = account_of(ana)
        ana.email = "new@example.org"
        actions.change_patient(patient=ana, changed=["email"], actor=rosa, now=NOW)
        invitation = actions.invite_patient(patient=ana, actor=rosa, now=NOW)
        assert account_of(ana) == old
        assert attempt(invitation).user == account_of(ana) != old


class TestSharedAddress:
    def test_each_record_is_claimed_with_its_own_birth_date(self, dora, harbor, rosa):
        claim(dora, rosa)
        made = Patient(
            clinic=harbor, given_name="Abe", family_name="Example", record_number="D-2",
            date_of_birth=WRONG, email="dora@example.org",
        )  # fmt: skip
        partner = actions.add_patient(patient=made, actor=rosa, now=NOW, invite=True)
        invitation = PatientInvitation.objects.get(patient=partner)
        assert attempt(invitation, BORN) is None
        claimed = attempt(invitation, WRONG)
        assert (claimed.user, claimed.is_new) == (account_of(dora), False)
        assert set(claimed.user.patients.all()) == {dora, partner}

    def test_a_record_at_two_clinics_is_two_claims(self, dora, hill, nils, rosa):
        claim(dora, rosa)
        there = make_patient(hill, nils, "Dora", email=dora.email)
        assert account_of(there) == account_of(dora)


class TestEnding:
    def test_it_ends_the_access_and_the_link(self, dora, rosa):
        user = claim(dora, rosa)
        again = actions.invite_patient(patient=dora, actor=rosa, now=NOW)
        ended = actions.end_online_access(
            patient=dora, actor=rosa, now=NOW, reason="Asked by phone"
        )
        assert ended
        assert account_of(dora) is None
        assert not Patient.objects.visible_to(user).exists()
        assert attempt(again) is None
        entry = Entry.objects.filter(act="end online access").get()
        assert (entry.actor, entry.reason, entry.subject) == (
            rosa, "Asked by phone", f"patient {dora.pk}",
        )  # fmt: skip

    def test_twice_is_once(self, dora, rosa):
        claim(dora, rosa)
        for first in (True, False):
            ended = actions.end_online_access(patient=dora, actor=rosa, now=NOW, reason="")
            assert ended == first
        assert Entry.objects.filter(act="end online access").count() == 1

    def test_an_invitation_can_be_taken_back_alone(self, dora, sent, rosa):
        for first in (True, False):
            taken = actions.withdraw_invitation(patient=dora, actor=rosa, now=NOW)
            assert taken == first
        assert attempt(sent) is None
        assert acts().count(("withdraw invitation", rosa.pk)) == 1
