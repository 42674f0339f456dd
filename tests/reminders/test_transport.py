"""SMTP step by step, and any other Django backend behind the same calls."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from django.core import mail
from django.core.mail import EmailMultiAlternatives

from reminders.transport import (
    BackendTransport,
    Doubt,
    Permanent,
    SmtpTransport,
    Temporary,
    Transport,
    TransportError,
    Unreachable,
    open_transport,
)

from .sink import PATIENCE, Sink

WORDS = "Words\n.\nafter a dot\n.."


class Letter:
    """What a transport asks of a letter."""

    def __init__(self, to: str) -> None:
        self.to = to

    def as_message(self) -> EmailMultiAlternatives:
        return EmailMultiAlternatives("Hello", WORDS, "Desk <desk@clinic.test>", [self.to])

    def as_bytes(self) -> bytes:
        return self.as_message().message().as_bytes(linesep="\r\n")


def send(
    line: Transport, *people: str, go: Callable[[int], bool] = lambda _number: True
) -> list[type[TransportError] | None]:
    """What became of a letter to each of these people."""
    letters = [line.prepare(Letter(f"{name}@example.org"), "f" * 32) for name in people or ("ana",)]
    line.ready()
    outcomes = list(line.hand_over(letters, go))
    assert [number for number, _refusal in outcomes] == list(range(len(outcomes)))
    return [refusal and type(refusal) for _number, refusal in outcomes]


def misbehave(line: Transport, sink: Sink, step: str, reply: str) -> None:
    sink.answer[step] = reply
    if reply == "stall":
        line._backend.timeout = PATIENCE


def recipients(sink) -> list[str]:
    return [one.rcpt_tos[0].partition("@")[0] for one in sink.envelopes]


@pytest.fixture(params=["one by one", "pipelined"])
def line(sink, request):
    """A line to a server that takes one command at a time, or several in one go."""
    sink.pipelines = request.param == "pipelined"
    with open_transport() as transport:
        yield transport


def test_a_mail_arrives_as_it_was_written(line, sink, settings):
    settings.DEFAULT_FROM_EMAIL = "Visits <desk@clinic.test>"
    assert isinstance(line, SmtpTransport)
    assert send(line) == [None]
    [envelope] = sink.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == ("desk@clinic.test", ["ana@example.org"])
    assert sink.mails[0].get_content().splitlines() == WORDS.splitlines()


def test_many_share_one_connection_and_keep_their_order(line, sink):
    people = [f"p{number}" for number in range(20)]
    assert send(line, *people) == [None] * 20
    assert recipients(sink) == people
    assert sink.connections == 1


def test_nothing_is_said_before_it_is_handed_over(line, sink):
    line.prepare(Letter("ana@example.org"), "f" * 32)
    line.ready()
    assert sink.commands["MAIL"] == 0


def test_each_is_asked_for_after_the_answer_to_the_one_before(line, sink):
    seen = []

    def go(number: int) -> bool:
        seen.append((number, len(sink.envelopes)))
        return True

    send(line, "ana", "ben", "carla", go=go)
    assert seen == [(0, 0), (1, 1), (2, 2)]


def test_one_that_is_kept_back_is_never_sent_nor_are_those_behind(line, sink):
    assert send(line, "ana", "ben", "carla", go=lambda number: number < 1) == [None]
    assert recipients(sink) == ["ana"]
    assert send(line, "ben") == [None]
    assert recipients(sink) == ["ana", "ben"]


@pytest.mark.parametrize("to", ["", "ana@example.org, eve@example.org", "<a@x.test>, <b@x.test>"])
def test_a_mail_has_exactly_one_recipient(line, to):
    with pytest.raises(ValueError, match=r"Invalid address|exactly one"):
        line.prepare(Letter(to), "f" * 32)


@pytest.mark.parametrize(
    ("step", "reply", "error"),
    [
        ("RCPT", "450 later", Temporary),
        ("RCPT", "550 nobody", Permanent),
        ("GO", "451 later", Temporary),
        ("GO", "554 nobody there", Permanent),
        ("DATA", "451 later", Temporary),
        ("DATA", "554 never", Permanent),
        ("DATA", "hang up", Doubt),
        ("DATA", "stall", Doubt),
        ("DATA", "354 what", Doubt),
        ("DATA", "garbage", Doubt),
    ],
)
def test_an_answer_about_one_mail_is_about_that_one(line, sink, step, reply, error):
    misbehave(line, sink, step, reply)
    assert send(line) == [error]


@pytest.mark.parametrize(
    ("step", "reply"),
    [
        ("MAIL", "451 later"),
        ("MAIL", "550 not you"),
        ("MAIL", "hang up"),
        ("MAIL", "stall"),
        ("RCPT", "421 closing"),
        ("RCPT", "999 what"),
        ("GO", "421 closing"),
        ("GO", "250 what"),
        ("DATA", "421 closing"),
    ],
)
def test_an_answer_about_us_ends_it_for_all(line, sink, step, reply):
    misbehave(line, sink, step, reply)
    with pytest.raises(Unreachable):
        send(line, "ana", "ben")
    assert sink.envelopes == []


@pytest.mark.parametrize("step", ["RCPT", "DATA"])
@pytest.mark.parametrize("reply", ["450 later", "550 nobody"])
def test_a_refused_mail_does_not_touch_the_next(line, sink, step, reply):
    sink.answer[step] = lambda envelope: (
        reply if "ben@example.org" in envelope.rcpt_tos else "250 OK"
    )
    error = Temporary if reply.startswith("4") else Permanent
    assert send(line, "ana", "ben", "carla") == [None, error, None]
    assert recipients(sink) == ["ana", "carla"]
    assert sink.connections == 1


@pytest.mark.parametrize("fault", ["hang up", "take and hang up"])
def test_of_those_behind_a_doubt_nothing_is_known_but_that_they_were_not_sent(line, sink, fault):
    sink.answer["DATA"] = lambda envelope: (
        fault if "ben@example.org" in envelope.rcpt_tos else "250 OK"
    )
    letters = [
        line.prepare(Letter(f"{name}@example.org"), "f" * 32) for name in ("ana", "ben", "c")
    ]
    line.ready()
    handed = line.hand_over(letters, lambda _number: True)
    assert next(handed) == (0, None)
    assert type(next(handed)[1]) is Doubt
    assert list(handed) == []
    assert "c" not in recipients(sink)


def test_a_server_that_wants_the_content_though_it_refused_gets_an_empty_one(line, sink):
    """RFC 2920 lets it ask; what it takes then is no mail to anybody."""
    sink.asks_all_the_same = True
    sink.answer["RCPT"] = "550 nobody"
    assert send(line) == [Permanent]
    sink.answer.clear()
    assert send(line, "ben") == [None]


def outcomes_before_the_line_was_lost(line: Transport) -> list[type[TransportError] | None]:
    """Of letters to Ana and Ben, over a line that does not last."""
    letters = [line.prepare(Letter(f"{name}@example.org"), "f" * 32) for name in ("ana", "ben")]
    line.ready()
    found = []
    with pytest.raises(Unreachable):
        found.extend(
            refusal and type(refusal)
            for _number, refusal in line.hand_over(letters, lambda _number: True)
        )
    return found


def test_a_refusal_stands_though_the_line_is_lost_behind_it(line, sink):
    sink.answer |= {"RCPT": "550 nobody", "RSET": "hang up"}
    assert outcomes_before_the_line_was_lost(line) == [Permanent]
    sink.answer.clear()
    assert send(line, "ben") == [None]


def test_one_that_hangs_up_on_an_empty_content_is_called_again(line, sink):
    sink.pipelines = sink.asks_all_the_same = True
    sink.answer |= {"RCPT": "550 nobody", "EMPTY": "hang up"}
    assert outcomes_before_the_line_was_lost(line) == [Permanent]
    sink.answer.clear()
    assert send(line, "ben") == [None]


def test_a_server_whose_last_words_are_no_answer_is_left_all_the_same(line, sink):
    sink.answer["QUIT"] = "221 " + "bye " * 3000
    send(line)
    line.close()
    assert line._backend.connection is None


@pytest.mark.parametrize("reply", ["450 later", "421 closing", "550 nobody", "hang up"])
def test_after_a_fault_the_next_mail_goes(line, sink, reply):
    for step in ("RCPT", "DATA"):
        sink.answer[step] = reply
        with suppress(Unreachable):
            assert send(line) != [None]
        sink.answer.clear()
    assert send(line, "ben") == [None]
    assert recipients(sink) == ["ben"]


@pytest.mark.parametrize(
    ("step", "reply", "code"),
    [
        ("RCPT", "450 later", "450"),
        ("RCPT", "550 nobody", "550"),
        ("GO", "554 nobody there", "554"),
        ("DATA", "451 later", "451"),
        ("DATA", "999 what", "999"),
        ("DATA", "hang up", "SMTPServerDisconnected"),
    ],
)
def test_what_is_written_down_of_a_refusal_is_its_code(line, sink, step, reply, code):
    sink.answer[step] = reply
    letter = line.prepare(Letter("ana@example.org"), "f" * 32)
    line.ready()
    [(_number, refusal)] = line.hand_over([letter], lambda _number: True)
    assert refusal.code == code


@pytest.mark.parametrize(
    ("step", "reply", "code"),
    [
        ("HELO", "554 not from there", "554"),
        ("MAIL", "451 later", "451"),
        ("MAIL", "hang up", "SMTPServerDisconnected"),
        ("RCPT", "421 closing", "421"),
        ("RCPT", "999 what", "999"),
        ("GO", "250 what", "250"),
    ],
)
def test_and_of_a_server_that_is_not_to_be_had(line, sink, step, reply, code):
    sink.answer[step] = reply
    with pytest.raises(Unreachable) as error:
        send(line)
    assert error.value.code == code


def test_what_can_be_said_in_one_go_is(line, sink, monkeypatch):
    """Each mail costs one round trip where the server lets it, and four where it does not."""
    line.ready()
    said = []
    say = line._smtp.send
    monkeypatch.setattr(line._smtp, "send", lambda words: said.append(words) or say(words))
    letters = [line.prepare(Letter(f"{name}@example.org"), "f" * 32) for name in ("ana", "ben")]
    assert [*line.hand_over(letters, lambda _number: True)] == [(0, None), (1, None)]
    assert len(said) == (3 if sink.pipelines else 8)


def test_after_a_doubt_the_line_is_given_up(line, sink):
    misbehave(line, sink, "DATA", "stall")
    send(line)
    assert line._backend.connection is None


def test_a_server_that_hung_up_in_between_is_called_again(line, sink):
    send(line)
    line._backend.connection.sock.shutdown(2)
    assert send(line) == [None]
    assert len(sink.envelopes) == 2


def test_a_server_that_is_about_to_hang_up_is_called_again(line, sink):
    send(line)
    sink.answer["NOOP"] = "421 closing"
    assert send(line) == [None]
    assert sink.connections == 2


def test_a_dead_line_is_closed_without_a_word(line, sink):
    send(line)
    line._backend.connection.sock.shutdown(2)
    line.close()


def test_encryption_that_was_asked_for_is_never_left_out(sink, settings):
    settings.EMAIL_USE_TLS = True
    with open_transport() as line:
        with pytest.raises(Unreachable, match="SMTPNotSupportedError"):
            line.ready()
        assert line._backend._partial_connection is None
    assert sink.commands["MAIL"] == 0


def test_a_password_that_is_refused_is_not_the_mails_fault(sink, settings):
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "clinic", "wrong"
    with open_transport() as line, pytest.raises(Unreachable):
        line.ready()


def test_no_error_quotes_an_address(line, sink):
    sink.answer["RCPT"] = "550 ana@example.org is unknown"
    letter = line.prepare(Letter("ana@example.org"), "f" * 32)
    line.ready()
    [(_number, refusal)] = line.hand_over([letter], lambda _number: True)
    assert str(refusal) == "550"


class TestAnyOtherBackend:
    @pytest.fixture
    def line(self, settings):
        settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
        with open_transport() as transport:
            yield transport

    def test_it_sends_in_the_second_call(self, line):
        assert isinstance(line, BackendTransport)
        letter = line.prepare(Letter("ana@example.org"), "f" * 32)
        line.ready()
        assert mail.outbox == []
        assert [*line.hand_over([letter], lambda _number: True)] == [(0, None)]
        assert [one.to for one in mail.outbox] == [["ana@example.org"]]

    def test_a_mail_service_gets_our_own_mark(self, line):
        assert line.prepare(Letter("ana@example.org"), "f" * 32).metadata == {"reminder": "f" * 32}

    def test_one_that_is_kept_back_is_never_sent(self, line):
        assert send(line, "ana", "ben", go=lambda number: number < 1) == [None]
        assert [one.to for one in mail.outbox] == [["ana@example.org"]]

    def test_each_mail_has_a_file_of_its_own(self, settings, tmp_path):
        settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
        settings.EMAIL_FILE_PATH = tmp_path
        with open_transport() as line:
            send(line, "ana", "ben", "carla", "dora", "emil", "fay")
        assert len(list(tmp_path.iterdir())) == 6

    @pytest.mark.parametrize(("fault", "error"), [("boom", Doubt), ("nothing", Temporary)])
    def test_a_backend_that_fails_is_believed_as_far_as_it_speaks(self, settings, fault, error):
        settings.EMAIL_BACKEND = f"tests.reminders.backends.{fault.title()}"
        with open_transport() as line:
            assert send(line) == [error]

    @pytest.mark.parametrize(("fault", "code"), [("boom", "RuntimeError"), ("nothing", "not-sent")])
    def test_of_what_it_says_only_the_kind_is_written_down(self, settings, fault, code):
        settings.EMAIL_BACKEND = f"tests.reminders.backends.{fault.title()}"
        with open_transport() as line:
            letter = line.prepare(Letter("ana@example.org"), "f" * 32)
            [(_number, refusal)] = line.hand_over([letter], lambda _number: True)
        assert refusal.code == code

    def test_a_backend_that_cannot_open_is_away(self, settings):
        settings.EMAIL_BACKEND = "tests.reminders.backends.Closed"
        with open_transport() as line, pytest.raises(Unreachable, match="ConnectionRefusedError"):
            send(line)

    def test_a_header_that_is_none_is_found_while_nothing_is_promised(self, line):
        with pytest.raises(ValueError, match="newline"):
            line.prepare(Letter("ana@example.org\nBcc: eve@example.org"), "f" * 32)
