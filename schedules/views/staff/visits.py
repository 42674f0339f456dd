"""Booking, moving and cancelling a visit."""

import datetime as dt
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from ocrevus_tracker.accounts.access import Duty, has_duty, staff
from schedules import actions
from schedules.before_saving import visit_questions, washout_questions
from schedules.booking import (
    Offer,
    calendar_around,
    closed_day,
    dose_to_book,
    near_day_off,
    nearest_open,
    offer_for_dose,
    offer_for_visit,
)
from schedules.forms.visits import VisitForm
from schedules.models import Appointment, AppointmentStatus, Course
from schedules.rates import chair_minutes
from schedules.templatetags.tracker import clock, long_date, sentence
from schedules.views.access import (
    course_of,
    page,
    sent_before,
    staff_patient,
    user_of,
)
from schedules.views.patient import booked_visits
from schedules.views.staff.screening import ask_gates, reason_despite


@staff(Duty.BOOK, "GET", "POST")
def book(request: HttpRequest, pk: int) -> HttpResponse:
    """A visit for the next dose; the due date at 9:00 is offered, or the nearest open day."""
    now = timezone.now()
    course = course_of(staff_patient(request, pk))
    offer = _offer(course, now)
    form = _form(request, course, now, offer)
    if "fix" in request.POST or not form.is_valid():
        return _form_page(request, course, form, now, offer=offer)
    questions = _questions(course, form, now, moving=None)
    if not_ready := ask_gates(request, course, form, questions=questions, now=now):
        return not_ready
    if questions and "anyway" not in request.POST:
        return _ask(request, course, form, questions=questions, now=now)
    try:
        visit = actions.book_visit(
            course=course,
            actor=user_of(request),
            now=now,
            starts_at=form.cleaned_data["starts_at"],
            reason=form.reason_given,
            despite=reason_despite(request),
            entry_key=form.cleaned_data["entry_key"],
        )
    except actions.UnableToBook as refusal:
        form.add_error("day", str(refusal))
        return _form_page(request, course, form, now, offer=offer)
    _say_booked(request, visit, fresh=visit.booked_at == now)
    return redirect("staff:patient", pk)


@staff(Duty.BOOK, "GET", "POST")
def move(request: HttpRequest, pk: int, visit_pk: int) -> HttpResponse:
    """Another date or time for a booked visit."""
    now = timezone.now()
    course = course_of(staff_patient(request, pk))
    visit = get_object_or_404(Appointment, course=course, pk=visit_pk)
    if visit.status != AppointmentStatus.BOOKED:
        return _no_longer_booked(request, pk)
    offer = _offer(course, now, moving=visit)
    form = _form(request, course, now, offer, moving=visit)
    if "fix" in request.POST or not form.is_valid():
        return _form_page(request, course, form, now, offer=offer, moving=visit)
    questions = _questions(course, form, now, moving=visit)
    if questions and "anyway" not in request.POST:
        return _ask(request, course, form, questions=questions, now=now, moving=visit)
    try:
        actions.move_visit(
            visit=visit,
            actor=user_of(request),
            now=now,
            starts_at=form.cleaned_data["starts_at"],
            reason=form.reason_given,
        )
    except actions.UnableToBook as refusal:
        form.add_error("day", str(refusal))
        return _form_page(request, course, form, now, offer=offer, moving=visit)
    _say_booked(request, visit, fresh=True)
    return redirect("staff:patient", pk)


@staff(Duty.BOOK, "GET", "POST")
def cancel(request: HttpRequest, pk: int, visit_pk: int) -> HttpResponse:
    """Ask first: a cancelled visit is somebody else's by the afternoon."""
    now = timezone.now()
    patient = staff_patient(request, pk)
    visit = get_object_or_404(Appointment, course__patient=patient, pk=visit_pk)
    if visit.status != AppointmentStatus.BOOKED:
        return _no_longer_booked(request, pk)
    if request.method == "POST":
        try:
            actions.cancel_visit(visit=visit, actor=user_of(request), now=now)
        except actions.UnableToBook:
            return _no_longer_booked(request, pk)
        messages.success(request, _("The visit is cancelled. The due date stays as it is."))
        return redirect("staff:patient", pk)
    return page(
        request, "staff/cancel.html", clinic=patient.clinic, now=now, patient=patient, visit=visit
    )


def _offer(course: Course, now: dt.datetime, moving: Appointment | None = None) -> Offer | None:
    """The day that the form shows first, and what is to be said about it."""
    clinic = course.patient.clinic
    today = clinic.local_date(now)
    if moving:
        dose = dose_to_book(course, [], today)
        return offer_for_visit(clinic.local_date(moving.starts_at), dose, clinic, today)
    dose = dose_to_book(course, _visits_ahead(course, today), today)
    return offer_for_dose(dose, clinic, today) if dose else None


def _visits_ahead(course: Course, today: dt.date) -> list[Appointment]:
    return [one for one in booked_visits(course) if one.local_date >= today]


def _form(
    request: HttpRequest,
    course: Course,
    now: dt.datetime,
    offer: Offer | None,
    moving: Appointment | None = None,
) -> VisitForm:
    clinic = course.patient.clinic
    shown: dict[str, Any] = {"day": offer.day} if offer else {}
    if offer and moving:
        there = moving.starts_at.astimezone(clinic.tz)
        shown = {"day": offer.day or offer.wanted, "time": there.time()}
    return VisitForm(
        request.POST if request.method == "POST" else None,
        today=clinic.local_date(now),
        clinic=clinic,
        shown=shown,
        may_book_early=has_duty(user_of(request), clinic, Duty.PRESCRIBE),
    )


def _questions(
    course: Course, form: VisitForm, now: dt.datetime, *, moving: Appointment | None
) -> list[str]:
    """A closed day; outside the window; or, for a new visit, that one is booked already.

    Nothing about a form that was sent before: what it made would be the other visit.
    """
    if sent_before(course.appointments.all(), form):
        return []
    clinic = course.patient.clinic
    today, day = clinic.local_date(now), form.cleaned_data["day"]
    ahead = _visits_ahead(course, today)
    calendar = calendar_around(clinic, day)
    dose = dose_to_book(course, [] if moving else ahead, today)
    other = nearest_open(day, dose, today=today, calendar=calendar)
    found = course.forecast(today)
    asked = [closed_day(day, other, calendar), *visit_questions(found, day)]
    asked += washout_questions(course, day)
    if ahead and not moving and found.position.step != "initial-1":
        with timezone.override(clinic.tz):
            told = _("A visit is booked already: {date} To change it, move that one.")
            asked.append(told.format(date=_moment(ahead[0].starts_at)))
    return [one for one in asked if one]


def _form_page(
    request: HttpRequest,
    course: Course,
    form: VisitForm,
    now: dt.datetime,
    *,
    offer: Offer | None,
    moving: Appointment | None = None,
) -> HttpResponse:
    patient = course.patient
    return page(
        request,
        "staff/book.html",
        clinic=patient.clinic,
        now=now,
        form=form,
        patient=patient,
        course=course,
        dose=course.forecast(patient.clinic.local_date(now)).next,
        chair=chair_minutes(course, patient.clinic.local_date(now)),
        notes=offer.notes if offer else (),
        moving=moving,
    )


def _ask(
    request: HttpRequest,
    course: Course,
    form: VisitForm,
    *,
    questions: list[str],
    now: dt.datetime,
    moving: Appointment | None = None,
) -> HttpResponse:
    """All questions on one page, with every answer kept in it."""
    patient = course.patient
    kept = [(name, value) for name, value in form.data.items() if name != "csrfmiddlewaretoken"]
    return page(
        request,
        "staff/book_ask.html",
        clinic=patient.clinic,
        now=now,
        patient=patient,
        questions=questions,
        kept=kept,
        starts_at=form.cleaned_data["starts_at"],
        moving=moving,
    )


def _say_booked(request: HttpRequest, visit: Appointment, *, fresh: bool) -> None:
    if visit.status != AppointmentStatus.BOOKED:
        messages.error(request, _("That visit is no longer booked. Book a new one."))
        return
    clinic, day = visit.course.patient.clinic, visit.local_date
    told = _("Booked: {date}") if fresh else _("Already saved. We kept one copy: {date}")
    with timezone.override(clinic.tz):
        sentences = [told.format(date=_moment(visit.starts_at))]
    sentences += near_day_off(day, calendar_around(clinic, day))
    messages.success(request, " ".join(sentences))


def _no_longer_booked(request: HttpRequest, pk: int) -> HttpResponse:
    messages.error(request, _("This visit is no longer booked."))
    return redirect("staff:patient", pk)


def _moment(starts_at: dt.datetime) -> str:
    """Date and time at the end of a sentence: "a.m." brings its own full stop."""
    return sentence(f"{long_date(starts_at)}, {clock(starts_at)}")
