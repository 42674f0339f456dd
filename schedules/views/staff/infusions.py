"""Recording an infusion, taking it back, and deciding what a stopped one counts as."""

import datetime as dt
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from ocrevus_tracker.accounts.access import Duty, has_duty, staff
from schedules import actions
from schedules.before_saving import (
    Question,
    forecast_with,
    infusion_notes,
    infusion_questions,
    lot_of_the_day,
    planned_mg,
)
from schedules.engine import history as engine
from schedules.forms.infusions import AllowShortForm, DecisionForm, ReasonForm, RecordForm
from schedules.models import Course, Infusion, Outcome, Patient
from schedules.parts import awaited_part
from schedules.presenting import booking_opens
from schedules.rates import barring_reaction, rate_options
from schedules.views.access import (
    course_of,
    page,
    sent_before,
    staff_patient,
    user_of,
)
from schedules.views.patient import booked_visits

from .elsewhere import complete
from .saved import date_words, recorded_words, saved_words


def section(record: Patient, now: dt.datetime) -> dict[str, Any]:
    """What the patient's page says about the short infusion and about a dose begun."""
    course = record.course
    today = record.clinic.local_date(now)
    if course is None or course.stopped_on:
        return {}
    return {
        "short_barred": barring_reaction(course, today + dt.timedelta(days=1)),
    }


def decisions(record: Patient, infusions: list[Infusion]) -> list[tuple[str, str]]:
    """What a clinician has to decide or find out first, as (address, words); the newest only."""
    waiting = [one for one in infusions if one.counts and one.as_given().awaits_clinician]
    words = {True: _("Complete the history"), False: _("Decide what counts next")}
    return [
        (reverse("staff:decide", args=[record.pk, one.pk]), words[one.is_half_known])
        for one in waiting[:1]
    ]


def record_steps(
    record: Patient, now: dt.datetime
) -> tuple[list[tuple[str, str]], tuple[str, str]]:
    """Recording as (address, words): first the rest of a dose begun, if one is awaited."""
    address = reverse("staff:record", args=[record.pk])
    begun = awaited_part(course_of(record), record.clinic.local_date(now))
    rest = [(address, _("Record the rest"))] if begun else []
    return rest, (address, _("Record an infusion"))


@staff(Duty.TREAT, "GET", "POST")
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
    reason = answer.reason([one.code for one in questions]) if questions else ""
    if not _record(request, course, form, reason=reason, now=now):
        return _record_page(request, course, form, now)
    if "next" in request.POST:
        return redirect("staff:patients")
    return redirect("staff:patient", pk)


def _questions(course: Course, form: RecordForm, today: dt.date) -> list[Question]:
    """What to ask about the valid answers; nothing about a form that was sent before."""
    ours = [one for earlier in course.line for one in earlier.infusions.all()]
    if form.not_given or sent_before(ours, form):
        return []
    given = form.as_given()
    after = [visit for visit in booked_visits(course) if visit.local_date > given.given_on]
    return infusion_questions(course, given, today, visits=len(after))


def _record_form(request: HttpRequest, course: Course, now: dt.datetime) -> RecordForm:
    today = course.patient.clinic.local_date(now)
    part = awaited_part(course, today)
    rest = part is not None
    if request.method == "POST":
        rest = rest and "remainder" in request.POST
    return RecordForm(
        request.POST if request.method == "POST" else None,
        today=today,
        regimen=course.regimen,
        planned_mg=planned_mg(course, today, rest=rest),
        lot=lot_of_the_day(course, today),
        rates=[one.code for one in rate_options(course, today)],
        part=part,
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
        course=course,
        age=patient.age_on(today),
        first=not any(one.counts for one in course.infusions.all()),
        short_barred=barring_reaction(course, today),
        ways=rate_options(course, today),
        **_what_follows(course, form, today),
    )


def _what_follows(course: Course, form: RecordForm, today: dt.date) -> dict[str, Any]:
    """The dates that the valid answers lead to, else those of the answers first shown."""
    rest = "remainder" in form.fields
    shown = engine.Infusion(today, planned_mg(course, today, rest=rest), remainder=rest)
    given = form.as_given() if form.is_valid() and not form.not_given else shown
    found = forecast_with(course, given, today)
    due = found.next.due if found and found.next else None
    return {
        "given_on": given.given_on,
        "taken": _on_day(course, given.given_on),
        "due": due,
        "booking_opens": booking_opens(due, course.patient.clinic) if due else None,
        "notes": infusion_notes(course, given, today),
    }


def _on_day(course: Course, day: dt.date) -> Infusion | None:
    """The infusion that is recorded for `day` already."""
    ours = course.at(day).infusions.all()
    return next((one for one in ours if one.counts and one.given_on == day), None)


def _ask(
    request: HttpRequest,
    course: Course,
    form: RecordForm,
    *,
    answer: ReasonForm,
    questions: list[Question],
    now: dt.datetime,
) -> HttpResponse:
    """All questions on one page, with every answer kept in it."""
    ours = ("answered", "why", "words", "csrfmiddlewaretoken")
    given = form.as_given()
    return page(
        request,
        "staff/record_ask.html",
        clinic=course.patient.clinic,
        now=now,
        form=answer,
        patient=course.patient,
        given=given,
        questions=[one.words for one in questions],
        notes=infusion_notes(course, given, course.patient.clinic.local_date(now)),
        kept=[(name, value) for name, value in form.data.items() if name not in ours],
        fix=_fix_words({one.about for one in questions}),
    )


def _fix_words(about: set[str]) -> str:
    """What the button that leads back says: the answer to look at, if it is one."""
    words = {
        "date": _("Fix the date"),
        "dose": _("Fix the dose"),
        "reaction": _("Fix the reaction"),
        "": _("Go back, save nothing"),
    }
    return words[about.pop()] if len(about) == 1 else _("Fix the answers")


def _record(
    request: HttpRequest, course: Course, form: RecordForm, *, reason: str, now: dt.datetime
) -> bool:
    """Record the valid answers and say so; false after a refusal, which the form then says."""
    notes = []
    if not form.not_given:
        notes = infusion_notes(course, form.as_given(), course.patient.clinic.local_date(now))
    try:
        recorded = actions.record_infusion(
            course=course, actor=user_of(request), now=now, reason=reason, **form.facts()
        )
    except actions.UnableToRecordInfusion as refusal:
        form.add_error("given_on", str(refusal))
        return False
    infusion = recorded.infusion
    if recorded.created:
        messages.success(request, " ".join([*recorded_words(course.patient, recorded), *notes]))
    elif infusion.voided_at is None:
        kept = _("Already saved. We kept one copy: {date}, {mg} mg.")
        messages.success(
            request, kept.format(date=date_words(infusion.given_on), mg=infusion.dose_mg)
        )
    else:
        messages.error(request, _("This was undone. Open “Record an infusion” to enter it again."))
    return True


@staff(Duty.TREAT, "POST")
def undo(request: HttpRequest, pk: int, infusion_pk: int) -> HttpResponse:
    """Take back an infusion that the same person has just recorded."""
    now = timezone.now()
    infusion = _infusion(staff_patient(request, pk), infusion_pk)
    try:
        actions.undo_infusion(infusion=infusion, actor=user_of(request), now=now)
    except actions.UnableToUndo as refusal:
        if not _is_voided(infusion):
            messages.error(request, str(refusal))
            return redirect("staff:patient", pk)
    messages.success(request, _("Undone. The record is kept in history as a mistake."))
    return redirect("staff:patient", pk)


@staff(Duty.TREAT, "GET", "POST")
def decide(request: HttpRequest, pk: int, infusion_pk: int) -> HttpResponse:
    """The prescriber's word on an infusion that was stopped early, or what was found out about
    one that was known by halves.
    """
    now = timezone.now()
    patient = staff_patient(request, pk)
    infusion = _infusion(patient, infusion_pk)
    if infusion.voided_at:
        messages.error(request, _("This record was marked as a mistake: nothing is to be decided."))
        return redirect("staff:patient", pk)
    if infusion.elsewhere:
        return complete(request, patient, infusion, now)
    if infusion.outcome != Outcome.PARTIAL:
        raise Http404
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
        messages.success(request, saved_words(patient, found))
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


@staff(Duty.TREAT, "GET", "POST")
def allow_short(request: HttpRequest, pk: int) -> HttpResponse:
    """A prescriber allows the short infusion again after a serious reaction."""
    now = timezone.now()
    patient = staff_patient(request, pk)
    course, user = course_of(patient), user_of(request)
    barred = section(patient, now).get("short_barred")
    if barred is None:
        messages.success(request, _("Nothing bars the short infusion."))
        return redirect("staff:patient", pk)
    form = AllowShortForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            actions.allow_short_infusion(
                course=course, actor=user, now=now, reason=form.cleaned_data["reason"]
            )
        except actions.UnableToAllow as refusal:
            form.add_error("reason", str(refusal))
        else:
            messages.success(request, _("Saved. The short infusion is allowed again."))
            return redirect("staff:patient", pk)
    return page(
        request,
        "staff/allow_short.html",
        clinic=patient.clinic,
        now=now,
        form=form,
        patient=patient,
        barred=barred,
        may_allow=has_duty(user, patient.clinic, Duty.PRESCRIBE),
    )


def _is_voided(infusion: Infusion) -> bool:
    """As it is now, whoever voided it."""
    now = Infusion.objects.filter(course=infusion.course_id, pk=infusion.pk)
    return now.filter(voided_at__isnull=False).exists()


def _infusion(patient: Patient, pk: int) -> Infusion:
    """An infusion of `patient`; Http404 where there is none."""
    return get_object_or_404(Infusion, course__patient=patient, pk=pk)
