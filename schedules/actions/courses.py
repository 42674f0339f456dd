"""The turns of a course: its end, a new beginning, a change of regimen."""

import datetime as dt
import uuid

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from ocrevus_tracker.accounts.models import User
from schedules.engine.history import can_switch
from schedules.engine.regimens import Regimen, current_regimen
from schedules.engine.washout import RULES as WASHOUT_RULES
from schedules.models import (
    AppointmentStatus,
    ClinicRules,
    Course,
    Restart,
    RestartChoice,
    StopReason,
)
from schedules.parts import awaited_part

from .shared import (
    UnableTo,
    is_prescriber,
    locked,
    long_date,
    made,
    must_treat,
    on_trail,
    saved_before,
)

# A treatment before this one for which no wash-out is known here.
OTHER_DRUG = "other"
PREVIOUS = ("previous_drug", "previous_last_on")
# What a course keeps when it goes on under another regimen.
KEPT = (
    "patient",
    "ordered_for",
    "started_on",
    "previous_drug",
    "previous_last_on",
    "short_infusion_allowed_at",
    "short_infusion_allowed_by",
)


class UnableToChangeCourse(UnableTo):
    """The course stands elsewhere than the act needs, or only a prescriber may do it."""


def stop_course(
    *,
    course: Course,
    actor: User,
    now: dt.datetime,
    stopped_on: dt.date,
    reason: StopReason,
    note: str = "",
    contraindicated: bool = False,
) -> Course:
    """No more infusions from `stopped_on`, a local date; booked visits are cancelled.

    The past stays. Whoever died is not written to either. The same form sent again changes
    nothing.

    Raises:
        UnableToChangeCourse: a day in the future, one before the last infusion, or a course that
            was stopped otherwise meanwhile.
    """
    with transaction.atomic():
        course = locked(course)
        must_treat(actor, course, UnableToChangeCourse)
        if (course.stopped_on, course.stop_reason, course.stop_note) == (stopped_on, reason, note):
            return course
        _refuse_end(course, stopped_on, today=course.patient.clinic.local_date(now))
        _end(
            course,
            actor=actor,
            now=now,
            on=stopped_on,
            reason=reason,
            note=note,
            contraindicated=contraindicated,
        )
        if reason == StopReason.DIED:
            course.patient.wants_reminders = False
            course.patient.save(update_fields=["wants_reminders"])
    return course


def end_for_good(course: Course, *, actor: User, now: dt.datetime, on: dt.date) -> None:
    """R12: a life-threatening reaction on the local date `on` ends the course for good.

    For a verb that records the reaction, in its transaction, with the course locked. Booked
    visits are cancelled and the next dose is stored anew: there is none.
    """
    _end(course, actor=actor, now=now, on=on, reason=StopReason.REACTION, contraindicated=True)


def reopen_course(*, course: Course, actor: User, now: dt.datetime, reason: str) -> Course:
    """Infusions go on after a stop. Visits that were cancelled stay so.

    Raises:
        UnableToChangeCourse: not by a prescriber; not stopped; stopped for good (R12); or
            treatment goes on under another plan.
    """
    with transaction.atomic():
        course = locked(course)
        _refuse_unless_prescriber(actor, course)
        _refuse_reopening(course, today=course.patient.clinic.local_date(now))
        course.stopped_on, course.stop_reason, course.stop_note = None, "", ""
        course.save(update_fields=["stopped_on", "stop_reason", "stop_note"])
        course.store_forecast(course.patient.clinic.local_date(now))
        on_trail(course, "reopen course", course, actor=actor, now=now, reason=reason)
    return course


def choose_restart(
    *,
    course: Course,
    actor: User,
    now: dt.datetime,
    choice: RestartChoice,
    reason: str,
    entry_key: uuid.UUID | None = None,
) -> Restart:
    """R13: how treatment goes on after a lapse. A choice not used yet is replaced.

    Raises:
        UnableToChangeCourse: not by a prescriber; or the course has not lapsed, is stopped, on
            hold, or waits for a decision.
    """
    with transaction.atomic():
        course = locked(course)
        if saved := saved_before(course.restarts.all(), entry_key, refusal=UnableToChangeCourse):
            return saved
        today = course.patient.clinic.local_date(now)
        _refuse_unless_prescriber(actor, course)
        _refuse_restart(course, choice, today)
        if course.position(today).pending:
            course.restarts.filter(voided_at=None).filter(
                Q(chosen_on__gt=course.position(today).last)
            ).update(voided_at=now)
        restart = Restart.objects.create(
            course=course,
            chosen_on=today,
            choice=choice,
            reason=reason,
            chosen_by=actor,
            recorded_at=now,
            entry_key=entry_key,
        )
        course.store_forecast(today)
        act = f"restart {choice}"
        on_trail(course, act, restart, actor=actor, now=now, reason=reason)
    return restart


def switch_regimen(
    *,
    course: Course,
    actor: User,
    now: dt.datetime,
    code: str,
    switched_on: dt.date,
    reason: str,
) -> Course:
    """A13: go on under another regimen of the same drug from `switched_on`, a local date.

    The answer is the course that goes on: its clock, its booked visits and its holds are those of
    the course before, which ends. The same form sent again changes nothing.

    Raises:
        UnableToChangeCourse: not by a prescriber; a plan that the clinic does not use, of another
            drug, or the one in use; a half-finished dose; or a day that cannot be (`stop_course`).
    """
    with transaction.atomic():
        course = locked(course)
        if done := _switched_before(course, code):
            return done
        today = course.patient.clinic.local_date(now)
        _refuse_unless_prescriber(actor, course)
        _refuse_end(course, switched_on, today=today)
        to = _regimen_to_switch_to(course, code, today)
        course.stopped_on, course.stop_reason = switched_on, StopReason.SWITCHED
        course.save(update_fields=["stopped_on", "stop_reason"])
        later = Course.objects.create(
            continues=course,
            regimen_code=to.code,
            regimen_version=to.version,
            **{name: getattr(course, name) for name in KEPT},
        )
        course.appointments.booked().update(course=later)
        course.holds.counting().update(course=later)  # the past ones too: they may be changed yet
        course.store_forecast(today)
        later.store_forecast(today)
        plans = {"regimen_code": (course.regimen_code, later.regimen_code)}
        on_trail(
            course, "switch regimen", later, actor=actor, now=now, reason=reason, changes=plans
        )
    return later


def note_previous_treatment(
    *, course: Course, actor: User, now: dt.datetime, drug: str, last_on: dt.date | None
) -> Course:
    """A14: what was taken before, and when last (a local date); an empty `drug` takes it back.

    Raises:
        UnableToChangeCourse: an unknown drug, no date for a drug, or one in the future.
    """
    with transaction.atomic():
        course = locked(course)
        must_treat(actor, course, UnableToChangeCourse)
        if drug not in {"", OTHER_DRUG, *WASHOUT_RULES}:
            raise UnableToChangeCourse(_("Choose a treatment from the list."))
        if drug and last_on is None:
            raise UnableToChangeCourse(_("Enter the date of its last dose."))
        if last_on and last_on > course.patient.clinic.local_date(now):
            raise UnableToChangeCourse(_("The last dose must be today or in the past."))
        asked = (drug, last_on if drug else None)
        before = (course.previous_drug, course.previous_last_on)
        if asked == before:  # the same form again
            return course
        course.previous_drug, course.previous_last_on = asked
        course.save(update_fields=[*PREVIOUS])
        changes = dict(zip(PREVIOUS, zip(before, asked, strict=True), strict=True))
        on_trail(course, "note previous treatment", course, actor=actor, now=now, changes=changes)
    return course


def _refuse_unless_prescriber(actor: User, course: Course) -> None:
    if not is_prescriber(actor, course):
        raise UnableToChangeCourse(_("Only a prescriber of this clinic can do this."))


def _refuse_end(course: Course, stopped_on: dt.date, *, today: dt.date) -> None:
    """A course ends once, on a day that came, and not before it began or its last infusion."""
    if course.stopped_on:
        raise UnableToChangeCourse(
            _("Infusions were stopped already, on %(date)s.")
            % {"date": long_date(course.stopped_on)}
        )
    if stopped_on > today:
        raise UnableToChangeCourse(_("The date must be today or in the past."))
    if course.took_over_on and stopped_on < course.took_over_on:
        raise UnableToChangeCourse(
            _("This plan began on %(date)s. Choose that day or a later one.")
            % {"date": long_date(course.took_over_on)}
        )
    if course.infusions.counting().filter(given_on__gt=stopped_on).exists():
        raise UnableToChangeCourse(
            _("An infusion is recorded after this date. Choose a later day.")
        )


def _end(
    course: Course,
    *,
    actor: User,
    now: dt.datetime,
    on: dt.date,
    reason: StopReason,
    note: str = "",
    contraindicated: bool = False,
) -> None:
    """Write the end into the locked course, call its visits off, and say so on the trail."""
    course.stopped_on = on
    course.stop_reason = reason
    course.stop_note = note
    course.contraindicated = contraindicated
    course.save(update_fields=["stopped_on", "stop_reason", "stop_note", "contraindicated"])
    course.appointments.booked().update(status=AppointmentStatus.CANCELLED)
    course.store_forecast(course.patient.clinic.local_date(now))
    told = made(course, "stopped_on", "stop_note")
    on_trail(course, "stop course", course, actor=actor, now=now, reason=reason, changes=told)


def _refuse_reopening(course: Course, *, today: dt.date) -> None:
    """R12, and one plan at a time."""
    if course.stopped_on is None:
        raise UnableToChangeCourse(_("Infusions are not stopped."))
    if course.contraindicated or course.position(today).ended:
        raise UnableToChangeCourse(
            _(
                "Infusions stopped for good after a life-threatening reaction. "
                "Only correcting the record of the reaction can open them again."
            )
        )
    elsewhere = Course.objects.filter(continues=course) | course.patient.courses.open()
    if elsewhere.exists():
        raise UnableToChangeCourse(_("Treatment goes on under another plan."))


def _refuse_restart(course: Course, choice: RestartChoice, today: dt.date) -> None:
    """R8, R13: only a lapsed course asks for a choice."""
    if choice == RestartChoice.SPLIT and len(course.regimen.initial) == 1:
        raise UnableToChangeCourse(_("The first dose of this treatment is never given in parts."))
    found = course.forecast(today)
    told = {
        "discontinued": _("Infusions are stopped. Restart treatment first."),
        "pending_clinician": _("Decide first what the last infusion counts as."),
        "on_hold": _("Infusions are on hold. Release the hold first."),
        "paused": _("Infusions are on pause. End the pause first."),
    }
    if words := told.get(found.state):
        raise UnableToChangeCourse(words)
    if found.state != "lapsed" and not found.position.pending:
        raise UnableToChangeCourse(
            _("The last infusion is not long enough ago: there is nothing to choose.")
        )


def _switched_before(course: Course, code: str) -> Course | None:
    """What the same form made when it was sent the first time."""
    if course.continues_id and course.regimen_code == code and not course.stopped_on:
        return course
    return Course.objects.filter(continues=course, regimen_code=code).first()


def _regimen_to_switch_to(course: Course, code: str, today: dt.date) -> Regimen:
    """The newest version of the regimen called `code`.

    Raises:
        UnableToChangeCourse: the course cannot go on under it.
    """
    if code not in ClinicRules.of(course.patient.clinic).regimens:
        raise UnableToChangeCourse(_("This clinic does not use that treatment."))
    to, position = current_regimen(code), course.position(today)
    if position.awaits_clinician:
        raise UnableToChangeCourse(_("Decide first what the last infusion counts as."))
    if position.step == "initial-2":
        raise UnableToChangeCourse(_("The first dose is half given. Finish it first."))
    if awaited_part(course, today + dt.timedelta(days=1)):
        raise UnableToChangeCourse(_("The rest of the last infusion is still to be given."))
    if not can_switch(course.regimen, to, position):
        raise UnableToChangeCourse(
            _("Only another plan with the same medicine keeps the dates. Choose another one.")
        )
    return to
