"""SMTP step by step, and any other Django backend behind the same calls."""

import pytest
from django.core import mail
from django.core.mail import EmailMessage

from reminders.transport import (
    BackendTransport,
    Doubt,
    Permanent,
    SmtpTransport,
    Temporary,
    Transport,
    Unreachable,
    open_transport,
)


def letter(to: str = "ana@example.org", **fields) -> EmailMessage:
    return EmailMessage("Hello", "Words\n.\nafter a dot", "desk@clinic.test", [to], **fields)


def send(line: Transport, to: str = "ana@example.org") -> None:
    line.prepare(letter(to))
    line.transmit()


@pytest.fixture
def line(sink):
    with open_transport() as transport:
        yield transport


def test_smtp_is_driven_step_by_step(line, sink):
    assert isinstance(line, SmtpTransport)
    line.prepare(letter())
    assert sink.envelopes == []
    line.transmit()
    [envelope] = sink.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == ("desk@clinic.test", ["ana@example.org"])
    assert sink.mails[0].get_content().splitlines() == ["Words", ".", "after a dot"]


def test_an_abandoned_mail_is_never_sent(line, sink):
    line.prepare(letter("ana@example.org"))
    line.abandon()
    line.prepare(letter("ben@example.org"))
    line.transmit()
    assert [one.rcpt_tos for one in sink.envelopes] == [["ben@example.org"]]


@pytest.mark.parametrize(
    "fields", [{"to": ""}, {"cc": ["eve@example.org"]}, {"bcc": ["eve@example.org"]}]
)
def test_a_mail_has_exactly_one_recipient(line, fields):
    with pytest.raises(ValueError, match="exactly one"):
        line.prepare(letter(**fields))


def test_two_addresses_in_one_are_refused(line):
    with pytest.raises(ValueError, match="Invalid address"):
        line.prepare(letter("ana@example.org, eve@example.org"))


@pytest.mark.parametrize(
    ("step", "reply", "error"),
    [
        ("MAIL", "451 later", Unreachable),
        ("MAIL", "550 not you", Unreachable),
        ("MAIL", "hang up", Unreachable),
        ("MAIL", "stall", Unreachable),
        ("RCPT", "421 closing", Unreachable),
        ("RCPT", "450 later", Temporary),
        ("RCPT", "550 nobody", Permanent),
        ("RCPT", "999 what", Unreachable),
    ],
)
def test_before_the_content_every_fault_is_certain(line, sink, step, reply, error):
    sink.answer[step] = reply
    with pytest.raises(error) as caught:
        line.prepare(letter())
    assert type(caught.value) is error


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        ("451 later", Temporary),
        ("421 closing", Unreachable),
        ("554 never", Permanent),
        ("hang up", Doubt),
        ("stall", Doubt),
        ("354 what", Doubt),
        ("garbage", Doubt),
    ],
)
def test_after_the_content_only_an_answer_is_certain(line, sink, reply, error):
    sink.answer["DATA"] = reply
    line.prepare(letter())
    with pytest.raises(error) as caught:
        line.transmit()
    assert type(caught.value) is error


@pytest.mark.parametrize("reply", ["450 later", "421 closing", "550 nobody", "hang up"])
def test_after_a_fault_the_next_mail_goes(line, sink, reply):
    for step in ("RCPT", "DATA"):
        sink.answer[step] = reply
        with pytest.raises((Temporary, Permanent, Doubt)):
            send(line)
        sink.answer.clear()
    line.prepare(letter("ben@example.org"))
    line.transmit()
    assert [one.rcpt_tos for one in sink.envelopes] == [["ben@example.org"]]


def test_a_refused_mail_leaves_the_line_ready(line, sink):
    sink.answer["RCPT"] = "550 nobody"
    with pytest.raises(Permanent):
        line.prepare(letter())
    sink.answer.clear()
    send(line, "ben@example.org")
    assert sink.connections == 1


def test_after_a_doubt_the_line_is_given_up(line, sink):
    sink.answer["DATA"] = "stall"
    with pytest.raises(Doubt):
        send(line)
    assert line._backend.connection is None


def test_a_server_that_hung_up_in_between_is_called_again(line, sink):
    line.prepare(letter())
    line.transmit()
    line._backend.connection.sock.shutdown(2)
    line.prepare(letter())
    line.transmit()
    assert len(sink.envelopes) == 2


def test_an_abandoned_line_that_is_dead_is_no_error(line, sink):
    line.prepare(letter())
    line._backend.connection.sock.shutdown(2)
    line.abandon()
    line.close()


def test_handing_over_on_a_dead_line_is_in_doubt(line, sink):
    line.prepare(letter())
    line._drop()
    with pytest.raises(Doubt):
        line.transmit()


def test_encryption_that_was_asked_for_is_never_left_out(sink, settings):
    settings.EMAIL_USE_TLS = True
    with open_transport() as line, pytest.raises(Unreachable):
        line.prepare(letter())
    assert sink.commands["DATA"] == 0


def test_a_password_that_is_refused_is_not_the_mails_fault(sink, settings):
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "clinic", "wrong"
    with open_transport() as line, pytest.raises(Unreachable):
        line.prepare(letter())


def test_no_error_quotes_an_address(line, sink):
    sink.answer["RCPT"] = "550 ana@example.org is unknown"
    with pytest.raises(Permanent) as caught:
        line.prepare(letter())
    assert str(caught.value) == "550"


class TestAnyOtherBackend:
    @pytest.fixture
    def line(self, settings):
        settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
        with open_transport() as transport:
            yield transport

    def test_it_sends_in_the_third_step(self, line):
        assert isinstance(line, BackendTransport)
        line.prepare(letter())
        assert mail.outbox == []
        line.transmit()
        assert [one.to for one in mail.outbox] == [["ana@example.org"]]

    def test_an_abandoned_mail_is_never_sent(self, line):
        line.prepare(letter())
        line.abandon()
        assert mail.outbox == []

    def test_more_than_one_recipient_is_refused(self, line):
        with pytest.raises(ValueError, match="exactly one"):
            line.prepare(letter(cc=["eve@example.org"]))

    def test_each_mail_has_a_file_of_its_own(self, settings, tmp_path):
        settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
        settings.EMAIL_FILE_PATH = tmp_path
        with open_transport() as line:
            for _time in range(3):
                line.prepare(letter())
                line.transmit()
        assert len(list(tmp_path.iterdir())) == 3

    @pytest.mark.parametrize(("fault", "error"), [("boom", Doubt), ("nothing", Temporary)])
    def test_a_backend_that_fails_is_believed_as_far_as_it_speaks(self, settings, fault, error):
        settings.EMAIL_BACKEND = f"tests.reminders.backends.{fault.title()}"
        with open_transport() as line:
            line.prepare(letter())
            with pytest.raises(error):
                line.transmit()

    def test_a_backend_that_cannot_open_is_away(self, settings):
        settings.EMAIL_BACKEND = "tests.reminders.backends.Closed"
        with open_transport() as line, pytest.raises(Unreachable):
            line.prepare(letter())
