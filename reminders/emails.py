"""The words of each reminder, as a message ready to be sent. Nothing here sends.

Outside (subject, sender, preview, headers) a mail is neutral: no name, drug, illness or kind of
treatment, and not the clinic's name either, which may tell as much.
"""

import datetime as dt
from email.utils import format_datetime, formataddr, parseaddr
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.core.validators import validate_email
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation

from schedules.models import Appointment, Course
from schedules.templatetags.tracker import clock, sentence

from .models import Kind, Reminder

# The second request to book says the same as the first.
TEMPLATES = {"book-3": "book-2"}
# Those whose text names the due date. The note about an infusion may name the next visit instead.
NAME_THE_DUE_DATE = {
    Kind.BOOK_1, Kind.BOOK_2, Kind.BOOK_3, Kind.SECOND_VISIT, Kind.OVERDUE_1, Kind.DATE_MOVED,
}  # fmt: skip
# The languages that every mail is written in. A patient's other language is kept for people.
WRITTEN_IN = ("en",)


class Letter:
    def __init__(self, message, told):
        self.message, self.subject, self.text, self.to = message, message.subject, message.body, message.to[0]
        self.told_due_on = told

    def as_bytes(self):
        return self.message.message().as_bytes(linesep="\r\n")

    def as_message(self):
        return self.message


def compose(reminder, *, now):
    return Letter(_compose(reminder, now=now), due_date_told(reminder, now=now))


def _compose(reminder: Reminder, *, now: dt.datetime) -> EmailMultiAlternatives:
    """The mail of `reminder` as true at `now` (aware UTC), in the recipient's language if mails
    are written in it.

    Message-ID and Date are the row's own, so that a second copy can be told as one.

    Raises:
        ValidationError: the patient has no usable address.
    """
    patient = reminder.course.patient
    validate_email(patient.email)
    # A visit is by the clinic's clock, where it takes place.
    language = patient.language if patient.language in WRITTEN_IN else WRITTEN_IN[0]
    with translation.override(language), timezone.override(patient.clinic.tz):
        context = _context(reminder, now)
        name = TEMPLATES.get(reminder.kind, reminder.kind)
        subject = _one_line(render_to_string(f"emails/{name}.subject.txt", context))
        context["subject"] = subject
        text = render_to_string(f"emails/{name}.txt", context)
        html = render_to_string(f"emails/{name}.html", context)
    message = EmailMultiAlternatives(
        subject=subject,
        body=text,
        from_email=_sender(),
        to=[patient.email],
        headers=_headers(reminder, now),
    )
    message.attach_alternative(html, "text/html")
    return message


def due_date_told(reminder: Reminder, *, now: dt.datetime) -> dt.date | None:
    """The due date that the text of `compose` names; None when it names none."""
    course = reminder.course
    if reminder.kind == Kind.RECORDED:
        return None if _next_visit(course, now) else course.next_due_on
    return course.next_due_on if reminder.kind in NAME_THE_DUE_DATE else None


def _context(reminder: Reminder, now: dt.datetime) -> dict[str, Any]:
    course = reminder.course
    patient, clinic = course.patient, course.patient.clinic
    today = now.astimezone(reminder.zone).date()
    due_on = course.next_due_on
    opens_on = due_on - dt.timedelta(days=clinic.booking_opens_days) if due_on else None
    visit = reminder.appointment
    return {
        "first_name": patient.given_name,
        "clinic": clinic,
        "site_name": settings.SITE_NAME,
        "url": settings.SITE_URL + reverse("home"),
        "due_on": due_on,
        "told_before": reminder.corrects.told_due_on if reminder.corrects else None,
        "due_ahead": due_on is not None and due_on > today,
        "weeks_late": (today - due_on).days // 7 if due_on else 0,
        "booking_opens_on": opens_on if opens_on and opens_on > today else None,
        "visit_at": visit.starts_at if visit else None,
        "days_to_visit": (reminder.due_on - today).days,
        "visit_time": sentence(_time_of(visit, reminder)) if visit else "",
        "next_visit": partial(_next_visit, course, now),  # asked by one mail only
    }


def _next_visit(course: Course, now: dt.datetime) -> Appointment | None:
    return course.appointments.booked().filter(starts_at__gt=now).first()


def _time_of(visit: Appointment, reminder: Reminder) -> str:
    """As in "9:00 a.m."; with the clinic's zone if its clock shows another time than theirs."""
    starts_at, clinic = visit.starts_at, reminder.course.patient.clinic
    there, here = starts_at.astimezone(clinic.tz), starts_at.astimezone(reminder.zone)
    if there.utcoffset() == here.utcoffset():
        return clock(starts_at)
    return f"{clock(starts_at)} ({there.tzname() or clinic.time_zone})"


def _headers(reminder: Reminder, now: dt.datetime) -> dict[str, str]:
    domain = urlsplit(settings.SITE_URL).hostname or "localhost"
    return {
        "Message-ID": f"<{reminder.message_id}@{domain}>",
        "Date": format_datetime(reminder.dated_at or now),
        # Keeps holiday replies away from the clinic's mailbox.
        "Auto-Submitted": "auto-generated",
    }


def _sender() -> str:
    """The service's neutral name, whatever display name the address came with."""
    _name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    return formataddr((_one_line(settings.SITE_NAME), address))


def _one_line(words: str) -> str:
    return " ".join(words.split())
