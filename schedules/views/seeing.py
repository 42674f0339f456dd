"""What somebody sees goes on the audit trail before it is shown: no reading without an entry."""

from collections import defaultdict
from collections.abc import Iterable

from django.http import HttpRequest
from django.utils import timezone

from ocrevus_tracker.accounts.access import work_of
from ocrevus_tracker.accounts.models import Clinic, User
from ocrevus_tracker.audit import trail
from schedules.models import Patient

READING = ("GET", "HEAD")


def opens(request: HttpRequest, patient: Patient, *, role: str = "") -> None:
    """The signed-in person opens a page about `patient`: one entry for each page.

    `role` is `trail.PATIENT` or `trail.HELPER`; staff have that of the clinic. What is sent to
    the page shows nothing yet: a form that is shown again is put down by `show_now`.
    """
    waiting = _waiting(request)
    waiting.setdefault(patient.pk, (patient, role or _role_at(request, patient.clinic)))
    if request.method in READING:
        show_now(request)


def show_now(request: HttpRequest) -> None:
    """Put down each record that was opened for this request and is shown from now on."""
    user = request.user
    assert isinstance(user, User) or not _waiting(request)  # noqa: S101 - records ask for a sign-in
    for pk, waits in _waiting(request).items():
        if waits is None:
            continue
        patient, role = waits
        trail.record_view(
            at=timezone.now(),
            actor=user if isinstance(user, User) else None,
            role=role,
            clinic=patient.clinic,
            page=_page(request),
            patient_id=pk,
        )
        _waiting(request)[pk] = None


def lists(request: HttpRequest, patients: Iterable[Patient], *, role: str = "") -> None:
    """The signed-in person sees a list with `patients` on it: one entry for each clinic."""
    shown: dict[Clinic, list[int]] = defaultdict(list)
    for patient in patients:
        shown[patient.clinic].append(patient.pk)
    user = request.user
    for clinic, ids in shown.items():
        assert isinstance(user, User)  # noqa: S101 - lists ask for a sign-in
        trail.record_list(
            at=timezone.now(),
            actor=user,
            role=role or _role_at(request, clinic),
            clinic=clinic,
            page=_page(request),
            shown=ids,
        )


def _waiting(request: HttpRequest) -> dict[int, tuple[Patient, str] | None]:
    """The records that this request has opened; None for those that are put down."""
    if not hasattr(request, "opened_records"):
        request.opened_records = {}  # type: ignore[attr-defined]
    found: dict[int, tuple[Patient, str] | None] = request.opened_records  # type: ignore[attr-defined]
    return found


def _page(request: HttpRequest) -> str:
    return request.resolver_match.view_name if request.resolver_match else ""


def _role_at(request: HttpRequest, clinic: Clinic) -> str:
    # Only staff leave their role out.
    return next(one.role for one in work_of(request).memberships if one.clinic_id == clinic.pk)
