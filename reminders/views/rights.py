"""A patient's rights: their data to take away, and what they ask of the clinic."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from ocrevus_tracker.accounts.access import Duty, signed_in, staff
from ocrevus_tracker.accounts.factors import again_who_you_are
from ocrevus_tracker.audit import trail
from reminders import erasing, own_data
from reminders.rights_forms import AnswerForm, AskForm, SureForm
from schedules.actions import requests
from schedules.models import ClinicRules, Patient, PatientRequest, RequestKind
from schedules.views.access import page, staff_record, user_of

from .patient import of_own_record

KINDS = {
    "json": (own_data.as_json, "application/json; charset=utf-8"),
    "csv": (own_data.as_csv, "text/csv; charset=utf-8"),
}


@signed_in("GET")
@of_own_record
def show(request: HttpRequest, patient: Patient) -> HttpResponse:
    """What can be taken away and asked for; what was asked, and what the clinic said."""
    return page(
        request,
        "patient/rights.html",
        clinic=patient.clinic,
        now=timezone.now(),
        patient=patient,
        query=urlencode({"record": patient.pk}),
        asked=PatientRequest.objects.filter(patient=patient),
    )


@signed_in("GET")
@again_who_you_are  # type: ignore[untyped-decorator]  # allauth ships no types
@of_own_record
def download(request: HttpRequest, patient: Patient, kind: str) -> HttpResponse:
    """All that is on record about the patient, as a file with a name that tells nothing."""
    now = timezone.now()
    trail.record_export(
        at=now,
        actor=user_of(request),
        clinic=patient.clinic,
        what=f"own data as {kind}",
        patient_id=patient.pk,
        role=trail.PATIENT,
    )
    write, content_type = KINDS[kind]
    named = {"Content-Disposition": f'attachment; filename="my-data.{kind}"'}
    found = own_data.own_data(patient, now=now)
    return HttpResponse(write(found), content_type=content_type, headers=named)


@signed_in("GET", "POST")
@of_own_record
def ask(request: HttpRequest, patient: Patient, kind: RequestKind) -> HttpResponse:
    """Ask the clinic to put the record right, or to delete it."""
    now = timezone.now()
    deletion = kind == RequestKind.DELETION
    form = AskForm(request.POST if request.method == "POST" else None, may_be_empty=deletion)
    if form.is_valid():
        words = form.cleaned_data["words"]
        requests.ask(patient=patient, actor=user_of(request), now=now, kind=kind, words=words)
        messages.success(request, _("Sent. Your clinic will look at it and answer here."))
        return redirect(f"{reverse('reminders:rights')}?{urlencode({'record': patient.pk})}")
    return page(
        request,
        "patient/ask.html",
        clinic=patient.clinic,
        now=now,
        patient=patient,
        query=urlencode({"record": patient.pk}),
        form=form,
        deletion=deletion,
        rules=ClinicRules.of(patient.clinic),
    )


@staff(Duty.SEE, "GET")
def asked(request: HttpRequest, pk: int) -> HttpResponse:
    """What a patient asked for, for the clinic."""
    record = staff_record(request, pk)
    rows = PatientRequest.objects.filter(patient=record).select_related("closed_by")
    return _staff_page(request, "requests", record, asked=rows)


@staff(Duty.BOOK, "GET", "POST")
def answer(request: HttpRequest, pk: int, request_pk: int) -> HttpResponse:
    """Tell the patient what became of it; a record is put right on its own pages."""
    record = staff_record(request, pk)
    wanted = get_object_or_404(PatientRequest, patient=record, pk=request_pk)
    form = AnswerForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        words = form.cleaned_data["words"]
        try:
            requests.answer(request=wanted, actor=user_of(request), now=timezone.now(), words=words)
        except requests.UnableToAnswer:
            messages.error(request, _("This was answered already."))
        else:
            messages.success(request, _("Saved. The patient sees the answer."))
        return redirect("reminders:requests", pk)
    return _staff_page(request, "request_answer", record, form=form, wanted=wanted)


@staff(Duty.MANAGE, "GET", "POST")
def erase(request: HttpRequest, pk: int) -> HttpResponse:
    """What goes and what stays, then the deletion; it cannot be undone."""
    now = timezone.now()
    record = staff_record(request, pk)
    form = SureForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            found = erasing.erase_record(patient=record, actor=user_of(request), now=now)
        except erasing.UnableToErase as refusal:
            form.add_error("sure", str(refusal))
        else:
            messages.success(request, _("Deleted. No email goes to this patient any more."))
            return redirect("staff:patients") if found.whole else redirect("staff:patient", pk)
    rules = ClinicRules.of(record.clinic)
    extent = erasing.extent(record, now=now)
    return _staff_page(request, "erase", record, form=form, extent=extent, rules=rules)


def _staff_page(request: HttpRequest, name: str, record: Patient, **facts: Any) -> HttpResponse:  # noqa: ANN401 - whatever the template shows
    return page(
        request,
        f"staff/{name}.html",
        clinic=record.clinic,
        now=timezone.now(),
        patient=record,
        **facts,
    )
