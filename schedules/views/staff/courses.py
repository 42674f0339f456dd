"""The turns of a course: stop and reopen, restart, another plan, the packet for the next clinic."""

import datetime as dt
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ocrevus_tracker.accounts.access import Duty, has_duty, staff
from schedules import actions, plans
from schedules.engine.screening import BY_CODE
from schedules.forms.base import CleanForm
from schedules.forms.courses import PreviousForm, ReopenForm, RestartForm, StopForm, SwitchForm
from schedules.models import Course, Patient, Restart, Screening, StopReason
from schedules.views.access import course_of, page, staff_patient, user_of
from schedules.views.patient import booked_visits, every_infusion


def section(record: Patient, now: dt.datetime) -> dict[str, Any]:
    """What the patient page says of the course: since when, how it goes on, why it stopped."""
    course = record.course
    if course is None:
        return {}
    today = record.clinic.local_date(now)
    return {
        "turns": {
            "before": plans.treatment_before(course, today),
            "earlier": course.line[1:],
            "chosen": _pending_choice(course, today),
            "lapsed": course.forecast(today).state == "lapsed",
            "for_good": _is_for_good(course, today),
            "waits": course.position(today).anchor is None,
        }
    }


def steps(record: Patient, course: Course, now: dt.datetime) -> list[tuple[str, str]]:
    """What comes first after a stop or a lapse, as (address, words)."""
    today = record.clinic.local_date(now)
    if course.stopped_on:
        if course.stop_reason == StopReason.DIED or _is_for_good(course, today):
            return []
        return [(reverse("staff:reopen", args=[record.pk]), _("Restart treatment"))]
    if course.forecast(today).state == "lapsed":
        return [(reverse("staff:restart", args=[record.pk]), _("Choose how to restart"))]
    return []


def _pending_choice(course: Course, today: dt.date) -> Restart | None:
    """The choice after a lapse that waits for its infusion."""
    if not course.position(today).pending:
        return None
    rows = [row for one in course.line for row in one.restarts.all() if row.voided_at is None]
    return max(rows, key=lambda row: row.chosen_on)


def _is_for_good(course: Course, today: dt.date) -> bool:
    """Whether a life-threatening reaction ended it (R12)."""
    return course.contraindicated or course.position(today).ended


@staff(Duty.TREAT, "GET", "POST")
def stop(request: HttpRequest, pk: int) -> HttpResponse:
    """Why and when; then one page with what is cancelled by it."""
    now = timezone.now()
    patient = staff_patient(request, pk)
    course = course_of(patient)
    today = patient.clinic.local_date(now)
    form = StopForm(request.POST if request.method == "POST" else None, today=today)
    if "fix" not in request.POST and form.is_valid():
        if "confirmed" not in request.POST:
            reason = StopReason(form.cleaned_data["reason"])
            return _page(
                request,
                "stop_ask",
                course,
                now,
                stop=form,
                reason=reason.label,
                died=reason == StopReason.DIED,
                visits=booked_visits(course),
            )
        if _stop(request, course, form, now=now):
            moved = form.cleaned_data["reason"] == StopReason.MOVED
            return redirect("staff:packet" if moved else "staff:patient", pk)
    elif course.stopped_on:
        messages.success(request, _("Infusions are stopped already."))
        return redirect("staff:patient", pk)
    return _page(request, "stop", course, now, form=form)


def _stop(request: HttpRequest, course: Course, form: StopForm, *, now: dt.datetime) -> bool:
    """Stop and say what came of it; false after a refusal, which the form then says."""
    answers, visits = form.cleaned_data, len(booked_visits(course))
    try:
        actions.stop_course(
            course=course,
            actor=user_of(request),
            now=now,
            stopped_on=answers["stopped_on"],
            reason=StopReason(answers["reason"]),
            note=answers["note"],
        )
    except actions.UnableToChangeCourse as refusal:
        form.add_error("stopped_on", str(refusal))
        return False
    told = [_("Saved. Infusions are stopped.")]
    if visits:
        cancelled = ngettext("{n} visit is cancelled.", "{n} visits are cancelled.", visits)
        told.append(cancelled.format(n=visits))
    if answers["reason"] == StopReason.MOVED:
        told.append(_("This page is for the other clinic: print it or save it."))
    messages.success(request, " ".join(told))
    return True


@staff(Duty.TREAT, "GET", "POST")
def reopen(request: HttpRequest, pk: int) -> HttpResponse:
    """Infusions go on after a stop; after a long gap the next question is how."""
    now = timezone.now()
    course = course_of(staff_patient(request, pk))
    if course.stopped_on is None:
        messages.success(request, _("Infusions are not stopped."))
        return redirect("staff:patient", pk)
    form = ReopenForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        reason = form.cleaned_data["reason"]
        try:
            reopened = actions.reopen_course(
                course=course, actor=user_of(request), now=now, reason=reason
            )
        except actions.UnableToChangeCourse as refusal:
            form.add_error("reason", str(refusal))
        else:
            messages.success(request, _("Saved. Infusions go on. No visit is booked."))
            today = course.patient.clinic.local_date(now)
            lapsed = reopened.forecast(today).state == "lapsed"
            return redirect("staff:restart" if lapsed else "staff:patient", pk)
    today = course.patient.clinic.local_date(now)
    return _page(request, "reopen", course, now, form=form, for_good=_is_for_good(course, today))


@staff(Duty.TREAT, "GET", "POST")
def restart(request: HttpRequest, pk: int) -> HttpResponse:
    """Both ways on after a lapse, beside each other; a prescriber chooses."""
    now = timezone.now()
    course = course_of(staff_patient(request, pk))
    if course.stopped_on:
        return redirect("staff:reopen", pk)
    form = RestartForm(
        request.POST if request.method == "POST" else None, offered=plans.ways_to_restart(course)
    )
    if form.is_valid() and _restart(request, course, form, now=now):
        return redirect("staff:patient", pk)
    today = course.patient.clinic.local_date(now)
    chosen = _pending_choice(course, today)
    found = course.forecast(today)
    if found.position.awaits_clinician or (not chosen and found.state != "lapsed"):
        told = _("There is nothing to choose: the course has not lapsed, or waits for something.")
        messages.error(request, told)
        return redirect("staff:patient", pk)
    return _restart_page(request, course, form, chosen=chosen, now=now)


def _restart_page(
    request: HttpRequest,
    course: Course,
    form: RestartForm,
    *,
    chosen: Restart | None,
    now: dt.datetime,
) -> HttpResponse:
    """Each way on with its dates, from the next booked visit or else from today."""
    today = course.patient.clinic.local_date(now)
    coming = [visit.local_date for visit in booked_visits(course) if visit.local_date >= today]
    first_on = min(coming, default=today)
    return _page(
        request,
        "restart",
        course,
        now,
        form=form,
        plans=[
            (way.label, plans.restart_plan(course, way, today, first_on))
            for way in plans.ways_to_restart(course)
        ],
        first_on=first_on,
        booked=bool(coming),
        chosen=chosen,
        last_on=course.position(today).last,
    )


def _restart(request: HttpRequest, course: Course, form: RestartForm, *, now: dt.datetime) -> bool:
    """Keep the choice and say so; false after a refusal, which the form then says."""
    answers = form.cleaned_data
    try:
        chosen = actions.choose_restart(
            course=course,
            actor=user_of(request),
            now=now,
            choice=answers["choice"],
            reason=answers["reason"],
            entry_key=answers["entry_key"],
        )
    except actions.UnableToChangeCourse as refusal:
        form.add_error("choice", str(refusal))
        return False
    once = _("Saved: {choice}. Book the visit next.")
    again = _("Already saved. We kept one copy: {choice}.")
    told = once if chosen.recorded_at == now else again
    messages.success(request, told.format(choice=chosen.get_choice_display().lower()))
    return True


@staff(Duty.TREAT, "GET", "POST")
def switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Another plan with the same medicine, with the dates before and after."""
    now = timezone.now()
    course = course_of(staff_patient(request, pk))
    if course.stopped_on:
        messages.error(request, _("Infusions are stopped. Restart treatment first."))
        return redirect("staff:patient", pk)
    today = course.patient.clinic.local_date(now)
    offered = plans.switch_plans(course, today)
    form = SwitchForm(
        request.POST if request.method == "POST" else None,
        today=today,
        offered=[regimen for regimen, _found in offered],
    )
    if "code" in request.POST and _sent_before(course, request.POST["code"]):
        messages.success(request, _("Already saved. We kept one copy."))
        return redirect("staff:patient", pk)
    if form.is_valid() and _switch(request, course, form, now=now):
        return redirect("staff:patient", pk)
    found = course.forecast(today)
    rows = [(course.regimen, found.next), *((to, after.next) for to, after in offered)]
    dates = {dose.due for _regimen, dose in rows if dose}
    return _page(
        request,
        "switch",
        course,
        now,
        form=form,
        rows=rows,
        offered=offered,
        half_given=found.position.step == "initial-2",
        same_dates=len(dates) < 2,  # noqa: PLR2004 - one date, or none
        visits=booked_visits(course),
    )


def _sent_before(course: Course, code: str) -> bool:
    """Whether the course goes on under that plan already: the same form again."""
    return course.continues_id is not None and course.regimen_code == code


def _switch(request: HttpRequest, course: Course, form: SwitchForm, *, now: dt.datetime) -> bool:
    """Switch and say so; false after a refusal, which the form then says."""
    answers = form.cleaned_data
    try:
        later = actions.switch_regimen(
            course=course,
            actor=user_of(request),
            now=now,
            code=answers["code"],
            switched_on=answers["switched_on"],
            reason=answers["reason"],
        )
    except actions.UnableToChangeCourse as refusal:
        form.add_error("code", str(refusal))
        return False
    told = _("Saved. Treatment goes on with: {plan}.")
    messages.success(request, told.format(plan=later.regimen.title))
    return True


@staff(Duty.TREAT, "GET", "POST")
def previous(request: HttpRequest, pk: int) -> HttpResponse:
    """What was taken before, for the wash-out."""
    now = timezone.now()
    course = course_of(staff_patient(request, pk))
    today = course.patient.clinic.local_date(now)
    form = PreviousForm.of(course, request.POST if request.method == "POST" else None, today=today)
    if form.is_valid() and _note_previous(request, course, form, now=now):
        return redirect("staff:patient", pk)
    return _page(
        request, "previous", course, now, form=form, before=plans.treatment_before(course, today)
    )


def _note_previous(
    request: HttpRequest, course: Course, form: PreviousForm, *, now: dt.datetime
) -> bool:
    """Keep the answers and say so; false after a refusal, which the form then says."""
    try:
        actions.note_previous_treatment(
            course=course,
            actor=user_of(request),
            now=now,
            drug=form.cleaned_data["drug"],
            last_on=form.cleaned_data["last_on"],
        )
    except actions.UnableToChangeCourse as refusal:
        form.add_error("drug", str(refusal))
        return False
    messages.success(request, _("Saved."))
    return True


@staff(Duty.SEE, "GET")
def packet(request: HttpRequest, pk: int) -> HttpResponse:
    """All that the next clinic needs, on one printed page."""
    now = timezone.now()
    patient = staff_patient(request, pk)
    course = course_of(patient)
    today = patient.clinic.local_date(now)
    found = plans.unless_stopped(course, today)
    given = [one for one in every_infusion(course) if one.counts]
    return _page(
        request,
        "packet",
        course,
        now,
        dose=found.next,
        reasons=[str(reason) for reason in found.reasons] if found.next else [],
        lapsed=found.state == "lapsed",
        for_good=_is_for_good(course, today),
        infusions=given,
        holds=[hold for one in course.line for hold in one.holds.all() if hold.voided_at is None],
        results=_results(patient),
        before=plans.treatment_before(course, today),
    )


def _results(patient: Patient) -> list[tuple[str, Screening]]:
    """The answer that stands to each check, newest first, with the check's name."""
    rows = Screening.objects.newest().filter(patient=patient).order_by("-done_on", "pk")
    return [(_(BY_CODE[row.check_code].title), row) for row in rows if row.check_code in BY_CODE]


def _page(
    request: HttpRequest,
    name: str,
    course: Course,
    now: dt.datetime,
    *,
    form: CleanForm | None = None,
    **context: Any,  # noqa: ANN401 - whatever the template shows
) -> HttpResponse:
    """The page called `name` about `course`, with whether its reader prescribes here."""
    patient = course.patient
    return page(
        request,
        f"staff/{name}.html",
        clinic=patient.clinic,
        now=now,
        patient=patient,
        course=course,
        form=form,
        prescribes=has_duty(user_of(request), patient.clinic, Duty.PRESCRIBE),
        **context,
    )
