"""What the mails say, and what they must not say."""

import datetime as dt
import re
from email.utils import parseaddr
from html.parser import HTMLParser

import pytest
from django.core.exceptions import ValidationError
from django.core.mail import EmailMultiAlternatives

from reminders import emails, outbox, rules
from reminders.models import Reminder
from schedules.models import Course
from schedules.templatetags.tracker import long_date
from tests.cast import NOW, TODAY, book, days, give

from .conftest import due_course, local, put_right, told

pytestmark = pytest.mark.django_db

# Days from TODAY to the due date at which each kind fits; the others hang on a visit or a record.
DUE_IN = {
    "book-1": 60,
    "book-2": 30,
    "book-3": 10,
    "second-visit": 10,
    "overdue-1": -5,
    "overdue-2": -36,
    "overdue-3": -50,
    "prepare": 10,
    "day-before": 10,
    "recorded": 184,
    "date-moved": 150,
}
TELLING = re.compile(
    r"\b(ocrevus|ocrelizumab|briumvi|infusion\w*|ms|multiple|sclerosis|neuro\w*|dose\w*|drug\w*"
    r"|treatment|therapy|patient|mg)\b",
    re.IGNORECASE,
)
OUTSIDE = ("Subject", "From", "Message-ID", "Date", "Auto-Submitted")


@pytest.fixture
def mail(harbor, rosa):
    """Makes the mail of one kind, as it would be sent at NOW."""

    def make(kind: str, *, now: dt.datetime = NOW, **patient) -> EmailMultiAlternatives:
        course = due_course(harbor, rosa, due_in=DUE_IN[kind], **patient)
        visit = book(course, rosa, TODAY + days(5)) if kind in {"prepare", "day-before"} else None
        if visit:
            course.refresh_from_db()
        row = Reminder(
            course=course, appointment=visit, kind=kind, due_version=course.due_version,
            due_on=TODAY + days(5) if visit else course.next_due_on, message_id="f" * 32,
            corrects=told(course, TODAY + days(160)) if kind == "date-moved" else None,
        )  # fmt: skip
        return emails.compose(row, now=now)

    return make


def html_of(message: EmailMultiAlternatives) -> str:
    [alternative] = message.alternatives
    return alternative.content


class Words(HTMLParser):
    """The visible words of a page, and its headings."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.inside: list[str] = []
        self.words: dict[str, str] = {}
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.inside.append(tag)

    def handle_endtag(self, tag):
        while self.inside and self.inside.pop() != tag:
            pass

    def handle_data(self, data):
        for tag in self.inside:
            self.words[tag] = self.words.get(tag, "") + data


every_kind = pytest.mark.parametrize("kind", rules.KINDS)


@every_kind
def test_the_subject_is_short(mail, kind):
    subject = mail(kind).subject
    assert len(subject) <= 60
    assert len(subject.split()) <= 9


@every_kind
def test_nothing_tells_why_from_the_outside(harbor, mail, kind):
    harbor.name = "Harbor MS Infusion Center"
    message = mail(kind, name="Zebulon", email="z@example.org").message()
    outside = " ".join(str(message[name]) for name in OUTSIDE)
    assert not TELLING.search(outside)
    assert "Zebulon" not in outside
    assert "Harbor" not in outside


@every_kind
def test_the_preview_is_neutral(mail, kind):
    first = Words(html_of(mail(kind))).words["div"].strip().splitlines()[0]
    assert first == "A message from your clinic."


@every_kind
def test_the_words_do_not_tell_what_the_visit_is_for(mail, kind):
    message = mail(kind)
    assert not TELLING.search(message.body)
    assert not TELLING.search(Words(html_of(message)).words["body"])


@every_kind
def test_both_forms_say_the_same(mail, kind):
    message = mail(kind)
    text = " ".join(message.body.split())
    page = Words(html_of(message)).words["body"].split("Dear")[1].split("See your")[0]
    sentences = [" ".join(one.split()) for one in re.findall(r"[A-Z][^.?!:]+[.?!:]", page)]
    assert len(sentences) > 2
    assert [one for one in sentences if one not in text] == []


@every_kind
def test_it_has_one_heading_that_is_the_subject(mail, kind):
    message = mail(kind)
    page = Words(html_of(message))
    assert page.tags.count("h1") == 1
    assert page.words["h1"] == page.words["title"] == message.subject


@every_kind
def test_it_has_no_pictures_and_no_scripts_and_a_language(mail, kind):
    html = html_of(mail(kind))
    assert not {"img", "script", "link", "iframe"} & set(Words(html).tags)
    assert '<html lang="en' in html
    assert 'name="color-scheme" content="light dark"' in html


@every_kind
def test_the_buttons_address_is_written_out_in_both_forms(mail, kind, settings):
    settings.SITE_URL = "https://visits.example.org"
    message = mail(kind)
    assert ">https://visits.example.org/</a>" in html_of(message)
    assert "https://visits.example.org/\n" in message.body


@every_kind
def test_it_is_small(mail, kind):
    assert len(mail(kind).message().as_bytes()) <= 20_000


@every_kind
def test_it_goes_to_one_person(mail, kind):
    message = mail(kind)
    assert message.recipients() == ["ana@example.org"]
    assert message.message()["To"] == "ana@example.org"


@every_kind
def test_the_foot_says_how_to_stop_and_whom_to_ask(mail, kind):
    body = " ".join(mail(kind).body.split())
    assert "You get this because you asked Harbor Clinic to email you." in body
    assert "To change or stop these emails, answer this one or call (555) 010-0142." in body
    assert "TTY: 711" in body


@every_kind
def test_no_word_blames(mail, kind):
    words = mail(kind).body.lower()
    assert not re.search(r"overdue|no-show|non-compliant|failed|suffer|missed", words)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("book-1", "It is due around Monday, May 11, 2026."),
        ("book-2", "We do not see a date for your visit yet."),
        ("second-visit", "Your second visit is due around Sunday, March 22, 2026."),
        ("overdue-1", "Your visit was due around Saturday, March 7, 2026."),
        ("overdue-2", "It is now 5 weeks late."),
        ("overdue-3", "Your visit is now 7 weeks late."),
        ("prepare", "Your visit is in 5 days: Tuesday, March 17, 2026, 9:00 a.m."),
        ("day-before", "Your visit is tomorrow, Tuesday, March 17, 2026, at 9:00 a.m."),
        ("recorded", "Your next visit is due around Saturday, September 12, 2026."),
        ("recorded", "We will email you in July when it is time to book."),
    ],
)
def test_it_says_the_date_in_words(mail, kind, words):
    assert words in " ".join(mail(kind).body.split())


def test_the_second_request_names_the_day_in_its_subject(mail):
    assert mail("book-2").subject == "Please book your clinic visit by April 11, 2026"


def test_a_day_that_is_here_is_no_deadline(mail, harbor):
    on_the_day = local(harbor, TODAY + days(10), 12)
    assert mail("book-3", now=on_the_day).subject == "Please book your clinic visit this week"


@every_kind
def test_no_sentence_ends_twice(mail, kind):
    message = mail(kind)
    paragraphs = re.sub(r"<[^>]+>", "", html_of(message))
    assert ".." not in message.body + paragraphs


def test_one_week_is_one_week(mail, harbor):
    now = local(harbor, TODAY - days(28), 12)
    assert "It is now 1 week late." in mail("overdue-2", now=now).body


def test_after_an_infusion_a_booked_visit_is_named(harbor, rosa):
    course = due_course(harbor, rosa, due_in=0)
    give(course, rosa, TODAY, now=NOW)
    book(course, rosa, TODAY + days(184))
    outbox.plan(now=NOW)
    message = emails.compose(Reminder.objects.get(), now=NOW)
    assert "Your next visit is booked for Saturday, September 12, 2026." in message.body
    assert "We will email you" not in message.body


def test_after_an_infusion_booking_may_be_open_already(harbor, rosa):
    harbor.booking_opens_days = 365
    harbor.save()
    course = due_course(harbor, rosa, due_in=0)
    give(course, rosa, TODAY, now=NOW)
    outbox.plan(now=NOW)
    body = emails.compose(Reminder.objects.get(kind="recorded"), now=NOW).body
    assert "Please book it now: (555) 010-0142." in body


def test_a_patient_in_another_zone_is_told_whose_clock_it_is(mail):
    body = mail("day-before", time_zone="America/Chicago").body
    assert "at 9:00 a.m. (EDT)." in body
    assert "(EDT)" not in mail("prepare").body


@every_kind
def test_the_due_date_that_counts_as_told_is_the_one_in_the_text(harbor, rosa, mail, kind):
    message = mail(kind)
    course = Course.objects.get()
    row = Reminder(course=course, kind=kind, due_on=course.next_due_on)
    named = long_date(course.next_due_on) in message.body
    assert emails.due_date_told(row, now=NOW) == (course.next_due_on if named else None)


def test_the_note_about_an_infusion_tells_no_due_date_if_it_names_a_visit(harbor, rosa):
    course = due_course(harbor, rosa, due_in=184)
    row = Reminder(course=course, kind="recorded", due_on=TODAY)
    assert emails.due_date_told(row, now=NOW) == course.next_due_on
    book(course, rosa, TODAY + days(180))
    assert emails.due_date_told(row, now=NOW) is None


class TestADatePutRight:
    @pytest.fixture
    def course(self, harbor, rosa) -> Course:
        return due_course(harbor, rosa, due_in=200)

    def body(self, course: Course, corrects: Reminder) -> str:
        course.refresh_from_db()
        row = Reminder(course=course, kind="date-moved", due_on=TODAY, corrects=corrects)
        message = emails.compose(row, now=NOW)
        text, html = " ".join(message.body.split()), Words(html_of(message)).words["body"]
        for sentence in text.split("Ana, ")[1].split(" See your date")[0].split(". "):
            assert sentence.rstrip(".") in " ".join(html.split())
        return text

    def test_it_names_the_date_that_was_told_and_the_right_one(self, course):
        text = self.body(course, told(course, dt.date(2026, 9, 10)))
        assert (
            "A date in your record was not right. We told you Thursday, September 10, 2026. The "
            "right date is Monday, September 28, 2026. We are sorry for the mix-up. You do not "
            "need to do anything." in text
        )

    def test_without_a_new_date_it_takes_the_old_one_back(self, course):
        first = told(course, dt.date(2026, 9, 10))
        put_right(course, None)
        text = self.body(course, first)
        assert (
            "We told you Thursday, September 10, 2026. That date no longer stands. Your clinic "
            "will tell you the new one. We are sorry" in text
        )

    def test_a_date_after_none_is_told_as_that(self, course):
        text = self.body(course, Reminder(course=course, kind="date-moved"))
        assert (
            "We told you that your date no longer stood. The right date is Monday, September 28, "
            "2026. We are sorry" in text
        )

    def test_where_there_is_something_to_do_it_says_what(self, harbor, course):
        harbor.booking_opens_days = 200
        harbor.save()
        text = self.body(course, told(course, dt.date(2026, 9, 10)))
        assert "We are sorry for the mix-up. Please book your visit now: (555) 010-0142." in text
        assert "anything" not in text

    def test_a_visit_that_is_booked_stays_so(self, course, rosa):
        book(course, rosa, TODAY + days(201))
        text = self.body(course, told(course, dt.date(2026, 9, 10)))
        assert (
            "We are sorry for the mix-up. Your visit stays booked for Tuesday, September 29, 2026. "
            "You do not need to do anything." in text
        )

    def test_no_visit_is_confirmed_while_there_is_no_date(self, course, rosa):
        book(course, rosa, TODAY + days(201))
        put_right(course, None)
        assert "booked" not in self.body(course, told(course, dt.date(2026, 9, 10)))


def test_odd_characters_are_shown_as_they_are(mail):
    message = mail("book-1", name="<b>O'Brien & {{ 7 }} %s", email="ob@example.org")
    assert "Dear <b>O'Brien & {{ 7 }} %s," in message.body
    assert "Dear &lt;b&gt;O&#x27;Brien &amp; {{ 7 }} %s," in html_of(message)


@pytest.mark.parametrize(
    "email",
    [
        "ana@example.org\r\nBcc: eve@example.org",
        "ana@example.org,eve@example.org",
        "<ana@example.org>, <eve@example.org>",
        "ana@example.org\n",
        "nobody",
    ],
)
def test_an_address_that_is_more_than_one_is_refused(mail, email):
    with pytest.raises(ValidationError):
        mail("book-1", email=email)


def test_a_line_break_in_the_services_name_makes_no_header(mail, settings):
    settings.SITE_NAME = "Visits\r\nBcc: eve@example.org"
    message = mail("book-1").message()
    assert message["Bcc"] is None
    assert parseaddr(message["From"])[1] == settings.DEFAULT_FROM_EMAIL


def test_the_senders_name_is_the_services(mail, settings):
    settings.SITE_NAME = "Visits"
    settings.DEFAULT_FROM_EMAIL = "Harbor MS Center <desk@harbor.test>"
    assert mail("book-1").from_email == "Visits <desk@harbor.test>"


def test_the_mark_of_a_mail_is_its_own_and_says_nothing(mail, settings):
    settings.SITE_URL = "https://visits.example.org:8443"
    assert mail("book-1").message()["Message-ID"] == f"<{'f' * 32}@visits.example.org>"


def test_a_second_copy_bears_the_first_ones_date(mail, harbor, rosa):
    course = due_course(harbor, rosa, due_in=60)
    row = Reminder(course=course, kind="book-1", due_on=course.next_due_on, dated_at=NOW)
    later = emails.compose(row, now=NOW + days(1))
    assert later.message()["Date"] == "Thu, 12 Mar 2026 15:00:00 +0000"


def test_a_language_that_no_mail_is_written_in_is_not_mixed_in(mail):
    message = mail("book-1", language="es")
    assert '<html lang="en">' in html_of(message)
    assert "May 11, 2026" in message.body
