"""Finding, adding and changing patients, and one patient's page."""

import copy
import datetime as dt
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from ocrevus_tracker.accounts.access import Duty, staff, work_of
from ocrevus_tracker.accounts.models import Clinic
from schedules import actions
from schedules.forms.people import NewPatientForm, PatientForm, SearchForm
from schedules.models import Appointment, Infusion, Patient
from schedules.views import seeing
from schedules.views.access import (
    chosen_clinic,
    clinics_of,
    may_open,
    page,
    staff_patient,
    staying_at,
    user_of,
)
from schedules.views.patient import booked_visits, every_infusion, home_facts
from schedules.views.staff import corrections, courses, holding, online, screening
from schedules.views.staff import infusions as recording

PATIENTS_PER_PAGE = 25


@staff(Duty.SEE, "GET")
def patients(request: HttpRequest) -> HttpResponse:
    """Everyone at the clinic, or those whose name or record number begins with the typed words."""
    now = timezone.now()
    clinic = chosen_clinic(request)
    form = SearchForm(request.GET if request.GET.get("q", "").strip() else None)
    words = form.cleaned_data["q"] if form.is_valid() else ""
    found = (
        Patient.objects.of_staff(user_of(request))
        .filter(clinic=clinic)
        .matching(words)
        .select_related("clinic")
    )
    ordered = found.order_by("family_name", "given_name", "pk")
    rows = Paginator(ordered, PATIENTS_PER_PAGE).get_page(request.GET.get("page"))
    seeing.lists(request, rows)
    return page(
        request,
        "staff/patients.html",
        clinic=clinic,
        now=now,
        form=form,
        words=words,
        query=urlencode({"q": words} | staying_at(clinic, request)),
        rows=rows,
    )


@staff(Duty.BOOK, "GET", "POST")
def add_patient(request: HttpRequest) -> HttpResponse:
    """A new record with its course."""
    now = timezone.now()
    clinic = chosen_clinic(request)
    data = request.POST if request.method == "POST" else None
    form = NewPatientForm(data, today=clinic.local_date(now), clinics=_first(clinic, request))
    if form.is_valid() and (saved := _add(request, form, now=now)):
        return redirect("staff:patient", saved.pk)
    return page(request, "staff/add_patient.html", clinic=clinic, now=now, form=form)


def _first(clinic: Clinic, request: HttpRequest) -> list[Clinic]:
    """Where the person may add patients, `clinic` first."""
    return sorted(clinics_of(request), key=lambda one: one != clinic)


def _add(request: HttpRequest, form: NewPatientForm, *, now: dt.datetime) -> Patient | None:
    """The saved patient; None after a refusal, which the form then says."""
    answers = form.cleaned_data
    made = Patient(clinic=form.chosen_clinic(), entry_key=answers["entry_key"], **form.facts())
    try:
        saved = actions.add_patient(
            patient=made,
            actor=user_of(request),
            now=now,
            regimen_code=form.chosen_regimen(),
            ordered_for=answers["ordered_for"],
            invite=answers["invite"],
        )
    except actions.UnableToSavePatient as refusal:
        form.add_error("record_number", str(refusal))
        return None
    once = _("Saved. {first_name} is now a patient of {clinic}.")
    again = _("Already saved. We kept one copy.")
    told = once if saved is made else again
    messages.success(request, told.format(first_name=saved.given_name, clinic=saved.clinic.name))
    return saved


@staff(Duty.SEE, "GET")
def patient(request: HttpRequest, pk: int) -> HttpResponse:
    """One patient: who it is, what is next, what was."""
    now = timezone.now()
    record = staff_patient(request, pk)
    user = user_of(request)
    facts = home_facts(record, now)
    infusions = every_infusion(record.course)
    shown = facts | {
        "age": record.age_on(record.clinic.local_date(now)),
        "steps": [
            (address, words)
            for address, words in _steps(record, infusions, now)
            if may_open(work_of(request), record.clinic, address)
        ],
        "visits": _visits(record, now),
        "infusions": [(one, one.can_be_undone(by=user, now=now)) for one in infusions],
    }
    shown = shown | screening.section(record, now) | holding.section(record, now)
    shown = shown | courses.section(record, now) | corrections.section(record, now)
    shown = shown | recording.section(record, now) | online.section(record, now)
    return page(request, "staff/patient.html", clinic=record.clinic, now=now, **shown)


def _visits(record: Patient, now: dt.datetime) -> list[tuple[Appointment, bool]]:
    """The booked visits, each with whether its day has passed."""
    clinic = record.clinic
    today = clinic.local_date(now)
    return [
        (visit, clinic.local_date(visit.starts_at) < today)
        for visit in booked_visits(record.course)
    ]


def _steps(record: Patient, infusions: list[Infusion], now: dt.datetime) -> list[tuple[str, str]]:
    """What can be done next as (address, words), the one thing to do first."""
    course = record.course
    if course is None:
        return []
    turn = courses.steps(record, course, now)
    if course.stopped_on:
        return turn
    decide = recording.decisions(record, infusions)
    held = holding.steps(record, course, now)
    rest, give = recording.record_steps(record, now)
    book = reverse("staff:book", args=[record.pk])
    today = record.clinic.local_date(now)
    waits = course.forecast(today).state == "pending_clinician"
    if waits or holding.has_no_end(course, today):
        return [*decide, *held, *turn, *rest, give]
    if booked_visits(course):
        return [*decide, *held, *turn, *rest, give, (book, _("Book another visit"))]
    words = _("Book the next visit") if infusions else _("Book a visit")
    return [*decide, *held, *turn, *rest, (book, words), give]


@staff(Duty.BOOK, "GET", "POST")
def change_patient(request: HttpRequest, pk: int) -> HttpResponse:
    """The details of a record."""
    now = timezone.now()
    record = staff_patient(request, pk)
    data = request.POST if request.method == "POST" else None
    form = PatientForm.of(record, data, today=record.clinic.local_date(now))
    if form.is_valid():
        # A copy: after a refusal the page still names the patient as stored.
        new, facts = copy.copy(record), form.facts()
        for name, value in facts.items():
            setattr(new, name, value)
        changed = [name for name, value in facts.items() if value != getattr(record, name)]
        try:
            actions.change_patient(patient=new, changed=changed, actor=user_of(request), now=now)
        except actions.UnableToSavePatient as refusal:
            form.add_error("record_number", str(refusal))
        else:
            messages.success(request, _("Saved."))
            return redirect("staff:patient", pk)
    return page(
        request,
        "staff/change_patient.html",
        clinic=record.clinic,
        now=now,
        form=form,
        patient=record,
    )


@staff(Duty.SEE, "GET")
def see_as_patient(request: HttpRequest, pk: int) -> HttpResponse:
    """The home page as this patient sees it."""
    now = timezone.now()
    record = staff_patient(request, pk)
    return page(
        request,
        "staff/as_patient.html",
        clinic=record.clinic,
        now=now,
        **home_facts(record, now),
    )
