"""The words of a mail without the person: written once, filled in many times.

Rendering templates costs ten times what sending a mail does, and a day's mails differ in little
but a name and a link. So a mail is rendered from its `Facts` with a slot wherever the person's own
words go, kept, and filled by joining strings. That is sound because a template sees nothing of
the person but these slots: what it may decide by is a fact, and the facts are the key.
"""

import datetime as dt
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.translation import gettext, gettext_noop

from schedules.templatetags.tracker import clock

from .letter import SOFT_BREAK, quoted_printable
from .models import Kind

# The second request to book says the same as the first.
TEMPLATES: dict[str, str] = {Kind.BOOK_3: Kind.BOOK_2}
# What is said at the level "only that you have a message", whatever the mail would have been.
MESSAGE_ONLY = "message-only"
BUTTONS: dict[str, str] = {
    MESSAGE_ONLY: gettext_noop("Sign in"),
    Kind.BOOKED: gettext_noop("See your visit"),
    Kind.CHANGED: gettext_noop("See your visit"),
    Kind.PREPARE: gettext_noop("See your visit"),
    Kind.DAY_BEFORE: gettext_noop("See your visit"),
    Kind.HELPER_INVITE: gettext_noop("See the invitation"),
    Kind.PATIENT_INVITE: gettext_noop("Begin"),
    Kind.STAFF_INVITE: gettext_noop("Begin"),
    Kind.DIGEST: gettext_noop("Open the list"),
}
# Their button opens a link of their own.
INVITES = (Kind.HELPER_INVITE, Kind.PATIENT_INVITE, Kind.STAFF_INVITE)
OTHER_BUTTON = gettext_noop("See your date")
# Large enough for the visits and due dates of a day at many clinics; some 20 kB each.
KEPT = 1000


class Row(NamedTuple):
    """One of the staff's work lists, in numbers. `longest` is in days, 0 where it says nothing."""

    name: str
    label: str
    people: int
    url: str
    longest: int = 0


class Facts(NamedTuple):
    """All that the words of a mail may depend on, the person's own words apart.

    `kind` is a Kind or MESSAGE_ONLY; `greets` is whether there is a name to greet. A mail's facts
    hold what its own words name and nothing more: each further one would split what is kept.
    """

    kind: str
    language: str
    zone: str  # by whose clock a visit's time is told: the clinic's, where it takes place
    site_name: str
    url: str
    greets: bool
    plain: bool = False
    to_helper: bool = False
    clinic: str = ""
    phone: str = ""
    hours: str = ""
    place: str = ""
    due_on: dt.date | None = None
    due_ahead: bool = False
    weeks_late: int = 0
    told_before: dt.date | None = None
    booking_opens_on: dt.date | None = None
    next_visit_at: dt.datetime | None = None
    visit_at: dt.datetime | None = None
    old_visit_at: dt.datetime | None = None
    # The clinic's zone, where its clock shows another time than the patient's: "EDT".
    zone_note: str = ""
    old_zone_note: str = ""
    days_to_visit: int = 0
    lists: tuple[Row, ...] = ()
    not_arrived: int = 0


class Person(NamedTuple):
    """What fills the slots: the only words of a mail that are a person's own.

    `name` is whom the mail greets, `first_name` the patient's; the two links bear a token.
    """

    name: str = ""
    first_name: str = ""
    stop_url: str = ""
    open_url: str = ""


@dataclass(frozen=True, slots=True)
class Filled:
    subject: str
    text: str
    html: str
    quoted: tuple[bytes, bytes]


class Pieces(NamedTuple):
    """A text cut at its slots: words, slot, words … words; and the words as quoted-printable."""

    words: tuple[str, ...]
    quoted: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Skeleton:
    """A mail with slots in its two bodies; `slots` are those that it has."""

    subject: str
    text: Pieces
    html: Pieces
    slots: frozenset[str]

    def fill(self, person: Person) -> Filled:
        """The mail for this person."""
        plain = {slot: getattr(person, slot) for slot in self.slots}
        as_html = {slot: escape(words) for slot, words in plain.items()}
        quoted = {slot: _quoted_value(words) for slot, words in plain.items()}
        quoted_html = {
            slot: quoted[slot] if words == plain[slot] else _quoted_value(words)
            for slot, words in as_html.items()
        }
        return Filled(
            subject=self.subject,
            text=_join(self.text.words, plain),
            html=_join(self.html.words, as_html),
            quoted=(
                _join_bytes(self.text, quoted),
                _join_bytes(self.html, quoted_html),
            ),
        )


# Control characters, and those that turn the direction of what follows.
_UNSEEN = dict.fromkeys(
    [*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A)], " "
)


def clean(words: str) -> str:
    """The words of a record as a mail may hold them: in one line, nothing in it unseen."""
    seen = words if words.isascii() and words.isprintable() else words.translate(_UNSEEN)
    return " ".join(seen.split())


# Nobody can know this word beforehand, so no clinic's name or hours can hold a slot.
_SECRET = secrets.token_hex(8)
SLOTS = Person(*(f"slot{_SECRET}{name}end" for name in Person._fields))
_SLOT = re.compile(f"slot{_SECRET}({'|'.join(Person._fields)})end")


@lru_cache(maxsize=KEPT)
def skeleton_of(facts: Facts) -> Skeleton:
    """The mail that these facts make, rendered when first asked for."""
    subject, text, html = render(facts, SLOTS)
    return Skeleton(
        subject=subject,
        text=_cut(text),
        html=_cut(html),
        slots=frozenset(_SLOT.findall(text + html)),
    )


def render(facts: Facts, person: Person) -> tuple[str, str, str]:
    """Subject, text and HTML by Django's templates, in the language of the facts."""
    name = TEMPLATES.get(facts.kind, facts.kind)
    with translation.override(facts.language), timezone.override(ZoneInfo(facts.zone)):
        context = _context(facts, person)
        subject = " ".join(render_to_string(f"emails/{name}.subject.txt", context).split())
        context |= {"subject": subject, "words": f"emails/{name}.txt"}
        text = render_to_string("emails/base.txt", context)
        html = render_to_string("emails/base.html", context)
    return subject, _tidy(text), html


def _context(facts: Facts, person: Person) -> dict[str, Any]:
    """What the templates see: the facts, in words where they need some, and the slots."""
    lists = {row.name: row for row in facts.lists}
    return {
        **facts._asdict(),
        **person._asdict(),
        **lists,
        "url": person.open_url if facts.kind in INVITES else facts.url,
        "button": _button(facts),
        "preview": _preview(facts),
        "visit": gettext("infusion") if facts.plain else gettext("visit"),
        "clinic_visit": gettext("infusion") if facts.plain else gettext("clinic visit"),
        "visit_time": _time(facts.visit_at, facts.zone_note),
        "old_visit_time": _time(facts.old_visit_at, facts.old_zone_note),
    }


def _button(facts: Facts) -> str:
    """What the button says. A helper's copy has none: the page behind it is the patient's."""
    if facts.to_helper:
        return ""
    return gettext(BUTTONS.get(facts.kind, OTHER_BUTTON))


def _preview(facts: Facts) -> str:
    """The line that an inbox shows beside the subject."""
    if facts.kind == Kind.HELPER_INVITE:
        return gettext("Somebody asked us to write to you.")
    return gettext("A message from your clinic.")


def _time(moment: dt.datetime | None, zone_note: str) -> str:
    """As in "9:00 a.m." or "9:00 a.m. (EDT)"."""
    return f"{clock(moment)} ({zone_note})" if zone_note else clock(moment)


def _tidy(text: str) -> str:
    """No blanks at the end of a line, and one empty line between paragraphs."""
    lines = "\n".join(line.rstrip() for line in text.splitlines())
    return re.sub(r"\n{3,}", "\n\n", lines).strip() + "\n"


def _cut(text: str) -> Pieces:
    words = tuple(_SLOT.split(text))
    last = len(words) - 1
    # A soft break on either side of a slot, so that lines stay short whatever fills it.
    quoted = tuple(
        word.encode() if index % 2 else quoted_printable(word) + SOFT_BREAK * (index < last)
        for index, word in enumerate(words)
    )
    return Pieces(words, quoted)


def _quoted_value(words: str) -> bytes:
    return quoted_printable(words) + SOFT_BREAK


def _join(words: tuple[str, ...], values: Mapping[str, str]) -> str:
    filled = list(words)
    filled[1::2] = [values[slot] for slot in words[1::2]]
    return "".join(filled)


def _join_bytes(pieces: Pieces, values: Mapping[str, bytes]) -> bytes:
    filled = list(pieces.quoted)
    filled[1::2] = [values[slot] for slot in pieces.words[1::2]]
    return b"".join(filled)
