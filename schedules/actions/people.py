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
) -> Patient:
    """Save a new `patient` and start their course. With an e-mail address they can sign in.

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

    A new e-mail address moves the sign-in to that address.

    Raises:
        UnableToSavePatient: see `add_patient`.
    """
    with transaction.atomic():
        before = Patient.objects.filter(pk=patient.pk).values(*changed).get() if changed else {}
        _save_patient(patient, now, fields=[*changed, "user"] if "email" in changed else changed)
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
    patient.user = _user_for(patient.email)
    try:
        with transaction.atomic():
            patient.save(update_fields=fields)
    except IntegrityError as error:
        raise UnableToSavePatient(
            _("Another patient of this clinic has this record number. Check the number.")
        ) from error


def _user_for(email: str) -> User | None:
    """Who signs in with `email`, made on first sight; nobody without one."""
    if not email:
        return None
    address = email.lower()  # as users are stored
    if known := User.objects.filter(email=address).first():
        return known
    try:
        with transaction.atomic():
            return User.objects.create_user(address)
    except IntegrityError:  # somebody entered it in this very moment
        return User.objects.get(email=address)


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
