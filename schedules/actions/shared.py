"""What every verb needs: refusing in words, taking turns, doing a form's work once, the trail."""

import datetime as dt
import uuid
from typing import TypeVar

from django.db import models
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ocrevus_tracker.accounts.access import Duty, has_duty
from ocrevus_tracker.accounts.models import Clinic, User
from ocrevus_tracker.audit import trail
from schedules.models import Appointment, Course, Hold, Infusion
from schedules.templatetags.tracker import clock, sentence

Row = TypeVar("Row", bound=models.Model)

NOT_YOURS = {
    Duty.BOOK: gettext_lazy("Only the clinic's own people can do this."),
    Duty.TREAT: gettext_lazy("Only a nurse or a prescriber of this clinic can do this."),
    Duty.MANAGE: gettext_lazy("Only an admin of this clinic can do this."),
}


class UnableTo(Exception):  # noqa: N818 - reads as a sentence: unable to record an infusion
    """The act is refused; the message says why, in words for the person who asked."""


def locked(course: Course) -> Course:
    """The course as it is now, held until the transaction ends: two nurses take turns.

    PostgreSQL locks the row; SQLite's IMMEDIATE transaction holds the whole file already.
    """
    return (
        Course.objects.select_for_update(of=("self",))
        .select_related("patient__clinic")
        .get(pk=course.pk)
    )


def locked_with(row: Appointment | Hold) -> Course:
    """The course that `row` is part of now, locked; a change of regimen takes rows along (A13)."""
    course = locked(row.course)
    row.refresh_from_db(fields=["course"])
    if row.course_id != course.pk:
        return locked_with(row)
    row.course = course
    return course


def is_prescriber(actor: User, course: Course) -> bool:
    """Whether `actor` prescribes at the clinic of `course`."""
    return has_duty(actor, course.patient.clinic, Duty.PRESCRIBE)


def must_have(duty: Duty, actor: User, clinic: Clinic, refusal: type[UnableTo]) -> None:
    """Let nobody go on who does not have `duty` at `clinic`, whatever page they came from.

    Raises:
        UnableTo: (as `refusal`) `actor` does not have it.
    """
    if not has_duty(actor, clinic, duty):
        raise refusal(str(NOT_YOURS[duty]))


def must_treat(actor: User, course: Course, refusal: type[UnableTo]) -> None:
    """As `must_have`, for what a date hangs on."""
    must_have(Duty.TREAT, actor, course.patient.clinic, refusal)


def saved_before(
    rows: models.QuerySet[Row], entry_key: uuid.UUID | None, *, refusal: type[UnableTo]
) -> Row | None:
    """What the same form made when it was sent the first time.

    Raises:
        UnableTo: (as `refusal`) the form was sent for something else than these `rows`.
    """
    if entry_key is None:
        return None
    if saved := rows.filter(entry_key=entry_key).first():
        return saved
    if rows.model._default_manager.filter(entry_key=entry_key).exists():  # noqa: SLF001 - public by Django's word
        raise refusal(_("This page was used before, for another record. Open it again."))
    return None


def on_trail(
    course: Course,
    act: str,
    subject: models.Model,
    *,
    actor: User,
    now: dt.datetime,
    reason: str = "",
    changes: trail.Changes | None = None,
) -> None:
    """Add to the audit trail that `actor` did `act` to `subject`: old and new value, by field."""
    trail.record(
        at=now,
        actor=actor,
        clinic=course.patient.clinic,
        act=act,
        subject=subject,
        reason=reason,
        changes=changes,
    )


def made(row: models.Model, *fields: str) -> trail.Changes:
    """What `row` was made with, for the trail; what was left empty is left out."""
    return {
        name: (None, value) for name in fields if (value := getattr(row, name)) not in ("", None)
    }


def who_changed(subject: Infusion | Hold, now: dt.datetime) -> str:
    """Who changed it last, and when on the clinic's clock; the day too where it was another one."""
    clinic = subject.course.patient.clinic
    entry = trail.latest(clinic=clinic, subject=subject)
    with timezone.override(clinic.tz):
        time, day = clock(entry.at), clinic.local_date(entry.at)
    when = _("at %(time)s") % {"time": time}
    if day != clinic.local_date(now):
        when = _("on %(date)s at %(time)s") % {"date": long_date(day), "time": time}
    name = entry.actor.get_short_name() if entry.actor else _("The system")
    told = sentence(_("%(name)s changed this %(when)s") % {"name": name, "when": when})
    return f"{told} {_('Check that version, then save yours.')}"


def long_date(day: dt.date) -> str:
    """As in "March 10, 2026"."""
    return date_format(day, "F j, Y")
