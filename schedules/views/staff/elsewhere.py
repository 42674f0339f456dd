"""History from before the patient came to this clinic."""

import datetime as dt

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from ocrevus_tracker.accounts.access import Duty, staff
from schedules import actions
from schedules.forms.elsewhere import CompleteForm, ElsewhereForm
from schedules.models import Infusion, Patient
from schedules.views.access import course_of, page, staff_patient, user_of
from schedules.views.patient import booked_visits

from .saved import saved_words, stays_words


@staff(Duty.TREAT, "GET", "POST")
def elsewhere(request: HttpRequest, pk: int) -> HttpResponse:
    """What is known of infusions given elsewhere, even if it is only half of it."""
    now = timezone.now()
    patient = staff_patient(request, pk)
    course = course_of(patient)
    form = ElsewhereForm(
        request.POST if request.method == "POST" else None,
        today=patient.clinic.local_date(now),
        regimen=course.regimen,
    )
    if form.is_valid() and _record(request, patient, form, now):
        return redirect("staff:patient", pk)
    return page(
        request, "staff/elsewhere.html", clinic=patient.clinic, now=now, form=form, patient=patient
    )


def _record(request: HttpRequest, patient: Patient, form: ElsewhereForm, now: dt.datetime) -> bool:
    """Record what was told and say so; false after a refusal, which the form then says."""
    answers, course = form.cleaned_data, course_of(patient)
    try:
        recorded = actions.record_elsewhere(
            course=course,
            actor=user_of(request),
            now=now,
            doses=form.told(),
            note=answers["note"],
            entry_key=answers["entry_key"],
        )
    except actions.UnableToRecordInfusion as refusal:
        form.add_error("given_on", str(refusal))
        return False
    if not recorded.created:
        messages.success(request, _("Already saved. We kept one copy."))
        return True
    said = [saved_words(patient, recorded.forecast)]
    if recorded.infusion.is_half_known:
        said = [_("Saved. No next date can be shown before the rest is found out.")]
    said += [stays_words(visit) for visit in booked_visits(course)]
    messages.success(request, " ".join(said))
    return True


def complete(
    request: HttpRequest, patient: Patient, infusion: Infusion, now: dt.datetime
) -> HttpResponse:
    """The page on which somebody says what was found out about `infusion`."""
    if not infusion.is_half_known:
        return _put_right_already(request, patient)
    form = CompleteForm(
        request.POST if request.method == "POST" else None,
        today=patient.clinic.local_date(now),
        infusion=infusion,
    )
    if form.is_valid():
        answers = form.cleaned_data
        try:
            found = actions.complete_history(
                infusion=infusion,
                actor=user_of(request),
                now=now,
                given_on=answers["given_on"],
                first_on=answers.get("first_on"),
            )
        except actions.UnableToDecide as refusal:
            form.add_error("given_on", str(refusal))
        else:
            messages.success(request, saved_words(patient, found))
            return redirect("staff:patient", patient.pk)
    return page(
        request,
        "staff/elsewhere_complete.html",
        clinic=patient.clinic,
        now=now,
        form=form,
        patient=patient,
        infusion=infusion,
    )


def _put_right_already(request: HttpRequest, patient: Patient) -> HttpResponse:
    messages.success(request, _("This was put right already."))
    return redirect("staff:patient", patient.pk)
