"""Who may see what, in one spelling; and how a page is put together."""

import datetime as dt
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.db.models import prefetch_related_objects
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import resolve
from django.utils import timezone

from ocrevus_tracker.accounts.access import Work, access_of, work_of
from ocrevus_tracker.accounts.models import Clinic, User
from schedules.forms.base import CleanForm
from schedules.models import Course, Patient

from . import seeing


def user_of(request: HttpRequest) -> User:
    """Who is signed in; only behind `login_required`."""
    assert isinstance(request.user, User)  # noqa: S101 - login_required saw to it
    return request.user


def clinics_of(request: HttpRequest) -> list[Clinic]:
    """The clinics where the signed-in person may do what the page is for, in the order in which
    they joined; never empty. Only behind `staff`.
    """
    return work_of(request).clinics


def chosen_clinic(request: HttpRequest) -> Clinic:
    """The clinic that a page without a record is about: the one that the address names, else the
    one they have switched to.

    Raises:
        Http404: the signed-in person has no such duty there.
    """
    slug = request.GET.get("clinic", work_of(request).here.slug)
    for clinic in clinics_of(request):
        if clinic.slug == slug:
            return clinic
    raise Http404


def staff_record(request: HttpRequest, pk: int) -> Patient:
    """A record on which the signed-in person has the duty that the page needs. That they look at
    it goes on the audit trail.

    Raises:
        Http404: there is none, or it is another clinic's; nobody can tell which.
        PermissionDenied: they may see it, but not do this.
    """
    work = work_of(request)
    seen = Patient.objects.of_staff(work.user).select_related("clinic__rules", "user")
    found = get_object_or_404(seen, pk=pk)
    if work.duty not in work.duties_at(found.clinic):
        raise PermissionDenied
    seeing.opens(request, found)
    return found


def staff_patient(request: HttpRequest, pk: int) -> Patient:
    """As `staff_record`, with the courses and all that hangs on them.

    Raises:
        Http404: there is none, or it is another clinic's; nobody can tell which.
        PermissionDenied: they may see it, but not do this.
    """
    found = staff_record(request, pk)
    prefetch_related_objects(
        [found],
        "courses__infusions__recorded_by",
        "courses__appointments__booked_by",
        "courses__holds__recorded_by",
        "courses__restarts__chosen_by",
        "screenings__recorded_by",
        "clinic__check_intervals",
    )
    join_courses(found)
    return found


def join_courses(patient: Patient) -> None:
    """Let each course find the one it goes on from among those that are read already."""
    courses = {one.pk: one for one in patient.courses.all()}
    for course in courses.values():
        if course.continues_id:
            course.continues = courses[course.continues_id]


def course_of(patient: Patient) -> Course:
    """The course of `patient` that the pages are about.

    Raises:
        Http404: there is none.
    """
    if patient.course is None:
        raise Http404
    return patient.course


def sent_before(rows: Iterable[Any], form: CleanForm) -> bool:
    """Whether one of `rows` was made by this very form, sent a first time."""
    return any(row.entry_key == form.cleaned_data["entry_key"] for row in rows)


def page(
    request: HttpRequest,
    template: str,
    *,
    clinic: Clinic | None,
    now: dt.datetime,
    status: int = 200,
    **context: Any,  # noqa: ANN401 - whatever the template shows
) -> HttpResponse:
    """The page, with all its times on the clinic's clock."""
    seeing.show_now(request)
    with timezone.override(clinic.tz if clinic else None):
        today = timezone.localtime(now).date()
        shared = {"clinic": clinic, "now": now, "today": today, **_as_staff(request, clinic)}
        return render(request, template, shared | context, status=status)


def may_open(work: Work, clinic: Clinic, address: str) -> bool:
    """Whether the page behind `address`, which is about a record of `clinic`, is one for what the
    person does there. A page says itself which duty it needs; what is not for staff is for all.
    """
    access = access_of(resolve(address).func)
    needed = access and access.methods.get("GET")
    return needed is None or needed in work.duties_at(clinic)


def _as_staff(request: HttpRequest, clinic: Clinic | None) -> dict[str, Any]:
    """What the page may offer: `may` are the duties of the signed-in person at `clinic`, as staff,
    `other_clinics` those to switch between, and `at_clinic` what keeps a link at this one.
    """
    work: Work | None = getattr(request, "work", None)
    if work is None or clinic is None:
        return {"may": frozenset()}
    stays = staying_at(clinic, request)
    return {
        "may": work.duties_at(clinic),
        "other_clinics": work.others,
        "at_clinic": f"?{urlencode(stays)}" if stays else "",
    }


def staying_at(clinic: Clinic, request: HttpRequest) -> dict[str, str]:
    """What the address of a page has to say to be about `clinic`, whichever one the person has
    switched to; nothing for those who work at one. Only behind `staff`.
    """
    return {"clinic": clinic.slug} if work_of(request).others else {}
