"""Putting infusions on hold or on pause, changing that, and letting them go on."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from ocrevus_tracker.accounts.access import Duty, staff
from schedules import actions
from schedules.engine import history as engine
from schedules.forms.holding import (
    ChangeHoldForm,
    HoldDatesForm,
    HoldForm,
    MistakeForm,
    ReleaseForm,
)
from schedules.models import Appointment, Course, Hold, Patient
from schedules.presenting.holds import hold_effect, hold_words
from schedules.presenting.shapes import date_words
from schedules.views.access import course_of, page, staff_patient, user_of
from schedules.views.patient import booked_visits


@dataclass(frozen=True, slots=True)
class HoldShown:
    """A hold that counts today or later, and what it leads to."""

    hold: Hold
    words: str
    effect: list[str]
    visits: list[Appointment]  # booked inside it


def section(record: Patient, now: dt.datetime) -> dict[str, Any]:
    """What the patient page shows of holds and pauses at `now`."""
    course = record.course
    if course is None:
        return {"holds": [], "earlier_holds": []}
    today = record.clinic.local_date(now)
    holds = [_shown(course, hold, today) for hold in _lasting(course, today)]
    lasting = {one.hold.pk for one in holds}
    earlier = [hold for hold in course.holds.all() if hold.pk not in lasting]
    return {
        "holds": holds,
        "earlier_holds": earlier[::-1],
        "days_past_due": course.forecast(today).days_past_due if holds else 0,
    }


def steps(record: Patient, course: Course, now: dt.datetime) -> list[tuple[str, str]]:
    """The one thing that holds ask to be done next, as (address, words)."""
    today = record.clinic.local_date(now)
    lasting = _lasting(course, today)
    inside = [
        _visit_step(record, hold, visit, today)
        for hold in lasting
        for visit in _visits_inside(course, hold, today)
    ]
    release = [
        (
            reverse("staff:release_hold", args=[record.pk, hold.pk]),
            _("End the pause") if hold.is_pause else _("Release the hold"),
        )
        for hold in lasting
        if _has_begun_without_end(hold, today)
    ]
    return [*inside, *release][:1]


def _visit_step(record: Patient, hold: Hold, visit: Appointment, today: dt.date) -> tuple[str, str]:
    """To another day where there is one; nobody can book into a hold without an end."""
    if _has_begun_without_end(hold, today):
        return reverse("staff:cancel", args=[record.pk, visit.pk]), _("Cancel the visit")
    return reverse("staff:move", args=[record.pk, visit.pk]), _("Move the visit")


def has_no_end(course: Course, today: dt.date) -> bool:
    """Whether nothing can be booked before somebody releases a hold."""
    return any(_has_begun_without_end(hold, today) for hold in _lasting(course, today))


def _has_begun_without_end(hold: Hold, today: dt.date) -> bool:
    return hold.ends_on is None and hold.starts_on <= today


def _lasting(course: Course, today: dt.date) -> list[Hold]:
    """The holds that count and are not over."""
    return [
        hold
        for hold in course.holds.all()
        if not hold.voided_at and (hold.ends_on is None or hold.ends_on > today)
    ]


def _shown(course: Course, hold: Hold, today: dt.date) -> HoldShown:
    others = [one.as_held() for one in _others(course, hold)]
    return HoldShown(
        hold,
        hold_words(hold, today),
        hold_effect(course, hold.as_held(), others, today),
        _visits_inside(course, hold, today),
    )


def _others(course: Course, hold: Hold | None) -> list[Hold]:
    return [one for one in course.holds.all() if one != hold and not one.voided_at]


def _visits_inside(course: Course, hold: Hold, today: dt.date) -> list[Appointment]:
    days = [(visit, visit.local_date) for visit in booked_visits(course)]
    return [visit for visit, day in days if day >= today and hold.in_force(day)]


@staff(Duty.TREAT, "GET", "POST")
def hold(request: HttpRequest, pk: int) -> HttpResponse:
    """A new hold or pause; what it leads to can be seen before it is saved."""
    now = timezone.now()
    patient = staff_patient(request, pk)
    course = course_of(patient)
    today = patient.clinic.local_date(now)
    form = HoldForm(request.POST if request.method == "POST" else None, today=today)
    if "show" in request.POST or not form.is_valid():
        return _hold_page(request, course, form, now)
    try:
        made = actions.start_hold(course=course, actor=user_of(request), now=now, **form.facts())
    except actions.UnableToHold as refusal:
        form.add_error("starts_on", str(refusal))
        return _hold_page(request, course, form, now)
    told = _("Saved. {hold}.") if made.recorded_at == now else _("Already saved. We kept one copy.")
    return _saved(request, patient, made, told.format(hold=hold_words(made, today)), today)


@staff(Duty.TREAT, "GET", "POST")
def change(request: HttpRequest, pk: int, hold_pk: int) -> HttpResponse:
    """The dates and the note of a hold; what somebody else changed meanwhile is shown first."""
    now = timezone.now()
    patient = staff_patient(request, pk)
    hold = _hold(patient, hold_pk)
    if hold.voided_at:
        return _mistaken(request, pk)
    today = patient.clinic.local_date(now)
    form = ChangeHoldForm(
        request.POST if request.method == "POST" else None, hold=hold, today=today
    )
    if "show" in request.POST or not form.is_valid():
        return _hold_page(request, hold.course, form, now, hold=hold)
    try:
        changed = actions.change_hold(hold=hold, actor=user_of(request), now=now, **form.facts())
    except actions.HoldChangedMeanwhile as refusal:
        form.seen(hold.revision)
        form.add_error(None, str(refusal))
        return _hold_page(request, hold.course, form, now, hold=hold, clash=True)
    except actions.UnableToHold as refusal:
        form.add_error("starts_on", str(refusal))
        return _hold_page(request, hold.course, form, now, hold=hold)
    return _saved(request, patient, changed, _("Saved."), today)


@staff(Duty.TREAT, "GET", "POST")
def release(request: HttpRequest, pk: int, hold_pk: int) -> HttpResponse:
    """From which day infusions are allowed again; today is offered."""
    now = timezone.now()
    patient = staff_patient(request, pk)
    hold = _hold(patient, hold_pk)
    if hold.voided_at:
        return _mistaken(request, pk)
    today = patient.clinic.local_date(now)
    data = request.POST if request.method == "POST" else None
    form = ReleaseForm(data, today=today, initial={"ends_on": max(today, hold.starts_on)})
    if form.is_valid():
        day = form.cleaned_data["ends_on"]
        try:
            actions.release_hold(hold=hold, actor=user_of(request), now=now, ends_on=day)
        except actions.UnableToHold as refusal:
            form.add_error("ends_on", str(refusal))
        else:
            told = _("Saved. Infusions are allowed again from {date}.")
            messages.success(request, told.format(date=date_words(day)))
            return redirect("staff:patient", pk)
    return _one_question(request, "staff/hold_release.html", hold, form, now)


@staff(Duty.TREAT, "GET", "POST")
def void(request: HttpRequest, pk: int, hold_pk: int) -> HttpResponse:
    """A hold that was entered by mistake; it stays on record, marked."""
    now = timezone.now()
    hold = _hold(staff_patient(request, pk), hold_pk)
    if hold.voided_at:
        return _mistaken(request, pk)
    form = MistakeForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        why = form.cleaned_data["reason"]
        actions.void_hold(hold=hold, actor=user_of(request), now=now, reason=why)
        return _mistaken(request, pk)
    return _one_question(request, "staff/hold_void.html", hold, form, now)


def _hold(patient: Patient, pk: int) -> Hold:
    """A hold of `patient`, with its course as it is prefetched; Http404 where there is none."""
    found = get_object_or_404(Hold, course__patient=patient, pk=pk)
    found.course = next(one for one in patient.courses.all() if one.pk == found.course_id)
    return found


def _mistaken(request: HttpRequest, pk: int) -> HttpResponse:
    messages.success(request, _("Marked as entered by mistake. The record is kept in history."))
    return redirect("staff:patient", pk)


def _saved(
    request: HttpRequest, patient: Patient, hold: Hold, told: str, today: dt.date
) -> HttpResponse:
    """Back to the patient; first to the hold's own page where visits lie inside it."""
    messages.success(request, told)
    if _visits_inside(hold.course, hold, today):
        return redirect("staff:change_hold", patient.pk, hold.pk)
    return redirect("staff:patient", patient.pk)


def _hold_page(
    request: HttpRequest,
    course: Course,
    form: HoldDatesForm,
    now: dt.datetime,
    *,
    hold: Hold | None = None,
    clash: bool = False,
) -> HttpResponse:
    patient = course.patient
    today = patient.clinic.local_date(now)
    others = [one.as_held() for one in _others(course, hold)]
    return page(
        request,
        "staff/hold.html",
        clinic=patient.clinic,
        now=now,
        form=form,
        patient=patient,
        course=course,
        hold=hold,
        words=hold_words(hold, today) if hold else "",
        clash=clash,
        effect=hold_effect(course, _asked(form, hold, today), others, today),
        visits=_visits_inside(course, hold, today) if hold else [],
    )


def _asked(form: HoldDatesForm, hold: Hold | None, today: dt.date) -> engine.Hold:
    """The span that the valid answers ask for, else the one first shown."""
    if form.is_bound and not form.errors:
        answers = form.cleaned_data
        return engine.Hold(answers["starts_on"], answers["ends_on"], answers.get("reason", ""))
    return hold.as_held() if hold else engine.Hold(today, None, "")


def _one_question(
    request: HttpRequest,
    template: str,
    hold: Hold,
    form: ReleaseForm | MistakeForm,
    now: dt.datetime,
) -> HttpResponse:
    patient = hold.course.patient
    return page(
        request,
        template,
        clinic=patient.clinic,
        now=now,
        form=form,
        patient=patient,
        hold=hold,
        words=hold_words(hold, patient.clinic.local_date(now)),
    )
