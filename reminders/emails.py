"""What each reminder says, as a letter ready to be sent. Nothing here sends.

Outside (subject, sender, preview, headers) a mail is neutral: no name, drug, illness or kind of
treatment, and not the clinic's name either, which may tell as much. Inside it says what the
patient allowed: only that there is a message, the date, or also what the date is for.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from email.utils import format_datetime, formataddr, parseaddr
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import reverse

from ocrevus_tracker.accounts.models import Clinic, Invitation
from schedules.models import Course, Patient

from .digests import digest_facts
from .identity import message_id_of
from .letter import Letter
from .links import invitation_path, stop_path
from .models import Kind, Level, Preference, Reminder
from .rules import TOPICS
from .skeletons import MESSAGE_ONLY, Facts, Person, clean, skeleton_of

__all__ = ["COLUMNS", "NEEDS", "Letter", "compose", "neutral_sender"]

# What `compose` looks at beside the row itself and the patient's clinic; read so, only the digest
# and the two notes that may name the next visit ask the database for more.
NEEDS = (
    "patient__preference", "course", "helper", "member__clinic", "member__user", "appointment",
    "corrects",
)  # fmt: skip
# Of these the columns. Whole rows of eight tables would take longer to read than a mail to write.
COLUMNS = (
    *(f"patient__{name}" for name in ("given_name", "email", "language", "time_zone", "clinic")),
    *("patient__preference__level", "course__next_due_on", "helper__name", "helper__email"),
    *("member__clinic", "member__user__name", "member__user__email", "appointment__starts_at"),
    *("corrects__told_due_on", "corrects__visit_at"),
)
# Those that tell the due date. The note about an infusion may name the next visit instead.
NAME_THE_DUE_DATE = {
    Kind.BOOK_1, Kind.BOOK_2, Kind.BOOK_3, Kind.SECOND_VISIT, Kind.OVERDUE_1, Kind.DATE_MOVED,
}  # fmt: skip
# The languages that every mail is written in. A patient's other language is kept for people.
WRITTEN_IN = ("en", "es")


def compose(reminder: Reminder, *, now: dt.datetime) -> Letter:
    """The mail of `reminder` as true at `now` (aware UTC), in the patient's language if mails are
    written in it, at the level the patient chose.

    Message-ID and Date are the row's own, so that a second copy can be told as one. The due date
    counts as told at every level: behind "you have a message" stands the page that shows it.

    Raises:
        ValidationError: the recipient has no usable address.
    """
    if reminder.kind == Kind.DIGEST:
        return _digest(reminder, now)
    if reminder.kind == Kind.STAFF_INVITE:
        return _staff_invitation(reminder, now)
    patient, helper = reminder.patient, reminder.helper
    assert patient is not None  # noqa: S101 - the database sees to it
    if reminder.kind == Kind.PATIENT_INVITE:
        return _patient_invitation(reminder, patient, now)
    facts = _facts(reminder, patient, now)
    path = stop_path(reminder)
    person = Person(
        name=clean(helper.name if helper else patient.given_name),
        first_name=clean(patient.given_name) if helper else "",
        stop_url=settings.SITE_URL + path if path else "",
        open_url=_invitation_url(reminder),
    )
    return _letter(
        reminder,
        _at_level(facts, patient)._replace(greets=bool(person.name)),
        person,
        to=helper.email if helper else patient.email,
        now=now,
        told_due_on=_told(reminder, facts),
    )


def _digest(reminder: Reminder, now: dt.datetime) -> Letter:
    """The clinic's own list, in numbers, to one of its people."""
    member = reminder.member
    assert member is not None  # noqa: S101 - the database sees to it
    name = clean(member.user.name)
    facts = digest_facts(member.clinic, now)._replace(greets=bool(name))
    return _letter(reminder, facts, Person(name=name), to=member.user.email, now=now)


def _patient_invitation(reminder: Reminder, patient: Patient, now: dt.datetime) -> Letter:
    """The link to claim a record. Whoever reads it may be a stranger, whose address was entered
    by mistake: it says neither whose record nor which clinic.
    """
    invitation = reminder.patient_invitation
    assert invitation is not None  # noqa: S101 - the database sees to it
    facts = _of_invitation(reminder, patient.clinic, _language(patient))
    return _with_link(reminder, facts, invitation, "patient:claim", now)


def _staff_invitation(reminder: Reminder, now: dt.datetime) -> Letter:
    """The link to join a clinic, in the language of the staff's pages."""
    invitation = reminder.staff_invitation
    assert invitation is not None  # noqa: S101 - the database sees to it
    clinic = invitation.clinic
    facts = _of_invitation(reminder, clinic, WRITTEN_IN[0])._replace(clinic=clean(clinic.name))
    return _with_link(reminder, facts, invitation, "staff:join", now)


def _of_invitation(reminder: Reminder, clinic: Clinic, language: str) -> Facts:
    return Facts(
        kind=reminder.kind,
        language=language,
        zone=clinic.time_zone,
        site_name=clean(settings.SITE_NAME),
        url=_home(settings.SITE_URL),
        greets=False,
    )


def _with_link(
    reminder: Reminder, facts: Facts, invitation: Invitation, page: str, now: dt.datetime
) -> Letter:
    """The mail with the invitation's link, which is kept nowhere."""
    path = reverse(page, args=[invitation.token])
    person = Person(open_url=f"{settings.SITE_URL}{path}")
    letter = _letter(reminder, facts, person, to=invitation.email, now=now)
    return replace(letter, secret=invitation.token)


def _language(patient: Patient) -> str:
    """The patient's language if mails are written in it."""
    return patient.language if patient.language in WRITTEN_IN else WRITTEN_IN[0]


def _letter(
    reminder: Reminder,
    facts: Facts,
    person: Person,
    *,
    to: str,
    now: dt.datetime,
    told_due_on: dt.date | None = None,
) -> Letter:
    filled = skeleton_of(facts).fill(person)
    return Letter(
        subject=filled.subject,
        text=filled.text,
        html=filled.html,
        sender=neutral_sender(),
        to=to,
        headers=_headers(reminder, person.stop_url, now),
        told_due_on=told_due_on,
        quoted=filled.quoted,
    )


def _told(reminder: Reminder, facts: Facts) -> dt.date | None:
    """The due date that the mail tells, None when it tells none."""
    if reminder.kind == Kind.RECORDED:
        return None if facts.next_visit_at else facts.due_on
    return facts.due_on if reminder.kind in NAME_THE_DUE_DATE else None


def _facts(reminder: Reminder, patient: Patient, now: dt.datetime) -> Facts:
    """What the mail says, were everything allowed to be said."""
    clinic = patient.clinic
    kind = Kind(reminder.kind)
    more = _MORE[kind](reminder, patient, now) if kind in _MORE else {}
    return Facts(
        kind=kind.value,
        language=_language(patient),
        zone=clinic.time_zone,
        site_name=clean(settings.SITE_NAME),
        url=_home(settings.SITE_URL),
        greets=True,
        to_helper=reminder.helper is not None and kind != Kind.HELPER_INVITE,
        clinic=clean(clinic.name),
        phone=clean(clinic.phone),
        hours=clean(clinic.hours),
        place=clean(clinic.address),
        **more,
    )


def _at_level(facts: Facts, patient: Patient) -> Facts:
    """What of it the patient allows to be said. An invitation says nothing about care anyway."""
    if facts.kind == Kind.HELPER_INVITE:
        # Nor where: the one who is asked has not said yes to anything.
        return facts._replace(clinic="", phone="", hours="", place="")
    level = Preference.level_of(patient)
    if level != Level.MESSAGE_ONLY:
        return facts._replace(plain=level == Level.PLAIN)
    return Facts(
        kind=MESSAGE_ONLY,
        language=facts.language,
        zone=facts.zone,
        site_name=facts.site_name,
        url=facts.url,
        greets=facts.greets,
        to_helper=facts.to_helper,
        phone=facts.phone,
        hours=facts.hours,
    )


def _due(reminder: Reminder, _patient: Patient, _now: dt.datetime) -> dict[str, Any]:
    return {"due_on": _course(reminder).next_due_on}


def _due_soon(reminder: Reminder, patient: Patient, now: dt.datetime) -> dict[str, Any]:
    """The due date; on the day itself it is no deadline any more."""
    due_on = _course(reminder).next_due_on
    return {"due_on": due_on, "due_ahead": bool(due_on and due_on > _today(patient, now))}


def _late(reminder: Reminder, patient: Patient, now: dt.datetime) -> dict[str, Any]:
    due_on = _course(reminder).next_due_on
    return {"weeks_late": (_today(patient, now) - due_on).days // 7 if due_on else 0}


def _visit(reminder: Reminder, patient: Patient, _now: dt.datetime) -> dict[str, Any]:
    """When the visit is, as it stands; once it is off, when it would have been."""
    visit = reminder.appointment
    off = visit is None or reminder.kind == Kind.CANCELLED
    at = reminder.visit_at if off else visit.starts_at  # type: ignore[union-attr]
    return {"visit_at": at, "zone_note": _zone_note(at, patient)}


def _visit_ahead(reminder: Reminder, patient: Patient, now: dt.datetime) -> dict[str, Any]:
    days = (reminder.due_on - _today(patient, now)).days
    return {**_visit(reminder, patient, now), "days_to_visit": days}


def _visit_moved(reminder: Reminder, patient: Patient, now: dt.datetime) -> dict[str, Any]:
    old = reminder.corrects.visit_at if reminder.corrects else None
    note = _zone_note(old, patient)
    return {**_visit(reminder, patient, now), "old_visit_at": old, "old_zone_note": note}


def _next(reminder: Reminder, patient: Patient, now: dt.datetime) -> dict[str, Any]:
    """The next date, and what is to be done about it."""
    course = _course(reminder)
    due_on = course.next_due_on
    visit = course.appointments.booked().filter(starts_at__gt=now).first()
    opens_on = due_on - dt.timedelta(days=patient.clinic.booking_opens_days) if due_on else None
    return {
        "due_on": due_on,
        "next_visit_at": visit.starts_at if visit else None,
        "booking_opens_on": opens_on if opens_on and opens_on > _today(patient, now) else None,
    }


def _date_moved(reminder: Reminder, patient: Patient, now: dt.datetime) -> dict[str, Any]:
    told = reminder.corrects.told_due_on if reminder.corrects else None
    return {**_next(reminder, patient, now), "told_before": told}


# What a kind's words name besides the clinic. A kind that is not here names nothing more.
_MORE: dict[Kind, Callable[[Reminder, Patient, dt.datetime], dict[str, Any]]] = {
    Kind.BOOK_1: _due,
    Kind.BOOK_2: _due_soon,
    Kind.BOOK_3: _due_soon,
    Kind.SECOND_VISIT: _due,
    Kind.OVERDUE_1: _due,
    Kind.OVERDUE_2: _late,
    Kind.OVERDUE_3: _late,
    Kind.BOOKED: _visit,
    Kind.CHANGED: _visit_moved,
    Kind.CANCELLED: _visit,
    Kind.PREPARE: _visit_ahead,
    Kind.DAY_BEFORE: _visit,
    Kind.RECORDED: _next,
    Kind.DATE_MOVED: _date_moved,
}


def _course(reminder: Reminder) -> Course:
    assert reminder.course is not None  # noqa: S101 - the database sees to it
    return reminder.course


def _today(patient: Patient, now: dt.datetime) -> dt.date:
    """The date where the patient lives."""
    return now.astimezone(patient.tz).date()


def _zone_note(at: dt.datetime | None, patient: Patient) -> str:
    """The clinic's zone, as in "EDT", if its clock shows another time than the patient's."""
    if at is None or not patient.time_zone:
        return ""
    clinic = patient.clinic
    there, here = at.astimezone(clinic.tz), at.astimezone(patient.tz)
    if there.utcoffset() == here.utcoffset():
        return ""
    return there.tzname() or clinic.time_zone


def _invitation_url(reminder: Reminder) -> str:
    if reminder.kind != Kind.HELPER_INVITE or reminder.helper is None:
        return ""
    return f"{settings.SITE_URL}{invitation_path(reminder.helper)}"


def _headers(reminder: Reminder, stop_url: str, now: dt.datetime) -> dict[str, str]:
    host = _host(settings.SITE_URL)
    headers = {
        "Message-ID": f"<{message_id_of(reminder)}@{host}>",
        "Date": _date(reminder.dated_at or now),
        # Keeps holiday replies away from the clinic's mailbox.
        "Auto-Submitted": "auto-generated",
    }
    if stop_url:
        # To a mail program each topic is a list of its own, left by one click (RFC 8058).
        headers["List-Id"] = f"<{TOPICS[reminder.kind]}.{host}>"
        headers["List-Unsubscribe"] = f"<{stop_url}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return headers


@lru_cache(maxsize=100)
def _date(moment: dt.datetime) -> str:
    """As in a header. All mails of a run bear the same."""
    return format_datetime(moment)


def neutral_sender() -> str:
    """Who every mail is from: the service, under its neutral name."""
    return _sender(settings.SITE_NAME, settings.DEFAULT_FROM_EMAIL)


@lru_cache(maxsize=10)
def _sender(name: str, address: str) -> str:
    """The service's neutral name, whatever display name the address came with."""
    return formataddr((clean(name), parseaddr(address)[1]))


@lru_cache(maxsize=10)
def _host(site_url: str) -> str:
    return urlsplit(site_url).hostname or "localhost"


@lru_cache(maxsize=10)
def _home(site_url: str) -> str:
    return f"{site_url}{reverse('home')}"
