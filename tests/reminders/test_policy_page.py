"""The page with a clinic's mail policy: tried out, checked, saved, brought back; by whom."""

import datetime as dt
import re
import uuid

import pytest
from django.core import mail
from django.urls import reverse

from reminders import policies, policy_rules
from reminders.models import Policy, Reminder, StaffPreference, State
from tests.cast import NOW, TODAY, book, days, make_staff, signed_in

from .conftest import due_course

pytestmark = pytest.mark.django_db

URL = "/staff/mail-policy/"


@pytest.fixture(autouse=True)
def _clock(clock):
    """All of it happens at NOW."""


@pytest.fixture
def prescriber(priya):
    return signed_in(priya)


def answers(act: str = "preview", *, seen: int = 0, **changes) -> dict[str, str]:
    """What the form sends: the usual rows, in days, with `book_2=49`; None leaves a kind out."""
    sent = {"seen": str(seen), "restores": "", "entry_key": str(uuid.uuid4()), "act": act}
    for kind, first in policy_rules.DEFAULT.items():
        days_away = changes.pop(kind.replace("-", "_"), abs(first))
        if days_away is not None:
            sent[f"{kind}-on"] = "on"
        sent[f"{kind}-n"] = str(days_away or "")
        sent[f"{kind}-unit"] = "days"
    return sent | changes


def text(response) -> str:
    """The words of the page, each gap one space."""
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


class TestWhoSeesIt:
    def test_a_nurse_sees_it_and_cannot_change_it(self, rosa):
        response = signed_in(rosa).get(URL)
        html = response.content.decode()
        assert "can change what is decided here" in html
        assert "Check and save" not in html
        assert "Send test to me" not in html
        assert '<fieldset class="section" disabled>' in html

    @pytest.mark.parametrize("act", ["preview", "check", "save"])
    def test_a_nurse_who_posts_all_the_same_has_no_access(self, rosa, act):
        assert signed_in(rosa).post(URL, answers(act, book_2=49)).status_code == 403
        assert not Policy.objects.exists()

    @pytest.mark.parametrize("who", ["mallory", "ana"])
    def test_for_others_there_is_no_page(self, request, who):
        person = request.getfixturevalue(who)
        client = signed_in(getattr(person, "user", person))
        assert client.get(URL).status_code == 404
        assert client.post(f"{URL}digest/", {"wanted": "0"}).status_code == 404

    def test_another_clinics_page_looks_like_a_missing_one(self, prescriber, hill):
        assert prescriber.get(URL, {"clinic": "hill-clinic"}).status_code == 404
        response = prescriber.post(f"{URL}?clinic=hill-clinic", answers("save", book_2=49))
        assert response.status_code == 404
        assert not Policy.objects.exists()

    def test_a_stranger_is_led_to_the_door(self, client):
        assert client.get(URL).status_code == 302

    def test_the_clinics_page_leads_to_it(self, prescriber, harbor):
        html = prescriber.get("/staff/clinic/").content.decode()
        assert f"{URL}?clinic={harbor.slug}" in html


class TestPreview:
    def test_it_lists_the_mails_of_a_made_up_patient(self, prescriber):
        words = text(prescriber.get(URL))
        assert "If the next infusion is due June 4, 2026 and nothing is booked" in words
        assert "Thu, Mar 26, 2026 : Time to book Thu, Apr 23, 2026 : Please book" in words
        assert "Sun, Jun 7, 2026 : Please call us" in words
        assert "If a visit is booked for June 6, 2026 Sat, May 30, 2026 : Get ready" in words
        assert "May 21, 2026 Fri, May 22, 2026 : Please book the second visit" in words

    def test_it_follows_the_rows_without_saving_them(self, prescriber):
        words = text(prescriber.post(URL, answers(book_1=63, book_2=None)))
        assert "Thu, Apr 2, 2026 : Time to book Thu, May 14, 2026" in words
        assert not Policy.objects.exists()

    def test_weeks_are_seven_days(self, prescriber):
        sent = answers(book_1=9) | {"book-1-unit": "weeks"}
        assert "Thu, Apr 2, 2026 : Time to book" in text(prescriber.post(URL, sent))

    def test_each_mail_is_shown_as_it_will_be(self, prescriber):
        words = text(prescriber.get(URL))
        assert "Time to book: The date, but not what it is for" in words
        assert "Visit tomorrow: The date and what it is for" in words
        assert "Subject: Time to book your clinic visit" in words
        assert "Dear Alex" in words

    def test_it_leaves_nothing_behind(self, prescriber, harbor):
        prescriber.get(URL)
        assert not Reminder.objects.exists()
        assert not harbor.patients.exists()

    def test_a_test_goes_to_the_person_who_asks_and_to_nobody_else(self, prescriber, priya):
        response = prescriber.post(URL, answers("", test="book-1:date"))
        assert "Sent to priya@harbor-clinic.test." in response.content.decode()
        [message] = mail.outbox
        assert message.to == [priya.email]
        assert message.subject == "Time to book your clinic visit"
        assert "Dear Alex" in message.body
        assert message.alternatives
        assert not Reminder.objects.exists()

    @pytest.mark.parametrize("asked", ["book-2:date", "recorded:date", "book-1:loud", "x", ""])
    def test_only_what_the_rows_send_can_be_tried(self, prescriber, asked):
        response = prescriber.post(URL, answers("", book_2=None, test=asked))
        assert "not sent under these rows" in response.content.decode()
        assert mail.outbox == []

    def test_a_mail_service_that_is_away_is_said(self, prescriber, settings):
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", 1, 1
        response = prescriber.post(URL, answers("", test="book-1:date"))
        assert "We could not send the test." in response.content.decode()


class TestCheckAndSave:
    def test_the_check_says_what_would_change(self, prescriber, harbor, priya):
        due_course(harbor, priya, due_in=80)
        due_course(harbor, priya, due_in=-200)
        words = text(prescriber.post(URL, answers("check", book_1=84, prepare=None)))
        assert "This changes 1 person. 1 more email would go out tomorrow." in words
        assert "Now 0, then 1." in words
        assert "Time to book 70 days before 84 days before" in words
        assert "Get ready 7 days before Not sent" in words
        assert not Policy.objects.exists()

    def test_fewer_mails_are_said_too(self, prescriber, harbor, priya):
        due_course(harbor, priya, due_in=40)
        words = text(prescriber.post(URL, answers("check", book_1=None, book_2=None)))
        assert "1 fewer email would go out tomorrow. Now 1, then 0." in words

    def test_what_the_check_page_sends_is_saved(self, prescriber, harbor, priya):
        checked = prescriber.post(URL, answers("check", book_1=84, prepare=None))
        response = prescriber.post(URL, dict(checked.context["kept"]) | {"act": "save"})
        assert response.status_code == 302
        policy = Policy.objects.get()
        assert (policy.made_by, policy.made_at) == (priya, NOW)
        assert policy.rows["book-1"] == -84
        assert "prepare" not in policy.rows
        harbor.refresh_from_db()
        assert harbor.booking_opens_days == 84
        assert "It starts tomorrow." in prescriber.get(response.url).content.decode()

    def test_a_double_tap_saves_one_version(self, prescriber):
        sent = answers("save", book_1=84)
        assert [prescriber.post(URL, sent).status_code for _tap in range(2)] == [302, 302]
        assert Policy.objects.count() == 1

    def test_back_keeps_what_was_typed(self, prescriber):
        html = prescriber.post(URL, answers("back", book_1=84)).content.decode()
        assert re.search(r'name="book-1-n" value="84"', html)
        assert not Policy.objects.exists()

    def test_the_same_rows_need_no_check(self, prescriber):
        response = prescriber.post(URL, answers("check"), follow=True)
        assert "Nothing to save" in response.content.decode()

    @pytest.mark.parametrize("act", ["check", "save", "preview"])
    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"book_1": 366}, "“Time to book”: enter a number of days from 1 to 365."),
            ({"book_1": 0}, "“Time to book”: enter a number of days from 1 to 365."),
            ({"book_1": "x"}, "“Time to book”: enter a number of days from 1 to 365."),
            ({"book_1": -70}, "“Time to book”: enter a number of days from 1 to 365."),
            ({"book_1": "9" * 3000}, "“Time to book”: enter a number of days from 1 to 365."),
            ({"book_2": 71}, "“Please book” must come later than “Time to book”."),
            ({"overdue_2": 2}, "“Can we help you book” must come later than “Please call us”."),
        ],
    )
    def test_nonsense_is_refused_and_nothing_is_lost(self, prescriber, act, changes, words):
        response = prescriber.post(URL, answers(act, **changes))
        html = response.content.decode()
        assert response.status_code == 200
        assert words in html
        assert "<title>Error: " in html
        [typed] = changes.values()
        assert f'value="{typed}"' in html
        assert not Policy.objects.exists()

    def test_a_row_that_is_on_needs_its_number(self, prescriber):
        sent = answers("check") | {"book-1-n": ""}
        html = prescriber.post(URL, sent).content.decode()
        assert "“Time to book”: enter a number of days from 1 to 365." in html

    def test_a_row_that_is_off_needs_none(self, prescriber):
        assert prescriber.post(URL, answers("save", prepare=None)).status_code == 302

    def test_more_fields_than_the_form_has_are_ignored(self, prescriber):
        sent = answers("save", book_1=84) | {"recorded-on": "on", "recorded-n": "9", "clinic": "x"}
        assert prescriber.post(URL, sent).status_code == 302
        assert set(Policy.objects.get().rows) == set(policy_rules.LIMITS)

    def test_without_a_phone_number_it_is_refused_in_words(self, prescriber, harbor):
        type(harbor).objects.update(phone="")
        html = prescriber.post(URL, answers("save", book_1=84)).content.decode()
        assert "The clinic has no phone number" in html


class TestTwoPeople:
    @pytest.mark.parametrize("act", ["check", "save"])
    def test_the_second_sees_that_the_first_saved_and_loses_nothing(self, prescriber, harbor, act):
        prescriber.post(URL, answers("save", book_1=84))
        paul = signed_in(make_staff(harbor, "Paul", "admin"))
        response = paul.post(URL, answers(act, book_1=90))
        html = response.content.decode()
        assert "Priya saved another version meanwhile (11:00 a.m.)" in html
        assert re.search(r'name="book-1-n" value="90"', html)
        assert re.search(r'name="seen" value="1"', html)
        assert policies.policy_of(harbor)["book-1"] == -84
        assert paul.post(URL, answers("save", seen=1, book_1=90)).status_code == 302
        assert policies.policy_of(harbor)["book-1"] == -90


class TestVersions:
    @pytest.fixture
    def two_versions(self, prescriber):
        prescriber.post(URL, answers("save", book_1=84))
        prescriber.post(URL, answers("save", seen=1, book_1=60))

    @pytest.mark.usefixtures("two_versions")
    def test_who_and_when_is_listed(self, prescriber):
        words = text(prescriber.get(URL))
        assert "2 Thursday, March 12, 2026, 11:00 a.m. Priya In force" in words
        assert "1 Thursday, March 12, 2026, 11:00 a.m. Priya Restore" in words

    @pytest.mark.usefixtures("two_versions")
    def test_an_earlier_one_is_looked_at_checked_and_brought_back(self, prescriber, harbor):
        page = prescriber.get(URL, {"version": "1"})
        assert "These are the rows of version 1." in page.content.decode()
        checked = prescriber.post(URL, answers("check", seen=2, book_1=84, restores="1"))
        response = prescriber.post(URL, dict(checked.context["kept"]) | {"act": "save"})
        assert response.status_code == 302
        newest = policies.newest(harbor)
        assert (newest.version, newest.restored_from) == (3, 1)
        assert policies.policy_of(harbor)["book-1"] == -84

    @pytest.mark.usefixtures("two_versions")
    def test_one_that_was_changed_before_saving_is_a_new_one(self, prescriber, harbor):
        prescriber.post(URL, answers("save", seen=2, book_1=85, restores="1"))
        assert policies.newest(harbor).restored_from is None

    @pytest.mark.parametrize("version", ["7", "0", "x", "-1", "9" * 30])
    def test_there_is_no_other(self, prescriber, version):
        assert prescriber.get(URL, {"version": version}).status_code == 404


class TestMorningMail:
    def test_anybody_there_can_stop_it_and_get_it_again(self, rosa):
        client = signed_in(rosa)
        assert "You get it." in client.get(URL).content.decode()
        client.post(f"{URL}digest/", {"wanted": "0"})
        assert "You do not get it." in client.get(URL).content.decode()
        assert not StaffPreference.objects.get().wants_digest
        client.post(f"{URL}digest/", {"wanted": "1"})
        assert "You get it." in client.get(URL).content.decode()

    def test_one_that_did_not_arrive_is_listed_until_somebody_saw_to_it(self, harbor, rosa, nils):
        row = Reminder.objects.create(
            kind="digest", member=rosa.memberships.get(), recipient="staff-1", due_on=TODAY,
            next_at=NOW, not_after=NOW, state=State.EXPIRED,
        )  # fmt: skip
        client = signed_in(rosa)
        assert "Emails to people who work here that did" in client.get(URL).content.decode()
        seen = reverse("reminders:digest_seen", args=[row.pk])
        signed_in(nils).post(seen)
        assert Reminder.objects.get().checked_at is None
        for _tap in range(2):
            assert client.post(seen).status_code == 302
        row.refresh_from_db()
        assert (row.checked_at, row.checked_by) == (NOW, rosa)
        assert "Emails to people who work here that did" not in client.get(URL).content.decode()


def test_the_page_asks_as_much_for_many_people_as_for_one(
    prescriber, harbor, priya, django_assert_max_num_queries
):
    book(due_course(harbor, priya, due_in=20), priya, TODAY + days(20))
    for number in range(3):
        policies.save_policy(
            clinic=harbor, rows=policy_rules.DEFAULT | {"book-1": -80 - number}, actor=priya,
            now=NOW + dt.timedelta(minutes=number), seen=number,
        )  # fmt: skip
    with django_assert_max_num_queries(20):
        prescriber.get(URL)
