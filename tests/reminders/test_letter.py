"""A mail on the wire is the mail that Django would have made."""

import email
import email.policy
import re
from email.message import EmailMessage

import pytest
from django.core.exceptions import ValidationError

from reminders.letter import LONGEST_LINE, Letter, quoted_printable
from reminders.models import Kind

from .letters import Sample, by_kind, letter

pytestmark = pytest.mark.django_db


HEADERS = {"Message-ID": "<f@harbor.test>", "Date": "Thu, 12 Mar 2026 15:00:00 +0000"}


def make(**fields) -> Letter:
    fields = {
        "subject": "Hello",
        "text": "Dear Ana,\n",
        "html": "<p>Dear Ana,</p>\n",
        "sender": "Visits <desk@harbor.test>",
        "to": "ana@example.org",
        "headers": HEADERS,
    } | fields
    return Letter(**fields)


def parsed(content: bytes) -> EmailMessage:
    return email.message_from_bytes(content, policy=email.policy.default)


def bodies(message: EmailMessage) -> dict[str, str]:
    """The texts by their type, with the line ends of a text in memory."""
    parts = message.iter_parts()
    return {one.get_content_type(): one.get_content().replace("\r\n", "\n") for one in parts}


def assert_well_formed(content: bytes) -> None:
    assert content.isascii()
    assert not re.search(rb"[^\r]\n|\r[^\n]", content)
    _head, _, body = content.partition(b"\r\n\r\n")
    assert max(map(len, body.split(b"\r\n"))) <= LONGEST_LINE


def assert_same_as_djangos(made: Letter) -> None:
    ours, djangos = parsed(made.as_bytes()), parsed(made.as_message().message().as_bytes())
    names = {*ours.keys(), *djangos.keys()} - {"Content-Type"}
    # Django breaks a long line after the header's name, which leaves a blank there.
    assert {name: ours[name] for name in names} == {name: djangos[name].strip() for name in names}
    assert bodies(ours) == bodies(djangos) == {"text/plain": made.text, "text/html": made.html}
    assert not ours.defects
    assert ours.get_content_type() == djangos.get_content_type() == "multipart/alternative"


@by_kind()
def test_the_bytes_of_every_mail_are_what_django_would_send(samples):
    for sample in samples:
        made = letter(sample)
        assert_well_formed(made.as_bytes())
        assert_same_as_djangos(made)


@by_kind()
def test_the_pieces_put_together_are_the_text_as_a_whole(samples):
    for sample in samples:
        made = letter(sample)
        whole = make(text=made.text, html=made.html)
        assert bodies(parsed(made.as_bytes())) == bodies(parsed(whole.as_bytes()))


@pytest.mark.parametrize(
    "text",
    [
        "é" * 500,
        "a" * 76 + "\n" + "b" * 77 + "\n",
        "a" * 1000,
        ".\n..\n.leading\n",
        "ends in a blank \nand a tab\t\n",
        "=_ and =3D and --=_one-text-in-two-forms--\n",
        "From the clinic\n",
        "\N{FAMILY}\N{ZERO WIDTH JOINER}\N{BOY}" * 40 + "\n",
        "\n",
        "é" * 25 + "=" + "a" * 200 + "\n",
    ],
)
def test_any_text_arrives_as_it_was(text):
    made = make(text=text, html=f"<pre>{text}</pre>\n")
    assert_well_formed(made.as_bytes())
    arrived = bodies(parsed(made.as_bytes()))
    assert arrived == {"text/plain": text, "text/html": f"<pre>{text}</pre>\n"}


def test_a_bare_line_end_of_any_kind_becomes_a_whole_one():
    assert quoted_printable("a\rb\r\nc\nd") == b"a\r\nb\r\nc\r\nd"


@pytest.mark.parametrize("length", range(70, 80))
def test_a_last_line_leaves_room_for_a_soft_break(length):
    quoted = quoted_printable("a" * length)
    assert max(len(line) for line in (quoted + b"=").split(b"\r\n")) <= LONGEST_LINE


@pytest.mark.parametrize(
    "fields",
    [
        {"subject": "Su cita está lista, mañana"},
        {"subject": "é" * 60},
        {"to": "ana@exämple.org"},
        {"to": '"ana,b"@example.org'},
        {"headers": HEADERS | {"List-Unsubscribe": f"<https://example.org/{'a' * 500}>"}},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_headers_arrive_as_they_were(fields):
    made = make(**fields)
    assert made.as_bytes().isascii()
    assert_same_as_djangos(made)


@pytest.mark.parametrize(
    "to",
    [
        "ana@example.org\r\nBcc: eve@example.org",
        "ana@example.org,eve@example.org",
        "<ana@example.org>, <eve@example.org>",
        "ana@example.org\n",
        '"a\x01"@example.org',
        "nobody",
        "",
    ],
)
def test_it_goes_to_exactly_one_address(to):
    with pytest.raises((ValidationError, ValueError)):
        make(to=to)


@pytest.mark.parametrize("break_", ["\n", "\r\n", "\r", "\x00", "\x85", "\u2028"])
@pytest.mark.parametrize("where", ["subject", "sender", "name", "value"])
def test_no_header_can_smuggle_in_another(where, break_):
    bad = f"a{break_}Bcc: eve@example.org"
    headers = {"name": {bad: "b"}, "value": {"X-A": bad}}
    with pytest.raises(ValueError, match="control character"):
        make(**{"headers": headers[where]} if where in headers else {where: bad})


def test_it_says_nothing_of_its_own_in_a_log():
    assert "Ana" not in repr(make())
    assert "ana@" not in repr(make())


def test_a_copy_is_the_same_byte_for_byte():
    assert letter(Sample(Kind.BOOK_1)).as_bytes() == letter(Sample(Kind.BOOK_1)).as_bytes()
