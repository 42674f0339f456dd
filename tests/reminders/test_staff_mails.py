"""What staff do about a patient's mails: send again, take off the list, trust an address."""

import pytest
from django.urls import reverse

from ocrevus_tracker.audit.models import Entry
from reminders import outbox, resending, unreached
from reminders.models import DeadAddress, Helper, Reminder, State
from reminders.resending import UnableToResend
from schedules import actions, worklists
from schedules.models import Appointment, Course, StopReason
from tests.cast import NOW, TODAY, book, days, signed_in

from .conftest import due_course, hold

pytestmark = pytest.mark.django_db
FAILED = (State.FAILED, State.EXPIRED, State.BOUNCED)


@pytest.fixture(autouse=True)
def _clock(clock):
    """All of it happens at NOW."""


@pytest.fixture
def course(harbor, rosa) -> Course:
    return due_course(harbor, rosa, due_in=60)


def mail_about(course: Course, **fields) -> Reminder:
    """One that was sent yesterday, about the due date as it is."""
    yesterday = NOW - days(1)
    fields = {
        "kind": "book-1", "due_on": course.next_due_on, "state": State.ACCEPTED,
        "accepted_at": yesterday, "subject": "Time to book your clinic visit",
        "body_text": "As it was.",
    } | fields  # fmt: skip
    return Reminder.objects.create(
        course=course, patient=course.patient, next_at=yesterday, not_after=yesterday, **fields
    )


def visit_mail(course: Course, nurse, kind: str, *, ahead: int, **fields) -> Reminder:
    """A mail about a visit so many days from TODAY."""
    visit = book(course, nurse, TODAY + days(ahead))
    return mail_about(
        course, kind=kind, due_on=TODAY + days(ahead), appointment=visit,
        visit_at=visit.starts_at, **fields,
    )  # fmt: skip


def helper_of(course: Course, **fields) -> Helper:
    fields = {"accepted_at": NOW, "email": "hal@example.org"} | fields
    return Helper.objects.create(patient=course.patient, name="Hal", invited_at=NOW, **fields)


def again(mail: Reminder, actor, *, reason: str = "It did not arrive", now=NOW) -> Reminder:
    return resending.resend(reminder=mail, actor=actor, now=now, reason=reason)


def address(name: str, *args: int) -> str:
    return reverse(f"reminders:{name}", args=args)


class TestSendingAgain:
    def test_it_is_a_new_row_that_knows_what_it_repeats_and_why(self, course, rosa):
        mail = mail_about(course)
        row = again(mail, rosa)
        assert (row.resend_of, row.requested_by, row.request_reason) == (
            mail, rosa, "It did not arrive",
        )  # fmt: skip
        assert (row.state, row.kind, row.due_on) == (State.PLANNED, "book-1", mail.due_on)
        assert row.due_version == course.due_version
        entry = Entry.objects.get(act="send mail again")
        assert (entry.actor, entry.reason) == (rosa, "It did not arrive")

    def test_it_is_sent_in_todays_words(self, course, rosa, sink):
        row = again(mail_about(course), rosa)
        assert outbox.deliver(now=NOW) == 1
        row.refresh_from_db()
        assert row.state == State.ACCEPTED
        assert "It is due around Monday, May 11, 2026." in row.body_text

    def test_a_double_tap_makes_one(self, course, rosa):
        mail = mail_about(course)
        assert again(mail, rosa) == again(mail, rosa)
        assert Reminder.objects.filter(resend_of=mail).count() == 1

    def test_nor_does_a_tap_just_after_it_left(self, course, rosa):
        mail = mail_about(course)
        row = again(mail, rosa)
        Reminder.objects.filter(pk=row.pk).update(state=State.ACCEPTED, accepted_at=NOW)
        assert again(mail, rosa) == row

    def test_the_next_day_it_may_be_asked_for_anew(self, course, rosa):
        mail = mail_about(course)
        row = again(mail, rosa)
        Reminder.objects.filter(pk=row.pk).update(state=State.ACCEPTED, accepted_at=NOW)
        assert again(mail, rosa, now=NOW + days(1)) != row

    @pytest.mark.parametrize("state", FAILED)
    def test_one_that_did_not_get_through_is_off_the_list_then(self, course, rosa, state):
        mail = mail_about(course, state=state)
        again(mail, rosa)
        mail.refresh_from_db()
        assert (mail.checked_at, mail.checked_by) == (NOW, rosa)

    def test_a_helpers_copy_goes_to_the_helper(self, course, rosa):
        helper = helper_of(course)
        row = again(mail_about(course, helper=helper, recipient=helper.recipient), rosa)
        assert (row.helper, row.recipient) == (helper, helper.recipient)

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda p: type(p).objects.update(wants_reminders=False), "does not want email"),
            (lambda p: type(p).objects.update(email=""), "There is no email address"),
            (
                lambda p: DeadAddress.objects.create(patient=p, email=p.email, found_at=NOW),
                "Emails to this address come back",
            ),
        ],
    )
    def test_nobody_is_written_to_who_cannot_be_or_does_not_want_it(
        self, course, rosa, change, words
    ):
        mail = mail_about(course)
        change(course.patient)
        with pytest.raises(UnableToResend, match=words):
            again(mail, rosa)
        assert Reminder.objects.count() == 1

    @pytest.mark.parametrize("fields", [{"accepted_at": None}, {"removed_at": NOW}])
    def test_nor_a_helper_who_did_not_say_yes_or_was_removed(self, course, rosa, fields):
        helper = helper_of(course, **fields)
        mail = mail_about(course, helper=helper, recipient=helper.recipient)
        with pytest.raises(UnableToResend, match="This helper does not get emails"):
            again(mail, rosa)

    def test_nor_anybody_on_pause_or_after_the_end(self, course, rosa, priya):
        mail = mail_about(course)
        pause = hold(course, rosa)
        with pytest.raises(UnableToResend, match="stopped or on pause"):
            again(mail, rosa)
        pause.delete()
        actions.stop_course(
            course=course, actor=priya, now=NOW, stopped_on=TODAY, reason=StopReason.MOVED
        )
        with pytest.raises(UnableToResend, match="stopped or on pause"):
            again(mail, rosa)

    def test_not_once_the_due_date_moved(self, course, rosa):
        mail = mail_about(course, due_on=course.next_due_on + days(1))
        with pytest.raises(UnableToResend, match="due date has changed"):
            again(mail, rosa)

    def test_nor_once_a_visit_is_booked(self, harbor, rosa):
        course = due_course(harbor, rosa, due_in=20)
        mail = mail_about(course)
        Appointment.objects.create(
            course=course, starts_at=NOW + days(20), booked_by=rosa, booked_at=NOW
        )
        with pytest.raises(UnableToResend, match="A visit is booked now"):
            again(mail, rosa)

    @pytest.mark.parametrize(
        ("due_in", "kind", "words"),
        [
            (-3, "book-3", "late by now"),
            (-2, "overdue-1", "is not late"),
            (-3, "second-visit", "late by now"),
        ],
    )
    def test_nor_what_would_say_late_to_the_punctual(self, harbor, rosa, due_in, kind, words):
        mail = mail_about(due_course(harbor, rosa, due_in=due_in), kind=kind)
        with pytest.raises(UnableToResend, match=words):
            again(mail, rosa)

    @pytest.mark.parametrize(("due_in", "kind"), [(-2, "book-3"), (-3, "overdue-1")])
    def test_what_fits_the_day_goes(self, harbor, rosa, due_in, kind):
        assert again(mail_about(due_course(harbor, rosa, due_in=due_in), kind=kind), rosa).pk

    def test_a_visits_mail_goes_while_the_visit_stands(self, harbor, rosa):
        course = due_course(harbor, rosa, due_in=5)
        mail = visit_mail(course, rosa, "prepare", ahead=5)
        assert again(mail, rosa).not_after == min(mail.visit_at, NOW + days(3))

    def test_not_once_it_moved(self, harbor, rosa):
        course = due_course(harbor, rosa, due_in=5)
        mail = visit_mail(course, rosa, "prepare", ahead=5)
        Appointment.objects.update(starts_at=mail.visit_at + days(1))
        with pytest.raises(UnableToResend, match="not booked like that"):
            again(mail, rosa)

    def test_nothing_says_tomorrow_on_another_day(self, harbor, rosa):
        course = due_course(harbor, rosa, due_in=2)
        mail = visit_mail(course, rosa, "day-before", ahead=2)
        with pytest.raises(UnableToResend, match="The visit is not tomorrow"):
            again(mail, rosa)
        assert again(mail, rosa, now=NOW + days(1)).not_after == mail.visit_at

    def test_a_cancelled_visit_stays_cancelled(self, harbor, rosa):
        course = due_course(harbor, rosa, due_in=5)
        told = visit_mail(course, rosa, "prepare", ahead=5)
        mail = mail_about(
            course, kind="cancelled", corrects=told, visit_at=told.visit_at, due_on=told.due_on
        )
        with pytest.raises(UnableToResend, match="A visit is booked at that time"):
            again(mail, rosa)
        Appointment.objects.update(status="cancelled")
        assert again(mail, rosa).corrects == told

    def test_the_note_about_an_infusion_while_it_counts(self, course, rosa):
        infusion = course.infusions.get()
        mail = mail_about(course, kind="recorded", infusion=infusion, due_on=infusion.given_on)
        assert again(mail, rosa).infusion == infusion
        type(infusion).objects.update(voided_at=NOW)
        with pytest.raises(UnableToResend, match="does not count any more"):
            again(Reminder.objects.get(pk=mail.pk), rosa, now=NOW + days(1))

    @pytest.mark.parametrize("state", [State.PLANNED, State.IN_DOUBT, State.CANCELLED])
    def test_not_what_is_on_its_way_or_was_not_needed(self, course, rosa, state):
        with pytest.raises(UnableToResend, match="cannot be sent again"):
            again(mail_about(course, state=state), rosa)

    def test_not_without_a_reason(self, course, rosa):
        with pytest.raises(UnableToResend, match="Say why"):
            again(mail_about(course), rosa, reason="  ")

    def test_not_by_somebody_of_another_clinic(self, course, nils):
        with pytest.raises(UnableToResend, match="clinic's own people"):
            again(mail_about(course), nils)


class TestPage:
    def page(self, user, course) -> str:
        response = signed_in(user).get(address("mails", course.patient_id))
        assert response.status_code == 200
        return response.content.decode()

    def test_it_says_to_whom_and_when_it_arrived_or_came_back(self, course, rosa):
        helper = helper_of(course)
        mail_about(course, delivered_at=NOW)
        mail_about(
            course, kind="book-2", helper=helper, recipient=helper.recipient, bounced_at=NOW,
            state=State.BOUNCED,
        )  # fmt: skip
        html = self.page(rosa, course)
        assert "To Ana Example" in html
        assert "Arrived Thursday, March 12, 2026, 11:00 a.m." in html
        assert "Copy to Hal, who helps (hal@example.org)" in html
        assert "Came back Thursday, March 12, 2026, 11:00 a.m." in html

    def test_it_tells_who_asked_for_one_again_and_who_saw_what(self, course, rosa):
        mail = mail_about(course, state=State.FAILED)
        client = signed_in(rosa)
        client.post(
            address("resend", course.patient_id, mail.pk),
            {"why": "other", "note": "New telephone", "entry_key": "0" * 32},
        )
        html = self.page(rosa, course)
        assert "Sent again by Rosa. Reason: Another reason: New telephone" in html
        assert "Seen by Rosa, Thursday, March 12, 2026, 11:00 a.m." in html

    def test_sending_again_asks_why(self, course, rosa):
        mail = mail_about(course)
        url = address("resend", course.patient_id, mail.pk)
        client = signed_in(rosa)
        assert "Why is it sent again?" in client.get(url).content.decode()
        html = client.post(url, {"why": "other", "entry_key": "0" * 32}).content.decode()
        assert "Say why it is sent again" in html
        assert Reminder.objects.count() == 1

    def test_a_refusal_is_said_on_the_page(self, course, rosa):
        mail = mail_about(course, due_on=TODAY)
        url = address("resend", course.patient_id, mail.pk)
        html = signed_in(rosa).post(url, {"why": "asked", "entry_key": "0" * 32}).content.decode()
        assert "The due date has changed since." in html

    def test_a_double_tap_on_the_page_makes_one(self, course, rosa):
        mail = mail_about(course)
        url, client = address("resend", course.patient_id, mail.pk), signed_in(rosa)
        for _tap in range(2):
            sent = client.post(url, {"why": "asked", "note": "", "entry_key": "0" * 32})
            assert sent.status_code == 302
        assert Reminder.objects.filter(resend_of=mail).count() == 1

    def test_there_is_no_such_page_for_what_cannot_be_sent_again(self, course, rosa):
        mail = mail_about(course, state=State.CANCELLED)
        assert signed_in(rosa).get(address("resend", course.patient_id, mail.pk)).status_code == 404

    @pytest.mark.parametrize("who", ["nils", "mallory", "the patient"])
    @pytest.mark.parametrize("name", ["resend", "seen", "trust"])
    def test_nobody_else_finds_any_of_it(self, request, course, who, name):
        mail = mail_about(course, state=State.FAILED)
        dead = DeadAddress.objects.create(
            patient=course.patient, email=course.patient.email, found_at=NOW
        )
        user = course.patient.user if who == "the patient" else request.getfixturevalue(who)
        what = dead.pk if name == "trust" else mail.pk
        assert signed_in(user).post(address(name, course.patient_id, what)).status_code == 404
        assert DeadAddress.objects.exists()
        assert Reminder.objects.get().checked_at is None

    def test_another_patients_mail_is_none_of_this_ones(self, harbor, course, rosa):
        other = mail_about(due_course(harbor, rosa, due_in=60, name="Ben"), state=State.FAILED)
        client = signed_in(rosa)
        for name in ("seen", "resend"):
            url = address(name, course.patient_id, other.pk)
            assert client.post(url).status_code == 404

    @pytest.mark.parametrize("name", ["seen", "trust"])
    def test_looking_changes_nothing(self, course, rosa, name):
        assert signed_in(rosa).get(address(name, course.patient_id, 1)).status_code == 405


class TestToCheck:
    def words(self, clinic) -> list[str]:
        found = worklists.page_of("check", [clinic], NOW, count=9, number=None)
        return [f"{row.word}: {row.step}" for row in found.object_list]

    @pytest.mark.parametrize("state", FAILED)
    def test_what_did_not_get_through_is_on_the_list_until_somebody_saw_to_it(
        self, course, harbor, rosa, state
    ):
        mail = mail_about(course, state=state)
        assert self.words(harbor) == ["Email did not arrive: call: reminders:mails"]
        assert worklists.counts([harbor], NOW)["check"] == 1
        client = signed_in(rosa)
        for _tap in range(2):
            sent = client.post(address("seen", course.patient_id, mail.pk), follow=True)
            assert "It is off the list." in sent.content.decode()
        assert self.words(harbor) == []
        mail.refresh_from_db()
        assert (mail.checked_at, mail.checked_by, mail.state) == (NOW, rosa, state)
        assert Entry.objects.filter(act="see to mail").count() == 1

    def test_what_arrived_cannot_be_seen_to(self, course, rosa):
        mail = mail_about(course)
        sent = signed_in(rosa).post(address("seen", course.patient_id, mail.pk), follow=True)
        assert "This email is not on the list." in sent.content.decode()

    def test_a_mail_about_the_course_before_counts_too(self, course, harbor):
        mail_about(course, state=State.FAILED)
        Course.objects.filter(pk=course.pk).update(stopped_on=TODAY)
        Course.objects.create(
            patient=course.patient, regimen_code="ocrevus-sc", regimen_version="2026-11"
        )
        assert len(self.words(harbor)) == 1

    def test_a_dead_address_is_on_the_list_while_it_is_in_use(self, course, harbor, rosa):
        patient = course.patient
        DeadAddress.objects.create(patient=patient, email=patient.email, found_at=NOW)
        assert self.words(harbor) == ["Email address does not work: reminders:mails"]
        type(patient).objects.update(email="right@example.org")
        assert self.words(harbor) == []

    def test_a_clinical_question_comes_before_a_mail(self, course, harbor, rosa):
        mail_about(course, state=State.FAILED)
        Appointment.objects.create(
            course=course, starts_at=NOW - days(1), booked_by=rosa, booked_at=NOW - days(3)
        )
        assert self.words(harbor) == ["Visit not recorded: staff:patient"]

    def test_other_clinics_do_not_see_it(self, course, hill):
        mail_about(course, state=State.FAILED)
        assert self.words(hill) == []

    def test_thirty_take_as_many_queries_as_one(self, harbor, rosa, django_assert_max_num_queries):
        for number in range(3):
            mail_about(due_course(harbor, rosa, due_in=60, name=f"P{number}"), state=State.FAILED)
        client = signed_in(rosa)
        with django_assert_max_num_queries(13):  # one of them tells the trail who was shown
            page = client.get("/staff/", {"list": "check"})
        assert len(page.context["rows"].object_list) == 3
        assert address("mails", Reminder.objects.first().patient_id) in page.content.decode()


class TestDeadAddress:
    @pytest.fixture
    def dead(self, course) -> DeadAddress:
        return DeadAddress.objects.create(
            patient=course.patient, email=course.patient.email, found_at=NOW
        )

    def test_the_page_says_so_and_offers_to_try_again(self, course, rosa, dead):
        client = signed_in(rosa)
        html = client.get(address("mails", course.patient_id)).content.decode()
        assert "Emails to ana@example.org come back since Thursday, March 12, 2026." in html
        Course.objects.update(unplanned=False)
        for _tap in range(2):
            client.post(address("trust", course.patient_id, dead.pk))
        assert not DeadAddress.objects.exists()
        assert Course.objects.get().unplanned
        assert Entry.objects.filter(act="trust email address").count() == 1

    def test_mails_go_there_again(self, course, rosa, dead):
        to_patient = Reminder.objects.filter(patient=course.patient)
        outbox.plan(now=NOW)
        assert not to_patient.exists()
        unreached.trust_address(patient=course.patient, actor=rosa, now=NOW)
        outbox.plan(now=NOW)
        assert to_patient.get().kind == "book-1"

    def test_an_address_that_was_put_right_is_not_mentioned(self, course, rosa, dead):
        type(course.patient).objects.update(email="right@example.org")
        html = signed_in(rosa).get(address("mails", course.patient_id)).content.decode()
        assert "come back" not in html

    def test_a_helpers_address_is_the_helpers(self, course, rosa):
        helper = helper_of(course)
        dead = DeadAddress.objects.create(
            patient=course.patient, helper=helper, email=helper.email, found_at=NOW
        )
        client = signed_in(rosa)
        html = client.get(address("mails", course.patient_id)).content.decode()
        assert "It is the address of Hal, who helps." in html
        client.post(address("trust", course.patient_id, dead.pk))
        assert not DeadAddress.objects.exists()

    def test_strangers_may_not(self, course, nils, dead):
        with pytest.raises(unreached.UnableToSeeTo, match="clinic's own people"):
            unreached.trust_address(patient=course.patient, actor=nils, now=NOW)
