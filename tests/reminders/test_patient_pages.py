"""A patient's own pages about mail."""

import datetime as dt

import pytest
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from ocrevus_tracker.audit.models import Entry
from reminders import helpers
from reminders.models import DeadAddress, Helper, Level, Preference, Reminder, State, Topic
from schedules.models import UNDO_FOR, Course, Patient
from tests.cast import NOW, TODAY, book, days, make_patient, signed_in

from .test_stop_page import everything, text

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

ANSWERS = {"which": "all", "level": "date", "language": "en"}
PAGES = ["settings", "sent", "people", "add_helper"]
BUTTONS = ["test_mail", "stop_topic", "resume_topic"]


@pytest.fixture
def client(ben) -> Client:
    return signed_in(ben.user)


@pytest.fixture(autouse=True)
def _no_tests_sent():
    cache.clear()


def at(name: str, patient: Patient | None = None, *args) -> str:
    query = f"?record={patient.pk}" if patient else ""
    return reverse(f"reminders:{name}", args=args) + query


def sent_mail(patient, **fields) -> Reminder:
    fields = {
        "kind": "book-1", "state": State.ACCEPTED, "subject": "Time to book your clinic visit",
        "body_text": "Dear Ben,\n\nIt is time to book.", "dated_at": NOW, "accepted_at": NOW,
        "due_on": TODAY + days(29),
    } | fields  # fmt: skip
    return Reminder.objects.create(
        patient=patient, course=patient.course, next_at=NOW, not_after=NOW + days(9), **fields
    )


def planned(patient, **fields) -> Reminder:
    version = Course.objects.get(patient=patient).due_version
    fields = {"state": State.PLANNED, "dated_at": None, "due_version": version} | fields
    return sent_mail(patient, **fields)


# -- Whose page it is


@pytest.mark.parametrize("name", PAGES)
def test_a_stranger_is_led_to_the_door(name, ben):
    assert Client().get(at(name, ben)).status_code == 302


@pytest.mark.parametrize("name", [*PAGES, *BUTTONS])
@pytest.mark.parametrize("who", ["mallory", "carla", "rosa"])
def test_nobody_else_finds_a_persons_pages(request, ben, name, who):
    user = request.getfixturevalue(who)
    user = getattr(user, "user", user)
    before = everything()
    answer = {"topic": "booking"} | ANSWERS
    assert signed_in(user).get(at(name, ben)).status_code in {404, 405}
    assert signed_in(user).post(at(name, ben), answer).status_code in {404, 405}
    assert everything() == before


@pytest.mark.parametrize("who", ["mallory", "carla", "rosa"])
def test_nobody_else_finds_a_persons_helper(request, ben, who):
    helper = Helper.objects.create(patient=ben, name="Hal", email="hal@example.org", invited_at=NOW)
    user = request.getfixturevalue(who)
    user = getattr(user, "user", user)
    for name in ("remove_helper", "put_back_helper"):
        for path in (at(name, None, helper.pk), at(name, ben, helper.pk)):
            assert signed_in(user).post(path).status_code == 404
    helper.refresh_from_db()
    assert helper.removed_at is None


def test_a_couple_with_one_address_chooses_first(client, ben, harbor, rosa):
    partner = make_patient(harbor, rosa, "Abe", email=ben.email)
    page = client.get(at("settings"))
    assert "Whose emails do you want to see?" in text(page)
    client.post(at("settings", partner), ANSWERS | {"which": "none"})
    ben.refresh_from_db()
    partner.refresh_from_db()
    assert (ben.wants_reminders, partner.wants_reminders) == (True, False)


@pytest.mark.parametrize("record", ["", "x", "9" * 40, "-1"])
def test_a_strange_record_is_no_page(client, record):
    assert client.get(at("settings"), {"record": record}).status_code == 404


def test_without_a_record_there_is_nothing(mallory):
    page = signed_in(mallory).get(at("settings"))
    assert page.status_code == 404
    assert "We have no dates for this email address" in text(page)


def test_home_leads_there(client):
    assert f'href="{at("settings")}"' in text(client.get("/home/"))


@pytest.mark.parametrize("name", PAGES)
def test_looking_changes_nothing(client, ben, name):
    before = everything()
    assert client.get(at(name, ben)).status_code == 200
    assert client.head(at(name, ben)).status_code == 200
    assert everything() == before


@pytest.mark.parametrize("name", BUTTONS)
def test_buttons_need_a_post(client, ben, name):
    assert client.get(at(name, ben)).status_code == 405


@pytest.mark.parametrize("name", ["settings", "add_helper", *BUTTONS])
def test_another_site_cannot_press_them(ben, name):
    client = signed_in(ben.user, Client(enforce_csrf_checks=True))
    before = everything()
    assert client.post(at(name, ben), ANSWERS | {"topic": "booking"}).status_code == 403
    assert everything() == before


# -- What to get


def initial(client, ben) -> dict:
    return client.get(at("settings", ben)).context["form"].initial


def test_at_first_everything_is_sent_with_the_date(client, ben):
    assert initial(client, ben) == {"which": "all", "level": "date", "language": "en"}


@pytest.mark.parametrize("which", ["all", "needed", "none"])
def test_what_is_saved_is_shown(client, ben, which):
    answers = {"which": which, "level": "plain", "language": "es"}
    assert client.post(at("settings", ben), answers).status_code == 302
    assert initial(client, ben) == answers


def test_it_says_when_the_next_mail_comes(client, ben):
    page = client.post(at("settings", ben), ANSWERS, follow=True)
    assert "Saved. Your next email will be on or after Thursday, March 12, 2026." in text(page)


def test_nothing_is_nothing(client, ben):
    page = client.post(at("settings", ben), ANSWERS | {"which": "none"}, follow=True)
    told = "Saved. We will stop emails. Your clinic may still call you about your care."
    assert told in text(page)


def test_with_no_mail_to_come_it_only_says_saved(client, ben):
    Course.objects.update(stopped_on=TODAY)
    page = client.post(at("settings", ben), ANSWERS, follow=True)
    assert "Saved. Your" not in text(page)
    assert "<p>Saved.</p>" in page.content.decode()


def test_stopped_topics_stay_until_everything_is_chosen(client, ben):
    Preference.objects.create(patient=ben, changed_at=NOW, stops_visit=True)
    page = client.get(at("settings", ben))
    assert page.context["form"].initial["which"] == "some"
    assert "All but these: News about a booked visit" in text(page)
    client.post(at("settings", ben), ANSWERS | {"which": "some"})
    assert Preference.objects.get().stopped_topics == [Topic.VISIT]
    client.post(at("settings", ben), ANSWERS)
    assert Preference.objects.get().stopped_topics == []


def test_without_stopped_topics_there_is_no_such_answer(client, ben):
    page = client.post(at("settings", ben), ANSWERS | {"which": "some"})
    assert "Choose one of the answers" in text(page)


@pytest.mark.parametrize("field", ANSWERS)
@pytest.mark.parametrize("junk", ["", "x", "\x00", "<script>", "{0.__class__}", "a" * 10**5])
def test_a_strange_answer_is_asked_again(client, ben, field, junk):
    before = everything()
    page = client.post(at("settings", ben), ANSWERS | {field: junk})
    assert page.status_code == 200
    assert "There is a problem" in text(page)
    assert everything() == before


def test_other_fields_of_a_post_are_ignored(client, ben):
    client.post(at("settings", ben), ANSWERS | {"email": "x@example.org", "clinic": "9"})
    ben.refresh_from_db()
    assert ben.email == "ben@example.org"


def test_an_address_that_mails_come_back_from_is_told(client, ben):
    DeadAddress.objects.create(patient=ben, email=ben.email, found_at=NOW)
    html = text(client.get(at("settings", ben)))
    assert "Our last email to ben@example.org did not arrive. Check the address." in html
    assert "To change it, call" in html


def test_an_address_that_was_put_right_is_fine(client, ben):
    DeadAddress.objects.create(patient=ben, email="old@example.org", found_at=NOW)
    assert "did not arrive" not in text(client.get(at("settings", ben)))


def test_the_page_speaks_spanish(client, ben):
    page = client.post(at("settings", ben), ANSWERS | {"language": "es"}, follow=True)
    assert '<html lang="es"' in page.content.decode()
    html = text(page)
    assert "Guardado. Su próximo correo será a partir del jueves, 12 de marzo de 2026." in html
    assert "¿Qué le enviamos por correo?" in html


# -- What was sent and what comes next


def test_a_sent_mail_is_there_in_its_own_words(client, ben):
    sent_mail(ben)
    html = text(client.get(at("sent", ben)))
    assert "Time to book your clinic visit" in html
    assert "Thursday, March 12, 2026, 11:00 a.m." in html
    assert "<p>It is time to book.</p>" in html


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (State.ON_WIRE, "On its way"),
        (State.IN_DOUBT, "On its way"),
        (State.ACCEPTED, "Sent"),
        (State.DELIVERED, "Arrived"),
        (State.BOUNCED, "Came back"),
        (State.FAILED, "Could not be sent"),
    ],
)
def test_what_became_of_it_is_said_plainly(client, ben, state, word):
    sent_mail(ben, state=state)
    assert f"{word}</p>" in text(client.get(at("sent", ben)))


@pytest.mark.parametrize("state", [State.CANCELLED, State.SUPPRESSED, State.EXPIRED, State.PLANNED])
def test_what_never_left_is_no_sent_mail(client, ben, state):
    sent_mail(ben, state=state, dated_at=None)
    assert "No emails yet." in text(client.get(at("sent", ben)))


def test_other_peoples_mails_are_not_there(client, ben, carla):
    sent_mail(carla, subject="For Carla")
    helper = Helper.objects.create(patient=ben, name="H", email="h@example.org", invited_at=NOW)
    sent_mail(ben, subject="For Hal", helper=helper, recipient=helper.recipient)
    html = text(client.get(at("sent", ben)))
    assert "For Carla" not in html
    assert "For Hal" not in html


def test_the_text_of_a_mail_cannot_write_the_page(client, ben):
    sent_mail(ben, subject="<b>{{7*7}}", body_text="<script>alert(1)</script>{%x%}%s")
    html = client.get(at("sent", ben)).content.decode()
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;{%x%}%s" in html
    assert "&lt;b&gt;{{7*7}}" in html


def test_many_mails_cost_as_many_queries_as_one(client, ben, django_assert_max_num_queries):
    for kind in ("book-1", "book-2", "overdue-1", "prepare"):
        sent_mail(ben, kind=kind)
    with django_assert_max_num_queries(13):  # one of them tells the trail who looked
        client.get(at("sent", ben))


def ahead(client, ben) -> list[tuple[dt.date, str]]:
    return [(one.on, one.kind.value) for one in client.get(at("sent", ben)).context["ahead"]]


def test_a_planned_mail_is_next(client, ben):
    row = planned(ben)
    Reminder.objects.filter(pk=row.pk).update(next_at=NOW + days(3))
    assert ahead(client, ben) == [(TODAY + days(3), "book-1")]
    assert "Time to book: on or after Sunday, March 15, 2026" in text(client.get(at("sent", ben)))


def test_a_planned_mail_that_is_not_wanted_any_more_is_not_next(client, ben):
    planned(ben)
    client.post(at("stop_topic", ben), {"topic": "booking"})
    assert ahead(client, ben) == []
    assert "No email is planned now." in text(client.get(at("sent", ben)))


def test_without_a_plan_the_rules_say_what_is_next(client, ben, clock):
    """The due date is April 10; booking opens on January 30."""
    clock.move_to(dt.datetime(2025, 12, 1, 15, tzinfo=dt.UTC), tick=False)
    assert ahead(client, ben) == [(dt.date(2026, 1, 30), "book-1")]


def test_what_was_sent_already_is_not_next_again(client, ben):
    """Ben is 29 days before the due date: in the window of the second request."""
    assert ahead(client, ben) == [(TODAY, "book-2")]
    sent_mail(ben, kind="book-2")
    assert ahead(client, ben) == [(dt.date(2026, 3, 20), "book-3")]


def test_with_a_visit_its_own_mails_are_next(client, ben, rosa):
    book(ben.course, rosa, TODAY + days(20))
    assert ahead(client, ben) == [(TODAY + days(13), "prepare")]
    client.post(at("settings", ben), ANSWERS | {"which": "needed"})
    assert ahead(client, ben) == [(TODAY + days(19), "day-before")]


def test_new_people_have_no_next_mail(ana):
    client = signed_in(ana.user)
    assert client.get(at("sent", ana)).context["ahead"] == []


def test_who_wants_nothing_has_no_next_mail(client, ben):
    client.post(at("settings", ben), ANSWERS | {"which": "none"})
    assert ahead(client, ben) == []
    assert "You asked us to stop all emails." in text(client.get(at("sent", ben)))


@pytest.mark.parametrize("topic", Topic)
def test_a_topic_can_be_stopped_and_turned_on_right_there(client, ben, topic):
    page = client.post(at("stop_topic", ben), {"topic": topic.value}, follow=True)
    assert f"Done. We will not send you these emails: {topic.label}." in text(page)
    assert Preference.objects.get().stopped_topics == [topic]
    page = client.post(at("resume_topic", ben), {"topic": topic.value}, follow=True)
    assert f"Done. We will send you these emails again: {topic.label}." in text(page)
    assert Preference.objects.get().stopped_topics == []


@pytest.mark.parametrize("topic", ["", "x", "\x00", "digest"])
def test_there_is_no_other_topic(client, ben, topic):
    assert client.post(at("stop_topic", ben), {"topic": topic}).status_code == 404


# -- A test


def test_a_test_mail_goes_at_once_and_says_nothing(client, ben, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    page = client.post(at("test_mail", ben), follow=True)
    assert "We sent a test to ben@example.org." in text(page)
    [message] = mail.outbox
    assert (message.subject, message.to, message.cc, message.bcc) == (
        "This is a test", ["ben@example.org"], [], [],
    )  # fmt: skip
    whole = message.message().as_string()
    for word in ("Harbor", "Ben Example", "infusion", "Ocrevus", "2026-"):
        assert word not in whole
    assert Entry.objects.filter(act="send test mail", actor=ben.user).count() == 1


def test_one_test_at_a_time(client, ben, clock):
    client.post(at("test_mail", ben), follow=True)
    page = client.post(at("test_mail", ben), follow=True)
    assert "We sent a test a moment ago." in text(page)
    assert len(mail.outbox) == 1
    clock.move_to(NOW + dt.timedelta(minutes=3))
    client.post(at("test_mail", ben))
    assert len(mail.outbox) == 2


@pytest.mark.parametrize("error", [OSError, RuntimeError, ValueError])
def test_a_test_that_fails_says_whom_to_call(client, ben, monkeypatch, caplog, error):
    def refuse(*_args, **_kwargs):
        raise error("ben@example.org")

    with monkeypatch.context() as broken:
        broken.setattr("reminders.trial.EmailMessage.send", refuse)
        page = client.post(at("test_mail", ben), follow=True)
    assert "We could not send the test. Try again, or call (555) 010-0142." in text(page)
    assert "ben@example.org" not in caplog.text
    page = client.post(at("test_mail", ben), follow=True)
    assert "We sent a test" in text(page)


def test_without_an_address_there_is_no_test(client, ben):
    Patient.objects.filter(pk=ben.pk).update(email="")
    assert "Send me a test email" not in text(client.get(at("settings", ben)))
    page = client.post(at("test_mail", ben), follow=True)
    assert "We could not send the test." in text(page)
    assert mail.outbox == []


# -- Who helps


def add(client, ben, **answers):
    answers = {"name": "Hal", "email": "hal@example.org", "can": "dates"} | answers
    return client.post(at("add_helper", ben), answers, follow=True)


def says_yes() -> Helper:
    helper = Helper.objects.get()
    helpers.accept_invitation(helper=helper, now=NOW)
    return helper


def test_nobody_is_said_to_see_the_dates(client, ben):
    assert "No one else can see your dates." in text(client.get(at("people", ben)))


def test_a_person_is_asked_and_shown_as_waiting(client, ben):
    html = text(add(client, ben))
    assert "Saved. We will email Hal and ask." in html
    assert "Invited. Waiting for an answer." in html
    assert Reminder.objects.get().kind == "helper-invite"


def test_a_double_tap_asks_once(client, ben):
    add(client, ben)
    assert "Hal is on the list already. We kept one copy." in text(add(client, ben))
    assert Reminder.objects.count() == Helper.objects.count() == 1


@pytest.mark.parametrize(
    ("can", "words"),
    [
        ("dates", "Sees dates"),
        ("reminders", "Sees dates, gets copies of emails"),
        ("tell", "Sees dates, gets copies of emails, can tell the clinic about changes"),
    ],
)
def test_the_list_says_what_each_may_do(client, ben, can, words):
    assert f"<p>{words}</p>" in text(add(client, ben, can=can))


def test_whoever_said_yes_is_seen_and_an_old_invite_says_so(client, ben, clock):
    add(client, ben)
    hal = says_yes()
    add(client, ben, name="Ida", email="ida@example.org")
    assert "Said yes. Has not looked yet." in text(client.get(at("people", ben)))
    hal.refresh_from_db()
    signed_in(hal.grant.user).get("/home/")
    clock.move_to(NOW + days(15))
    signed_in(ben.user, client)
    html = text(client.get(at("people", ben)))
    assert "Last seen Thursday, March 12, 2026" in html
    assert "The invite is too old. Add this person again to send a new one." in html


def test_removing_is_instant_and_can_be_undone(client, ben):
    add(client, ben)
    hal = says_yes()
    hal.refresh_from_db()
    helper = signed_in(hal.grant.user)
    assert helper.get("/home/").status_code == 200
    for _tap in range(2):
        page = client.post(at("remove_helper", ben, hal.pk), follow=True)
        assert "Hal can no longer see your dates, and gets no copies." in text(page)
    assert "No one else can see your dates." in text(page)
    assert helper.get("/home/").status_code == 404
    page = client.post(at("put_back_helper", ben, hal.pk), follow=True)
    assert "Hal is back on the list." in text(page)
    assert helper.get("/home/").status_code == 200


def test_undoing_too_late_says_what_to_do(client, ben, clock):
    add(client, ben)
    hal = Helper.objects.get()
    client.post(at("remove_helper", ben, hal.pk))
    clock.move_to(NOW + UNDO_FOR)
    page = client.post(at("put_back_helper", ben, hal.pk), follow=True)
    assert "It is too late to undo this. Add Hal again." in text(page)
    assert "Undo" not in text(client.get(at("people", ben))).replace("undo this", "")


@pytest.mark.parametrize("name", ["remove_helper", "put_back_helper"])
def test_neither_is_done_by_a_link(client, ben, name):
    add(client, ben)
    assert client.get(at(name, ben, Helper.objects.get().pk)).status_code == 405


def test_a_refusal_is_said_and_loses_nothing(client, ben):
    page = client.post(
        at("add_helper", ben), {"name": "Me", "email": "BEN@example.org", "can": "dates"}
    )
    assert "This is your own address." in text(page)
    assert 'value="Me"' in page.content.decode()


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ({"name": "Hal\r\nBcc: x@example.org"}, "Write this on one line"),
        ({"name": "Hal\u202e"}, "Take out the characters that cannot be shown"),
        ({"name": "H\x00al"}, "Take out the characters that cannot be shown"),
        ({"name": ""}, "Enter a name"),
        ({"name": "x" * 81}, "Use 80 characters or fewer"),
        ({"can": ""}, "Choose an answer for “They can”"),
        ({"can": "everything"}, "Choose one of the answers"),
        ({"email": ""}, "Enter an email address, like name@example.com"),
        ({"email": "hal@example.org\r\nBcc: x@example.org"}, "Enter an email address"),
        ({"email": "hal@example.org\nx"}, "Enter an email address"),
        ({"email": "a@b"}, "Enter an email address"),
        ({"email": "<a@example.org>,<b@example.org>"}, "Enter an email address"),
        ({"email": "a@example.org,b@example.org"}, "Enter an email address"),
        ({"email": "a@example.org b@example.org"}, "Enter an email address"),
        ({"email": "hal@example.org."}, "Enter an email address"),
        ({"email": "hal@exämple.org"}, "Enter an email address"),
        ({"email": "hal\u200b@example.org"}, "Enter an email address"),
        ({"email": "h\x00al@example.org"}, "Enter an email address"),
        ({"email": "h" * 320 + "@example.org"}, "Use 254 characters or fewer"),
    ],
)
def test_odd_names_and_addresses_are_refused_in_words(client, ben, answers, told):
    page = add(client, ben, **answers)
    assert page.status_code == 200
    assert told in text(page)
    assert not Helper.objects.exists()


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "{{7*7}}{%x%}", "%s{0.__class__}"])
def test_a_name_is_shown_as_it_is(client, ben, name):
    html = add(client, ben, name=name).content.decode()
    assert "<script>alert" not in html
    for sign in ("{{7*7}}{%x%}", "%s{0.__class__}"):
        assert (sign in html) == (sign == name)
    page = client.post(at("remove_helper", ben, Helper.objects.get().pk), follow=True)
    assert "<script>alert" not in page.content.decode()


def test_a_quoted_address_is_one_recipient(client, ben):
    add(client, ben, email='"a,b"@example.org')
    assert Helper.objects.get().email == '"a,b"@example.org'


def test_every_level_is_offered(client, ben):
    html = text(client.get(at("settings", ben)))
    assert all(str(level.label) in html for level in Level)
