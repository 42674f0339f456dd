"""Recording an infusion, taking it back, and deciding what a stopped one counts as."""

import datetime as dt
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from schedules import actions
from schedules.before_saving import (
    forecast_with,
    infusion_questions,
    lot_of_the_day,
    planned_mg,
)
from schedules.engine import history as engine
from schedules.engine.forecast import Forecast
from schedules.forms.infusions import DecisionForm, ReasonForm, RecordForm
from schedules.models import Appointment, Course, Infusion, Outcome, Patient
from schedules.presenting import booking_opens
from schedules.views.access import course_of, page, sent_before, staff_patient, user_of


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def record(request: HttpRequest, pk: int) -> HttpResponse:
    """One page with every default chosen; one more, at most, with what looks unusual."""
    now = timezone.now()
    patient = staff_patient(request, pk)
    course = course_of(patient)
    form = _record_form(request, course, now)
    if "fix" in request.POST or not form.is_valid():
        return _record_page(request, course, form, now)
    questions = _questions(course, form, patient.clinic.local_date(now))
    answer = ReasonForm(request.POST if "answered" in request.POST else None)
    if questions and not answer.is_valid():
        return _ask(request, course, form, answer=answer, questions=questions, now=now)
    reason = answer.reason([code for code, _words in questions]) if questions else ""
    if not _record(request, course, form, reason=reason, now=now):
        return _record_page(request, course, form, now)
    return redirect("staff:patient", pk)


def _questions(course: Course, form: RecordForm, today: dt.date) -> list[tuple[str, str]]:
    """What to ask about the valid answers; nothing about a form that was sent before."""
    if sent_before(course.infusions.all(), form):
        return []
    return infusion_questions(course, form.as_given(), today)


def _record_form(request: HttpRequest, course: Course, now: dt.datetime) -> RecordForm:
    today = course.patient.clinic.local_date(now)
    return RecordForm(
        request.POST if request.method == "POST" else None,
        today=today,
        regimen=course.regimen,
        planned_mg=planned_mg(course, today),
        lot=lot_of_the_day(course, today),
    )


def _record_page(
    request: HttpRequest, course: Course, form: RecordForm, now: dt.datetime
) -> HttpResponse:
    patient = course.patient
    today = patient.clinic.local_date(now)
    return page(
        request,
        "staff/record.html",
        clinic=patient.clinic,
        now=now,
        form=form,
        patient=patient,
        age=patient.age_on(today),
        first=not any(one.counts for one in course.infusions.all()),
        **_what_follows(course, form, today),
    )


def _what_follows(course: Course, form: RecordForm, today: dt.date) -> dict[str, Any]:
    """The dates that the valid answers lead to, else those of the answers first shown."""
    shown = engine.Infusion(today, planned_mg(course, today))
    given = form.as_given() if form.is_valid() else shown
    found = forecast_with(course, given, today)
    due = found.next.due if found and found.next else None
    return {
        "given_on": given.given_on,
        "taken": found is None,
        "due": due,
        "booking_opens": booking_opens(due, course.patient.clinic) if due else None,
    }


def _ask(
    request: HttpRequest,
    course: Course,
    form: RecordForm,
    *,
    answer: ReasonForm,
    questions: list[tuple[str, str]],
    now: dt.datetime,
) -> HttpResponse:
    """All questions on one page, with every answer kept in it."""
    ours = ("answered", "why", "words", "csrfmiddlewaretoken")
    return page(
        request,
        "staff/record_ask.html",
        clinic=course.patient.clinic,
        now=now,
        form=answer,
        patient=course.patient,
        given=form.as_given(),
        questions=[words for _code, words in questions],
        kept=[(name, value) for name, value in form.data.items() if name not in ours],
        fix=_fix_words([code for code, _words in questions]),
    )


def _fix_words(codes: list[str]) -> str:
    """What the button that leads back says."""
    about_dose = {"another_dose", "full_but_partial"}
    if set(codes) <= about_dose:
        return _("Fix the dose")
    return _("Fix the answers") if about_dose & set(codes) else _("Fix the date")


def _record(
    request: HttpRequest, course: Course, form: RecordForm, *, reason: str, now: dt.datetime
) -> bool:
    """Record the valid answers and say so; false after a refusal, which the form then says."""
    try:
        recorded = actions.record_infusion(
            course=course, actor=user_of(request), now=now, reason=reason, **form.facts()
        )
    except actions.UnableToRecordInfusion as refusal:
        form.add_error("given_on", str(refusal))
        return False
    infusion = recorded.infusion
    if recorded.created:
        words = [_saved_words(course.patient, recorded.forecast)]
        words += [_cancelled_words(visit) for visit in recorded.cancelled]
        messages.success(request, " ".join(words))
    elif infusion.counts:
        kept = _("Already saved. We kept one copy: {date}, {mg} mg.")
        messages.success(request, kept.format(date=_date(infusion.given_on), mg=infusion.dose_mg))
    else:
        messages.error(request, _("This was undone. Open “Record an infusion” to enter it again."))
    return True


def _cancelled_words(visit: Appointment) -> str:
    words = _("The visit on {date} was for this infusion and is cancelled.")
    return words.format(date=_date(visit.local_date))


def _saved_words(patient: Patient, forecast: Forecast) -> str:
    if forecast.next is None:
        return _("Saved. The prescriber decides what comes next.")
    words = _("Saved. {first_name}'s next infusion is due around {date}.")
    return words.format(first_name=patient.given_name, date=_date(forecast.next.due))


@login_required
@require_POST
def undo(request: HttpRequest, pk: int, infusion_pk: int) -> HttpResponse:
    """Take back an infusion that the same person has just recorded."""
    now = timezone.now()
    infusion = _infusion(staff_patient(request, pk), infusion_pk)
    try:
        actions.undo_infusion(infusion=infusion, actor=user_of(request), now=now)
    except actions.UnableToUndo as refusal:
        if infusion.counts:
            messages.error(request, str(refusal))
            return redirect("staff:patient", pk)
    messages.success(request, _("Undone. The record is kept in history as a mistake."))
    return redirect("staff:patient", pk)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def decide(request: HttpRequest, pk: int, infusion_pk: int) -> HttpResponse:
    """The prescriber's word on an infusion that was stopped early."""
    now = timezone.now()
    patient = staff_patient(request, pk)
    infusion = _infusion(patient, infusion_pk, outcome=Outcome.PARTIAL, voided_at=None)
    if not infusion.awaits_decision:
        return _decided_already(request, infusion)
    form = DecisionForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        chosen = form.cleaned_data["disposition"]
        try:
            found = actions.decide_partial(
                infusion=infusion, actor=user_of(request), now=now, disposition=chosen
            )
        except actions.UnableToDecide:
            return _decided_already(request, infusion)
        messages.success(request, _saved_words(patient, found))
        return redirect("staff:patient", pk)
    return page(
        request,
        "staff/decide.html",
        clinic=patient.clinic,
        now=now,
        form=form,
        patient=patient,
        infusion=infusion,
    )


def _decided_already(request: HttpRequest, infusion: Infusion) -> HttpResponse:
    told = _("This was decided already: {decision}.")
    messages.success(request, told.format(decision=infusion.get_disposition_display()))
    return redirect("staff:patient", infusion.course.patient_id)


def _infusion(patient: Patient, pk: int, **wanted: Any) -> Infusion:  # noqa: ANN401 - lookups
    """An infusion of `patient`; Http404 where there is none."""
    return get_object_or_404(Infusion, course__patient=patient, pk=pk, **wanted)


def _date(day: dt.date) -> str:
    return date_format(day, "F j, Y")
