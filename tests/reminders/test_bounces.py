"""Mails that come back to the sender's tagged address."""

import io
import os
from types import SimpleNamespace

import pytest
from django.core.management import call_command
from django.db import OperationalError

from reminders import bounces
from reminders.models import DeadAddress, DeliveryEvent, Reminder, State
from tests.cast import NOW

from .conftest import due_course
from .test_evidence import MARK, make_row

TAGGED = f"bounce+{MARK}@clinic.example.org"


@pytest.fixture(autouse=True)
def _address(settings):
    settings.REMINDER_BOUNCE_ADDRESS = "bounce@clinic.example.org"


def dsn(*, to=TAGGED, action="failed", status="5.1.1", headers="") -> bytes:
    return f"""\
Return-Path: <>
Delivered-To: {to}
From: MAILER-DAEMON@mx.example.org (Mail Delivery System)
To: {to}
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
{headers}MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b1"

--b1
Content-Type: text/plain

I'm sorry to have to inform you that your message could not be delivered.

--b1
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.org
X-Postfix-Queue-ID: 4F2B11

Final-Recipient: rfc822; ana@example.org
Original-Recipient: rfc822;ana@example.org
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 5.1.1 <ana@example.org>: Recipient address rejected

--b1
Content-Type: message/rfc822

Message-ID: <{MARK}@clinic.example.org>
Subject: Time to book your clinic visit

Hello
--b1--
""".encode()


def read(content: bytes, **how) -> tuple[str, bool] | None:
    event = bounces.read(content, now=NOW, **how)
    return event and (event.kind.value, event.is_hard)


def test_each_mail_leaves_under_an_address_of_its_own():
    assert bounces.return_path(MARK) == TAGGED


def test_without_a_bounce_address_it_is_everybodys(settings):
    settings.REMINDER_BOUNCE_ADDRESS = ""
    settings.DEFAULT_FROM_EMAIL = "Clinic Visits <appointments@clinic.example.org>"
    assert bounces.return_path(MARK) == "appointments@clinic.example.org"
    assert read(dsn()) is None


@pytest.mark.parametrize(
    ("action", "status", "found"),
    [
        ("failed", "5.1.1", ("bounced", True)),
        ("Failed", "5.1.10", ("bounced", True)),
        ("failed", "5.2.1 (account closed)", ("bounced", True)),
        ("failed", "5.2.2", ("bounced", False)),
        ("failed", "5.1.8", ("bounced", False)),
        ("failed", "5.7.1", ("bounced", False)),
        ("failed", "4.4.1", ("bounced", False)),
        ("failed", "", ("bounced", False)),
        ("delayed", "4.1.1", ("deferred", False)),
        ("delivered", "2.1.5", ("delivered", False)),
        ("relayed", "2.0.0", ("sent", False)),
    ],
)
def test_the_report_says_what_became_of_it(action, status, found):
    assert read(dsn(action=action, status=status)) == found


def test_the_mail_server_knows_best_where_it_came(settings):
    other = f"bounce+{'0' * 32}@clinic.example.org"
    event = bounces.read(dsn(to=other), now=NOW, came_to=TAGGED)
    assert event.mark == MARK


def test_letters_may_have_changed_their_case():
    assert read(dsn(to=TAGGED.upper())) == ("bounced", True)


@pytest.mark.parametrize(
    "to",
    [
        "bounce@clinic.example.org",
        f"xbounce+{MARK}@clinic.example.org",
        f"bounce+{MARK}@clinic.example.org.test",
        f"bounce+{MARK}@other.example.org",
        "bounce+@clinic.example.org",
    ],
)
def test_what_has_no_tag_of_ours_is_nothing(to):
    assert read(dsn(to=to)) is None


def test_the_copy_that_comes_along_is_not_believed():
    """Whoever has seen one mail could name any other in it."""
    assert read(dsn(to="bounce@clinic.example.org")) is None


PROSE = f"""\
From: {{sender}}
To: {TAGGED}
{{header}}Subject: failure notice

Hi. This is the mail server at mx.example.org.
"""


@pytest.mark.parametrize(
    ("sender", "header", "found"),
    [
        ("MAILER-DAEMON@mx.example.org", "", ("bounced", False)),
        ("ana@example.org", "", None),
        ("MAILER-DAEMON@mx.example.org", "Auto-Submitted: auto-replied\n", None),
        ("MAILER-DAEMON@mx.example.org", "Content-Type: multipart/report\n", None),
    ],
)
def test_one_in_prose_is_listed_and_a_holiday_note_is_not(sender, header, found):
    assert read(PROSE.format(sender=sender, header=header).encode()) == found


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 1000,
        b"\xff\xfe" * 1000,
        f"To: {TAGGED}\n".encode() + b"Content-Type: multipart/mixed; boundary=b\n\n--b\n" * 5000,
        f"To: {TAGGED}\nContent-Type: message/delivery-status\n\n".encode(),
        f"To: {TAGGED}\nContent-Type: text/plain; charset=x-none\n\nx".encode(),
        dsn().replace(b"failed", b"\xff\xff"),
        dsn().replace(b"Action: failed", b"Action:"),
    ],
)
def test_what_makes_no_sense_is_nothing(content):
    assert read(content) is None


@pytest.mark.django_db
class TestTheCommand:
    @pytest.fixture(autouse=True)
    def _sent(self, harbor, rosa):
        make_row(due_course(harbor, rosa, due_in=60))

    @pytest.fixture
    def command(self, monkeypatch):
        def run(content: bytes, *args: str) -> str:
            monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(content)))
            out = io.StringIO()
            call_command("read_bounces", *args, stdout=out, stderr=out)
            return out.getvalue().strip()

        return run

    def test_a_bounce_is_noted_once(self, command):
        assert [command(dsn()), command(dsn())] == ["Noted.", "Known already."]
        assert Reminder.objects.get().state == State.BOUNCED
        assert DeadAddress.objects.get().email == "ana@example.org"
        assert DeliveryEvent.objects.count() == 1

    def test_the_address_can_be_told(self, command):
        assert command(dsn(to="x@example.org"), "--to", TAGGED) == "Noted."

    def test_what_is_nothing_is_taken_from_the_mail_servers_hands(self, command):
        assert command(b"From: ana@example.org\n\nHello") == "Nothing about a mail of ours."

    def test_only_so_much_is_read(self, command):
        assert command(dsn() + b"x" * 10_000_000) == "Noted."

    def test_without_a_database_the_mail_server_keeps_it(self, command, monkeypatch):
        def away(*_args, **_more):
            raise OperationalError

        monkeypatch.setattr("reminders.evidence.take", away)
        with pytest.raises(SystemExit) as end:
            command(dsn())
        assert end.value.code == os.EX_TEMPFAIL
