"""The whole job on real parts: a browser, the outbox, an SMTP conversation."""

import datetime as dt
import re

import pytest
from dateutil.relativedelta import relativedelta
from django.utils import timezone
from django.utils.formats import date_format
from playwright.sync_api import expect

from reminders import outbox, rules
from reminders.models import Reminder
from schedules.models import Patient
from tests.cast import book, give
from tests.reminders.sink import Sink

from .signing_in import signed_in_page


@pytest.fixture
def sink(settings, tmp_path):
    sink = Sink()
    sink.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", sink.port
    settings.REMINDER_JOURNAL = tmp_path / "receipts.journal"
    yield sink
    sink.stop()


def add_patient(page) -> Patient:
    """A nurse enters Dora, and lets the invitation go out as the page proposes."""
    page.goto("/staff/patients/add/")
    for label, words in {
        "First name": "Dora",
        "Last name": "Example",
        "Month": "3",
        "Day": "27",
        "Year": "1985",
        "Record number": "H-7",
    }.items():
        page.get_by_label(label, exact=True).first.fill(words)
    page.get_by_label("Email address").fill("dora@example.org")
    expect(page.get_by_label("Invite to see dates online")).to_be_checked()
    page.get_by_role("button", name="Save patient").click()
    expect(page.locator(".saved")).to_contain_text("Dora is now a patient")
    return Patient.objects.get()


def mailed_link(sink) -> str:
    """The way behind the link that Dora finds in her mailbox."""
    now = timezone.now()
    outbox.tick(now=now)
    outbox.deliver(now=now)
    [envelope], [mail] = sink.envelopes, sink.mails
    assert envelope.rcpt_tos == ["dora@example.org"]
    [path] = re.findall(r"/begin/\S+/", mail.get_body(("plain",)).get_content())
    return path


def claim(page, path: str) -> None:
    page.goto(path)
    for label, words in {"Month": "3", "Day": "27", "Year": "1985"}.items():
        page.get_by_label(label, exact=True).fill(words)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Your next infusion")).to_be_visible()


def test_what_a_nurse_records_reaches_the_patients_page_and_mailbox(
    page, page_without_javascript, harbor, rosa, sink
):
    now = timezone.now()
    today = harbor.local_date(now)
    due = date_format(today + relativedelta(months=6), "F j, Y")
    patients_page = page_without_javascript

    with signed_in_page(page, rosa):
        dora = add_patient(page)
        claim(patients_page, mailed_link(sink))
        expect(patients_page.locator(".big-date")).to_contain_text("No date yet")
        give(dora.course, rosa, today - relativedelta(months=6))
        book(dora.course, rosa, today, now=now)
        page.goto("/staff/")
        page.get_by_role("link", name="Record Dora Example").press("Enter")
        page.get_by_label("I checked name and date of birth").press("Space")
        page.get_by_role("button", name="Save infusion").press("Enter")
        expect(page.locator(".saved")).to_contain_text(due)
        page.goto(f"/staff/patients/{dora.pk}/")
        expect(page.get_by_text("Signs in with dora@example.org")).to_be_visible()

    later = rules.next_opening(
        "recorded", timezone.now() + dt.timedelta(minutes=15), harbor.tz
    )  # this test runs at any hour, mails go by day
    outbox.plan(now=later)
    outbox.deliver(now=later)
    envelope, mail = sink.envelopes[-1], sink.mails[-1]
    assert envelope.rcpt_tos == ["dora@example.org"]
    assert mail["Subject"] == "Your clinic record is up to date"
    assert due in mail.get_body(("plain",)).get_content()

    with signed_in_page(page, rosa):
        page.goto(f"/staff/patients/{dora.pk}/mails/")
        expect(page.get_by_text("Your clinic record is up to date").first).to_be_attached()
    patients_page.goto("/home/")
    expect(patients_page.locator(".big-date")).to_contain_text(due)
    assert Reminder.objects.get(kind="recorded").state == "ACCEPTED"
