"""What each mail says, to whom, and in which shape."""

import datetime as dt
import re
from email.utils import parseaddr

import pytest
from django.core.exceptions import ValidationError

from ocrevus_tracker.accounts.models import Membership
from reminders import emails, links
from reminders.models import Helper, Kind, Level, Preference, Reminder, State
from schedules.models import Course
from schedules.templatetags.tracker import long_date
from tests.cast import NOW, TODAY, book, days, make_patient

from .conftest import due_course, local
from .letters import INVITES, TO_STAFF, Sample, Words, by_kind, clinic, letter, patient, reminder

pytestmark = pytest.mark.django_db

every_kind = pytest.mark.parametrize(
    "kind", [kind for kind in Kind if kind not in {*INVITES, *TO_STAFF}]
)


def text_of(kind: Kind, **fields) -> str:
    return " ".join(letter(Sample(kind), **fields).text.split())


class TestItsShape:
    @by_kind()
    def test_the_subject_is_short(self, samples):
        for sample in samples:
            subject = letter(sample).subject
            assert 0 < len(subject) <= 60
            assert len(subject.split()) <= 9

    @by_kind()
    def test_it_has_one_heading_that_is_the_subject(self, samples):
        for sample in samples:
            made = letter(sample)
            page = Words(made.html)
            assert page.tags.count("h1") == 1
            assert page.words["h1"] == page.words["title"] == made.subject

    @by_kind()
    def test_no_pictures_no_scripts_a_language_and_both_themes(self, samples):
        for sample in samples:
            html = letter(sample).html
            assert not {"img", "script", "link", "iframe", "form"} & set(Words(html).tags)
            assert f'<html lang="{sample.language}">' in html
            assert 'name="color-scheme" content="light dark"' in html
            assert "max-width: 600px" in html

    @by_kind()
    def test_both_forms_say_the_same(self, samples):
        for sample in samples:
            made = letter(sample)
            page = " ".join(Words(made.html).words["body"].split())
            missing = [
                sentence
                for line in made.text.splitlines()
                for sentence in re.split(r"(?<=[.?!]) (?=[A-Z¿])", line)
                if sentence != "--" and sentence.strip() not in page and "://" not in sentence
            ]
            assert missing == []
            addresses = set(re.findall(r"https?://\S+", made.text))
            assert addresses == {link for link in Words(made.html).links if link.startswith("http")}
            assert all(address in page for address in addresses)

    @by_kind()
    def test_there_is_one_button_but_for_helpers(self, samples):
        for sample in samples:
            page = Words(letter(sample).html)
            assert letter(sample).html.count('class="button"') == int(not sample.to_helper)
            assert len(page.links) == page.tags.count("a")

    @by_kind()
    def test_it_is_small(self, samples):
        for sample in samples:
            made = letter(sample, given_name="é" * 80, helper_name="é" * 80)
            assert len(made.as_bytes()) <= 20_000

    @by_kind()
    def test_the_preview_is_neutral(self, samples):
        for sample in samples:
            invited = sample.kind == Kind.HELPER_INVITE
            assert Words(letter(sample).html).preview in (
                {"Somebody asked us to write to you.", "Alguien nos pidió que le escribiéramos."}
                if invited
                else {"A message from your clinic.", "Un mensaje de su clínica."}
            )


class TestWhatItSays:
    @pytest.mark.parametrize(
        ("kind", "words"),
        [
            (Kind.BOOK_1, "It is due around Monday, May 11, 2026."),
            (Kind.BOOK_2, "We do not see a date for your visit yet."),
            (Kind.SECOND_VISIT, "Your second visit is due around Sunday, March 22, 2026."),
            (Kind.OVERDUE_1, "Your visit was due around Saturday, March 7, 2026."),
            (Kind.OVERDUE_2, "It is now 5 weeks late."),
            (Kind.OVERDUE_3, "Your visit is now 7 weeks late."),
            (Kind.BOOKED, "Your visit is booked: Tuesday, March 17, 2026, 9:00 a.m. Where: 12 Sh"),
            (
                Kind.CHANGED,
                (
                    "Your visit moved from Monday, March 16, 2026, 1:30 p.m. to Tuesday, March "
                    "17, 2026, 9:00 a.m. Where: 12 Shore Road, Harbor Need another day? Call (555)"
                ),
            ),
            (Kind.CANCELLED, "Your visit on Tuesday, March 17, 2026 is cancelled."),
            (Kind.PREPARE, "Your visit is in 5 days: Tuesday, March 17, 2026, 9:00 a.m."),
            (Kind.DAY_BEFORE, "Your visit is tomorrow, Tuesday, March 17, 2026, at 9:00 a.m."),
            (Kind.RECORDED, "Your next visit is due around Sunday, August 9, 2026."),
            (Kind.RECORDED, "We will email you in May when it is time to book."),
        ],
    )
    def test_the_date_in_words(self, kind, words):
        assert words in text_of(kind)

    def test_the_third_request_is_the_second_again(self):
        for language in ("en", "es"):
            second, third = (letter(Sample(kind, language), due_on=TODAY + days(20))
                             for kind in (Kind.BOOK_2, Kind.BOOK_3))  # fmt: skip
            assert (second.subject, second.text, second.html) == (
                third.subject, third.text, third.html,
            )  # fmt: skip

    def test_the_second_request_names_the_day_in_its_subject(self):
        subject = letter(Sample(Kind.BOOK_2)).subject
        assert subject == "Please book your clinic visit by April 11, 2026"
        assert letter(Sample(Kind.BOOK_2, "es")).subject == "Haga su cita antes del 11 de abril"

    def test_a_day_that_is_here_is_no_deadline(self):
        made = letter(Sample(Kind.BOOK_3), due_on=TODAY)
        assert made.subject == "Please book your clinic visit this week"

    def test_whose_day_it_is_depends_on_where_the_patient_lives(self):
        row = reminder(Sample(Kind.BOOK_3), due_on=TODAY, time_zone="Asia/Tokyo")
        evening = dt.datetime(2026, 3, 11, 16, tzinfo=dt.UTC)  # the 12th in Tokyo only
        assert emails.compose(row, now=evening).subject.endswith("this week")

    def test_one_week_is_one_week(self):
        assert "It is now 1 week late." in text_of(Kind.OVERDUE_2, due_on=TODAY - days(8))

    def test_a_patient_in_another_zone_is_told_whose_clock_it_is(self):
        assert "at 9:00 a.m. (EDT)." in text_of(Kind.DAY_BEFORE, time_zone="America/Chicago")
        assert "1:30 p.m. (EDT) to" in text_of(Kind.CHANGED, time_zone="America/Chicago")
        assert "(EDT)" not in text_of(Kind.DAY_BEFORE, time_zone="America/Toronto")

    def test_a_cancelled_visit_is_named_as_it_was_told_even_when_it_is_gone(self):
        row = reminder(Sample(Kind.CANCELLED))
        row.appointment = None
        assert "on Tuesday, March 17, 2026 is" in emails.compose(row, now=NOW).text

    def test_a_visit_of_which_no_time_was_told_has_a_new_one(self):
        row = reminder(Sample(Kind.CHANGED))
        row.corrects.visit_at = None
        assert "Your visit has a new time: Tuesday" in emails.compose(row, now=NOW).text

    @every_kind
    def test_the_foot_says_how_to_stop_and_whom_to_ask(self, kind, settings):
        settings.SITE_URL = "https://visits.example.org"
        row = reminder(Sample(kind))
        text = " ".join(emails.compose(row, now=NOW).text.split())
        assert "You get this because you asked Harbor Clinic to email you." in text
        assert f"stop emails: https://visits.example.org{links.stop_path(row)} " in text
        assert "Questions? Call (555) 010-0142, 8 a.m. to 5 p.m. TTY: 711." in text

    @every_kind
    def test_at_the_lowest_level_it_says_nothing_but_that(self, kind):
        made = letter(Sample(kind, level=Level.MESSAGE_ONLY))
        assert made.subject == "You have a message from your clinic"
        assert made.text.split("\n--\n")[0] == (
            "Dear Ana,\n\nYou have a message from your clinic.\nSign in to read it.\n\n"
            "Sign in: http://127.0.0.1:8000/\n"
        )

    def test_a_language_that_no_mail_is_written_in_is_not_mixed_in(self):
        made = letter(Sample(Kind.BOOK_1, language="fr"))
        assert '<html lang="en">' in made.html
        assert "May 11, 2026" in made.text

    def test_without_choices_the_date_is_told_and_not_what_it_is_for(self, harbor, rosa):
        course = due_course(harbor, rosa, due_in=60)
        row = Reminder(
            patient=course.patient, course=course, kind="book-1", due_on=course.next_due_on
        )
        text = emails.compose(row, now=NOW).text
        assert "next clinic visit" in text
        assert "May 11, 2026" in text


class TestTheNextDate:
    @pytest.fixture
    def course(self, harbor, rosa) -> Course:
        return due_course(harbor, rosa, due_in=200)

    def compose(self, course: Course, kind=Kind.RECORDED, **corrects) -> emails.Letter:
        row = Reminder(
            patient=course.patient, course=course, kind=kind, due_on=TODAY,
            corrects=Reminder(course=course, **corrects) if corrects else None,
        )  # fmt: skip
        return emails.compose(row, now=NOW)

    def text(self, *args, **corrects) -> str:
        return " ".join(self.compose(*args, **corrects).text.split())

    def test_a_booked_visit_is_named_after_an_infusion(self, course, rosa):
        book(course, rosa, TODAY + days(184))
        made = self.compose(course)
        assert "Your next visit is booked for Saturday, September 12, 2026." in made.text
        assert "We will email you" not in made.text
        assert made.told_due_on is None

    def test_booking_may_be_open_already(self, course):
        course.patient.clinic.booking_opens_days = 365
        assert "Please book it now: (555) 010-0142." in self.text(course)

    def test_there_may_be_none_yet(self, course):
        course.next_due_on = None
        made = self.compose(course)
        assert "Your clinic will tell you the next date." in made.text
        assert "due around" not in made.text
        assert made.told_due_on is None

    def test_put_right_it_stands_beside_the_one_that_was_told(self, course):
        text = self.text(course, Kind.DATE_MOVED, told_due_on=dt.date(2026, 9, 10))
        assert (
            "A date in your record was not right. We told you Thursday, September 10, 2026. The "
            "right date is Monday, September 28, 2026. We are sorry for the mix-up. You do not "
            "need to do anything." in text
        )

    def test_without_a_new_one_the_old_one_is_taken_back(self, course):
        course.next_due_on = None
        text = self.text(course, Kind.DATE_MOVED, told_due_on=dt.date(2026, 9, 10))
        assert (
            "We told you Thursday, September 10, 2026. That date no longer stands. Your clinic "
            "will tell you the new one. We are sorry" in text
        )

    def test_one_after_none_is_told_as_that(self, course):
        text = self.text(course, Kind.DATE_MOVED, told_due_on=None)
        assert (
            "We told you that your date no longer stood. The right date is Monday, September 28, "
            "2026. We are sorry" in text
        )

    def test_where_there_is_something_to_do_it_says_what(self, course):
        course.patient.clinic.booking_opens_days = 200
        text = self.text(course, Kind.DATE_MOVED, told_due_on=dt.date(2026, 9, 10))
        assert "We are sorry for the mix-up. Please book your visit now: (555) 010-0142." in text
        assert "anything" not in text

    def test_a_visit_that_is_booked_stays_so(self, course, rosa):
        book(course, rosa, TODAY + days(201))
        text = self.text(course, Kind.DATE_MOVED, told_due_on=dt.date(2026, 9, 10))
        assert (
            "We are sorry for the mix-up. Your visit stays booked for Tuesday, September 29, 2026. "
            "You do not need to do anything." in text
        )

    def test_no_visit_is_confirmed_while_there_is_no_date(self, course, rosa):
        book(course, rosa, TODAY + days(201))
        course.next_due_on = None
        text = self.text(course, Kind.DATE_MOVED, told_due_on=dt.date(2026, 9, 10))
        assert "booked" not in text


class TestWhatCountsAsTold:
    @every_kind
    def test_the_due_date_that_the_text_names(self, kind):
        row = reminder(Sample(kind))
        made = emails.compose(row, now=NOW)
        due_on = row.course.next_due_on
        assert made.told_due_on == (due_on if long_date(due_on) in made.text else None)

    @every_kind
    def test_the_same_at_every_level(self, kind):
        told = {letter(Sample(kind, level=level)).told_due_on for level in Level}
        assert len(told) == 1


class TestWhomItGoesTo:
    def test_the_patient_alone(self):
        made = letter(Sample(Kind.BOOK_1))
        assert made.to == "ana@example.org"
        assert made.as_message().recipients() == ["ana@example.org"]

    @every_kind
    def test_a_helper_gets_a_copy_that_says_of_whose(self, kind):
        made = letter(Sample(kind, to_helper=True))
        assert made.to == "leo@example.org"
        assert made.text.startswith("Dear Leo,\n\nThis is a copy of what we wrote to Ana.\n\n")
        assert "because you said yes to copies for Ana" in made.text

    def test_a_copy_says_no_more_than_the_patient_allowed(self):
        made = letter(Sample(Kind.BOOK_1, level=Level.MESSAGE_ONLY, to_helper=True))
        assert made.subject == "A message from the clinic"
        assert "There is a message from the clinic.\nAna can sign in to read it." in made.text
        assert "2026" not in made.text

    def test_a_helper_stops_their_own_copies(self):
        row = reminder(Sample(Kind.BOOK_1, to_helper=True))
        url = emails.compose(row, now=NOW).headers["List-Unsubscribe"].strip("<>")
        stop = links.read_stop(url.rstrip("/").rsplit("/", 1)[1])
        assert (stop.recipient, stop.patient_id) == ("helper-5", 12)

    def test_who_is_asked_to_help_learns_only_by_whom(self):
        row = reminder(Sample(Kind.HELPER_INVITE))
        made = emails.compose(row, now=NOW)
        assert made.to == "leo@example.org"
        assert made.subject == "An invitation to share a calendar"
        assert "Ana asked us to share clinic dates with you." in made.text
        assert (
            f"See the invitation: http://127.0.0.1:8000{links.invitation_path(row.helper)}\n"
            in (made.text)
        )
        assert not re.search(r"Harbor|555|Shore|visit\b", made.text)

    @pytest.mark.parametrize("email", ["ana@example.org\r\nBcc: eve@example.org", "a@b.org,c", ""])
    def test_no_usable_address_no_letter(self, email):
        with pytest.raises(ValidationError):
            letter(Sample(Kind.BOOK_1), email=email)


class TestItsHeaders:
    def test_the_mark_of_a_mail_is_its_own_and_says_nothing(self, settings):
        settings.SITE_URL = "https://visits.example.org:8443"
        assert letter(Sample(Kind.BOOK_1)).headers["Message-ID"] == (
            f"<{'f' * 32}@visits.example.org>"
        )

    def test_a_mark_is_made_where_there_is_none_yet(self):
        rows = [reminder(Sample(kind)) for kind in (Kind.BOOK_1, Kind.BOOK_1, Kind.BOOK_2)]
        for row in rows:
            row.message_id = None
        marks = [emails.compose(row, now=NOW).headers["Message-ID"] for row in rows]
        assert marks[0] == marks[1] != marks[2]

    def test_a_second_copy_bears_the_first_ones_date(self):
        row = reminder(Sample(Kind.BOOK_1))
        row.dated_at = NOW
        later = emails.compose(row, now=NOW + days(1))
        assert later.headers["Date"] == "Thu, 12 Mar 2026 15:00:00 +0000"

    @every_kind
    def test_a_reminder_can_be_stopped_by_one_click(self, kind, settings):
        settings.SITE_URL = "https://visits.example.org"
        row = reminder(Sample(kind))
        headers = emails.compose(row, now=NOW).headers
        path = links.stop_path(row)
        assert headers["List-Unsubscribe"] == f"<https://visits.example.org{path}>"
        assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert re.fullmatch(r"<(booking|visit|record)\.visits\.example\.org>", headers["List-Id"])

    @pytest.mark.parametrize("kind", [*INVITES, *TO_STAFF])
    def test_what_is_no_reminder_is_no_list(self, kind):
        headers = letter(Sample(kind)).headers
        assert set(headers) == {"Message-ID", "Date", "Auto-Submitted"}
        assert headers["Auto-Submitted"] == "auto-generated"

    def test_a_line_break_in_the_services_name_makes_no_header(self, settings):
        settings.SITE_NAME = "Visits\r\nBcc: eve@example.org"
        message = letter(Sample(Kind.BOOK_1)).as_message().message()
        assert message["Bcc"] is None
        assert parseaddr(message["From"])[1] == settings.DEFAULT_FROM_EMAIL

    def test_the_senders_name_is_the_services(self, settings):
        settings.SITE_NAME = "Visits"
        settings.DEFAULT_FROM_EMAIL = "Harbor MS Center <desk@harbor.test>"
        assert letter(Sample(Kind.BOOK_1)).sender == "Visits <desk@harbor.test>"

    def test_a_senders_name_may_have_any_letters(self, settings):
        settings.SITE_NAME = "Citas Clínica"
        made = letter(Sample(Kind.BOOK_1))
        assert made.as_bytes().isascii()
        assert "Citas Clínica" in made.text + made.html


class TestTheDigest:
    @pytest.fixture
    def compose(self, harbor, rosa):
        def made() -> emails.Letter:
            member = Membership.objects.get(user=rosa)
            row = Reminder(kind=Kind.DIGEST, member=member, recipient=f"staff-{member.pk}")
            row.due_on = TODAY
            return emails.compose(row, now=NOW)

        return made

    def test_it_tells_numbers_in_the_order_of_the_lists(self, harbor, rosa, compose):
        book(due_course(harbor, rosa, due_in=3), rosa, TODAY, hour=14)
        due_course(harbor, rosa, due_in=-23, name="Ben")
        due_course(harbor, rosa, due_in=-2, name="Carla")
        made = compose()
        assert made.subject == "Today's list: 1 visit, 2 late, 0 to check"
        assert made.to == "rosa@harbor-clinic.test"
        numbers = re.findall(r"^(.+: \d+.*)$", made.text, re.MULTILINE)
        assert [re.sub(r"Needs screening: \d+", "Needs screening: n", one) for one in numbers] == [
            "Today: 1",
            "Late: 2 (longest 23 days)",
            "Due, not booked: 0",
            "Needs screening: n",
            "To check: 0",
            "Emails that did not arrive: 0",
        ]

    def test_it_names_nobody_and_links_to_each_list(self, harbor, rosa, compose):
        due_course(harbor, rosa, due_in=-1, name="Zebulon")
        made = compose()
        assert "longest 1 day)" in made.text
        for word in ("Zebulon", "zebulon", "Example"):
            assert word not in made.text + made.html
        assert "http://127.0.0.1:8000/staff/?clinic=harbor-clinic&list=late\n" in made.text

    def test_a_mail_of_the_clinics_own_that_did_not_arrive_counts(
        self, harbor, hill, rosa, compose
    ):
        for place in (harbor, hill):
            course = make_patient(place, rosa).course
            Reminder.objects.create(
                patient=course.patient, course=course, kind="book-1", state=State.BOUNCED,
                due_on=TODAY, next_at=NOW, not_after=NOW,
            )  # fmt: skip
        assert "Emails that did not arrive: 1\n" in compose().text


def test_what_it_needs_comes_with_the_rows(harbor, rosa, django_assert_num_queries):
    course = due_course(harbor, rosa, due_in=60)
    Preference.objects.create(patient=course.patient, changed_at=NOW)
    helper = Helper.objects.create(
        patient=course.patient, name="Leo", email="leo@example.org", invited_at=NOW
    )
    for who in (None, helper):
        Reminder.objects.create(
            patient=course.patient, course=course, helper=who, kind="book-1",
            recipient=who.recipient if who else "patient",
            due_on=course.next_due_on, next_at=NOW, not_after=NOW,
        )  # fmt: skip
    with django_assert_num_queries(1):
        for row in Reminder.objects.select_related("patient__clinic", *emails.NEEDS):
            emails.compose(row, now=local(harbor, TODAY, 12))


def test_a_clinics_odd_words_are_shown_as_they_are():
    odd = clinic(name="Smith & <Sons>", address="1\tRoad\r\n{{ x }}", hours="9-5")
    made = letter(Sample(Kind.BOOKED), clinic=odd)
    assert "asked Smith & <Sons> to" in made.text
    assert "asked Smith &amp; &lt;Sons&gt; to" in made.html
    assert "Where: 1 Road {{ x }}\n" in made.text


def test_a_made_up_patient_needs_no_database(django_assert_num_queries):
    row = Reminder(kind="book-1", patient=patient(), course=Course(next_due_on=TODAY), due_on=TODAY)
    with django_assert_num_queries(0):
        assert emails.compose(row, now=NOW).to == "ana@example.org"
