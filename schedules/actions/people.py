"""Entering patients and keeping their details true."""

import datetime as dt
from collections.abc import Sequence

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from ocrevus_tracker.accounts.models import User
from ocrevus_tracker.audit import trail
from schedules.engine.policy import ADULT_YEARS
from schedules.engine.regimens import current_regimen
from schedules.models import Course, Patient

from .online import invite_patient, withdraw_for_address
from .shared import UnableTo, saved_before


class UnableToSavePatient(UnableTo):
    """The record number is taken, or the person is under 18."""


def add_patient(
    *,
    patient: Patient,
    actor: User,
    now: dt.datetime,
    regimen_code: str = "ocrevus-iv",
    ordered_for: dt.date | None = None,
    invite: bool = False,
) -> Patient:
    """Save a new `patient` and start their course. With `invite` those who have an address are
    sent a link by which they can see their dates.

    Raises:
        UnableToSavePatient: under 18, or the record number is taken in this clinic.
    """
    entered = Patient.objects.filter(clinic=patient.clinic)
    if saved := saved_before(entered, patient.entry_key, refusal=UnableToSavePatient):
        return saved
    patient.created_at = now
    try:
        with transaction.atomic():
            _save_patient(patient, now)
            _start_course(patient=patient, now=now, code=regimen_code, ordered_for=ordered_for)
            trail.record(
                at=now, actor=actor, clinic=patient.clinic, act="add patient", subject=patient
            )
            if invite and patient.email:
                invite_patient(patient=patient, actor=actor, now=now)
    except UnableToSavePatient:
        # The same form may have been saved by a second tap in this very moment.
        if saved := saved_before(entered, patient.entry_key, refusal=UnableToSavePatient):
            return saved
        raise
    return patient


def change_patient(
    *, patient: Patient, changed: Sequence[str], actor: User, now: dt.datetime
) -> Patient:
    """Save the fields named in `changed`, and no others: somebody else may have changed those.

    A new e-mail address is written to from now on, and opens nothing by itself: whoever sees the
    record online stays the same until an invitation to the new address is used.

    Raises:
        UnableToSavePatient: see `add_patient`.
    """
    with transaction.atomic():
        before = Patient.objects.filter(pk=patient.pk).values(*changed).get() if changed else {}
        _save_patient(patient, now, fields=changed)
        if "email" in changed:
            withdraw_for_address(patient, now)
        Course.objects.filter(patient=patient).mark_unplanned()
        trail.record(
            at=now,
            actor=actor,
            clinic=patient.clinic,
            act="change patient",
            subject=patient,
            changes={name: (old, getattr(patient, name)) for name, old in before.items()},
        )
    return patient


def _save_patient(
    patient: Patient, now: dt.datetime, *, fields: Sequence[str] | None = None
) -> None:
    if patient.age_on(patient.clinic.local_date(now)) < ADULT_YEARS:
        raise UnableToSavePatient(
            _("Only adults can be entered: the doses here are not for people under 18.")
        )
    try:
        with transaction.atomic():
            patient.save(update_fields=fields)
    except IntegrityError as error:
        raise UnableToSavePatient(
            _("Another patient of this clinic has this record number. Check the number.")
        ) from error


def _start_course(
    *, patient: Patient, now: dt.datetime, code: str, ordered_for: dt.date | None
) -> Course:
    """A course on the newest version of the regimen; that version stays with it."""
    course = Course.objects.create(
        patient=patient,
        regimen_code=code,
        regimen_version=current_regimen(code).version,
        ordered_for=ordered_for,
    )
    course.store_forecast(patient.clinic.local_date(now))
    return course
