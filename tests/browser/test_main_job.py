"""The whole job on real parts: a browser, the outbox, an SMTP conversation."""

import datetime as dt

import pytest
from dateutil.relativedelta import relativedelta
from django.utils import timezone
from django.utils.formats import date_format
from playwright.sync_api import expect

from reminders import outbox, rules
from reminders.models import Reminder
from tests.cast import book, give, make_patient
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


def test_what_a_nurse_records_reaches_the_patients_page_and_mailbox(page, harbor, rosa, sink):
    now = timezone.now()
    today = harbor.local_date(now)
    dora = make_patient(harbor, rosa, "Dora", now=now)
    give(dora.course, rosa, today - relativedelta(months=6))
    book(dora.course, rosa, today, now=now)
    due = date_format(today + relativedelta(months=6), "F j, Y")

    with signed_in_page(page, rosa):
        page.goto("/staff/")
        page.get_by_role("link", name="Record Dora Example").press("Enter")
        page.get_by_label("I checked name and date of birth").press("Space")
        page.get_by_role("button", name="Save infusion").press("Enter")
        expect(page.locator(".saved")).to_contain_text(due)

    later = rules.next_opening(
        "recorded", timezone.now() + dt.timedelta(minutes=15), harbor.tz
    )  # this test runs at any hour, mails go by day
    outbox.plan(now=later)
    outbox.deliver(now=later)
    [envelope], [mail] = sink.envelopes, sink.mails
    assert envelope.rcpt_tos == ["dora@example.org"]
    assert mail["Subject"] == "Your clinic record is up to date"
    assert due in mail.get_body(("plain",)).get_content()

    with signed_in_page(page, rosa):
        page.goto(f"/staff/patients/{dora.pk}/mails/")
        expect(page.get_by_text("Your clinic record is up to date").first).to_be_attached()
    with signed_in_page(page, dora.user):
        page.goto("/home/")
        expect(page.locator(".big-date")).to_contain_text(due)
    assert Reminder.objects.get(kind="recorded").state == "ACCEPTED"
