"""Recording what came of a check, and the page that says what is missing before a visit."""

import contextlib
import datetime as dt
from collections.abc import Sequence
from typing import Any, cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from ocrevus_tracker.accounts.access import Duty, staff
from schedules import actions
from schedules.engine.forecast import Forecast
from schedules.engine.policy import VACCINES, Region
from schedules.engine.screening import BY_CODE, CHECKS, Check
from schedules.forms.screening import DespiteForm, ScreeningForm
from schedules.forms.visits import VisitForm
from schedules.models import ClinicRules, Course, Patient, Screening
from schedules.readiness import (
    Standing,
    booked_ahead,
    dose_day,
    gates,
    is_coming,
    monitoring,
    newest_answers,
    standings,
    starts_anew,
)
from schedules.views.access import page, sent_before, staff_patient, user_of


def section(record: Patient, now: dt.datetime) -> dict[str, Any]:
    """What the patient's page shows of the checks."""
    course = record.course
    if course is None:
        return {}
    today = record.clinic.local_date(now)
    forecast = course.forecast(today)
    day = dose_day(course, forecast, today)
    coming = is_coming(course, forecast, today)
    checks = standings(course, forecast, on=day) if coming else []
    return {
        "checks": checks,
        "other_answers": _other_answers(record, checks),
        "monitoring": monitoring(course, forecast),
        "vaccines_by": _vaccines_by(course, forecast, today),
    }


def _other_answers(record: Patient, checks: Sequence[Standing]) -> list[tuple[Check, Screening]]:
    """What is on record of the checks that nothing waits for now."""
    shown = {one.check.code for one in checks}
    answers = newest_answers(record)
    return [
        (check, answers[check.code])
        for check in CHECKS
        if check.code in answers and check.code not in shown
    ]


def _vaccines_by(course: Course, forecast: Forecast, today: dt.date) -> dict[str, dt.date] | None:
    """The last days for vaccines, which hang off the first dose (A15).

    None without a date for it: a due date that has passed is none.
    """
    due = [forecast.next.due] if forecast.next and forecast.next.due >= today else []
    planned = booked_ahead(course, today) or due
    if not planned or not starts_anew(forecast):
        return None
    vaccines = VACCINES[cast("Region", ClinicRules.of(course.patient.clinic).region)]
    start = planned[0]
    return {"live": vaccines.live_by(start), "others": vaccines.non_live_by(start)}


@staff(Duty.TREAT, "GET", "POST")
def screen(request: HttpRequest, pk: int, code: str) -> HttpResponse:
    """One answer to one check, with those before it."""
    now = timezone.now()
    record = staff_patient(request, pk)
    check = BY_CODE.get(code)
    if check is None:
        raise Http404
    data = request.POST if request.method == "POST" else None
    form = ScreeningForm(data, today=record.clinic.local_date(now), check=check)
    if form.is_valid() and _recorded(request, record, check, form, now=now):
        back_to_booking = request.GET.get("then") == "book"
        return redirect("staff:book" if back_to_booking else "staff:patient", pk)
    answers = [one for one in record.screenings.all() if one.check_code == code]
    return page(
        request,
        "staff/screening.html",
        clinic=record.clinic,
        now=now,
        form=form,
        patient=record,
        check=check,
        answers=sorted(answers, key=lambda one: (one.done_on, one.pk), reverse=True),
    )


def _recorded(
    request: HttpRequest, record: Patient, check: Check, form: ScreeningForm, *, now: dt.datetime
) -> bool:
    """Save the valid answers and say so; false after a refusal, which the form then says."""
    try:
        saved = actions.record_screening(
            patient=record, actor=user_of(request), now=now, check_code=check.code, **form.facts()
        )
    except actions.UnableToRecordCheck as refusal:
        form.add_error("done_on", str(refusal))
        return False
    told = (
        _("Saved: {check}.")
        if saved.recorded_at == now
        else _("Already saved. We kept one copy: {check}.")
    )
    messages.success(request, told.format(check=check.title))
    return True


@staff(Duty.TREAT, "POST")
def void(request: HttpRequest, pk: int, screening_pk: int) -> HttpResponse:
    """An answer that was entered by mistake."""
    now = timezone.now()
    record = staff_patient(request, pk)
    screening = get_object_or_404(Screening, patient=record, pk=screening_pk)
    with contextlib.suppress(actions.UnableToRecordCheck):  # a second tap: it is taken back
        actions.void_screening(screening=screening, actor=user_of(request), now=now)
    messages.success(request, _("Taken back. It stays on record, marked as a mistake."))
    return redirect("staff:screen", pk, screening.check_code)


def ask_gates(
    request: HttpRequest,
    course: Course,
    form: VisitForm,
    *,
    questions: Sequence[str],
    now: dt.datetime,
) -> HttpResponse | None:
    """The page that says what the visit waits for, with all other `questions`; None to go on.

    A form that was sent before made its visit already.
    """
    clinic = course.patient.clinic
    found = gates(course, day=form.cleaned_data["day"], today=clinic.local_date(now))
    answer = DespiteForm(request.POST if "despite" in request.POST else None)
    final = [one for one in found if one.is_final]
    answered = answer.is_valid() and not final
    if not found or answered or sent_before(course.appointments.all(), form):
        return None
    ours = ("despite", "anyway", "csrfmiddlewaretoken")
    return page(
        request,
        "staff/not_ready.html",
        clinic=clinic,
        now=now,
        form=answer,
        patient=course.patient,
        gates=found,
        final=final,
        questions=questions,
        starts_at=form.cleaned_data["starts_at"],
        kept=[(name, value) for name, value in form.data.items() if name not in ours],
    )


def reason_despite(request: HttpRequest) -> str:
    """Why the visit is booked although a check is missing; empty where nobody had to say."""
    answer = DespiteForm(request.POST)
    return str(answer.cleaned_data["despite"]) if answer.is_valid() else ""
