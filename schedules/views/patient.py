"""What a patient sees: the next date, why, and what came before."""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from ocrevus_tracker.accounts.access import signed_in
from ocrevus_tracker.accounts.models import User
from ocrevus_tracker.audit import trail
from schedules.actions.granting import note_look
from schedules.engine.forecast import Forecast
from schedules.models import Appointment, AppointmentStatus, Course, Infusion, Patient
from schedules.presenting import HomeState, booking_opens, home_state
from schedules.presenting.readiness import monitoring_ahead, monitoring_by_guideline, readiness

from . import seeing
from .access import join_courses, page, user_of


@signed_in("GET")
def home(request: HttpRequest) -> HttpResponse:
    """The one date that matters: one's own, or that of somebody whom one helps; a choice first,
    where there are several.
    """
    now = timezone.now()
    user = user_of(request)
    records = list(
        Patient.objects.shown_to(user)
        .select_related("clinic")
        .prefetch_related(
            "courses__infusions",
            "courses__appointments",
            "courses__holds",
            "courses__restarts",
            "screenings",
            "clinic__check_intervals",
        )
        .order_by("given_name", "family_name", "pk")
    )
    if not records:
        return page(request, "patient/nothing.html", clinic=None, now=now, status=404)
    wanted = request.GET.get("record")
    chosen = [one for one in records if str(one.pk) == wanted] or records
    if len(chosen) > 1:
        for role, part in _by_role(chosen, user).items():
            seeing.lists(request, part, role=role)
        return page(request, "patient/choose.html", clinic=None, now=now, records=records)
    patient = chosen[0]
    seeing.opens(request, patient, role=_role(patient, user))
    if helping := patient.user_id != user.pk:
        note_look(patient=patient, user=user, now=now)
    join_courses(patient)
    return page(
        request,
        "patient/home.html",
        clinic=patient.clinic,
        now=now,
        several=len(records) > 1,
        helping=helping,
        **home_facts(patient, now),
    )


def _role(patient: Patient, user: User) -> str:
    """What `user` is to somebody whose dates they see."""
    return trail.PATIENT if patient.user_id == user.pk else trail.HELPER


def _by_role(records: Iterable[Patient], user: User) -> dict[str, list[Patient]]:
    found: dict[str, list[Patient]] = {}
    for one in records:
        found.setdefault(_role(one, user), []).append(one)
    return found


def home_facts(patient: Patient, now: dt.datetime) -> dict[str, Any]:
    """What the home page of `patient` shows at `now`, for the patient and for staff."""
    clinic, course = patient.clinic, patient.course
    today = clinic.local_date(now)
    forecast = course.forecast(today) if course else None
    state = home_state(course, forecast, booked_visits(course), clinic, now)
    due = forecast.next.due if forecast and forecast.next else None
    opens = booking_opens(due, clinic) if due and state.letter == "D" else None
    return {
        "patient": patient,
        "course": course,
        "dose": forecast.next if forecast else None,
        "state": state,
        "reasons": _reasons(forecast, state),
        "later": _later(forecast, state),
        "booking_opens": opens,
        "infusions": [one for one in every_infusion(course) if one.counts],
        "ready": readiness(course, forecast, today),
        "monitoring_ahead": monitoring_ahead(course, forecast),
        "monitoring_by_guideline": monitoring_by_guideline(course, forecast),
    }


def _reasons(forecast: Forecast | None, state: HomeState) -> list[str]:
    """Why the date is what it is; nothing before there is one to show."""
    if forecast is None or state.letter == "A":
        return []
    return [str(reason) for reason in forecast.reasons]


def _later(forecast: Forecast | None, state: HomeState) -> Sequence[dt.date]:
    """The two dates after the next one; none while they hang on a day nobody knows yet."""
    if forecast is None or forecast.provisional or state.letter == "A":
        return ()
    return forecast.projected[1:3]


def booked_visits(course: Course | None) -> list[Appointment]:
    """The visits that still wait for their infusion, in order; reads what is prefetched."""
    visits = course.appointments.all() if course else ()
    return [visit for visit in visits if visit.status == AppointmentStatus.BOOKED]


def every_infusion(course: Course | None) -> list[Infusion]:
    """The infusions of the course and of those it goes on from, newest first, voided ones too."""
    infusions = [one for each in (course.line if course else ()) for one in each.infusions.all()]
    return sorted(infusions, key=lambda one: (one.given_on, one.pk), reverse=True)
