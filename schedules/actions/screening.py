"""Writing down what came of a check, and taking it back. No date moves (R17)."""

import datetime as dt
import uuid

from django.db import transaction
from django.utils.translation import gettext as _

from ocrevus_tracker.accounts.access import Duty
from ocrevus_tracker.accounts.models import User
from ocrevus_tracker.audit import trail
from schedules.engine.screening import BY_CODE, Check
from schedules.models import Finding, Patient, Screening, ScreeningStatus

from .shared import UnableTo, made, must_have, saved_before


class UnableToRecordCheck(UnableTo):
    """The check is unknown, its date lies ahead, or the answer cannot be given for it."""


def record_screening(
    *,
    patient: Patient,
    actor: User,
    now: dt.datetime,
    check_code: str,
    status: str,
    done_on: dt.date,
    finding: str = Finding.CLEAR,
    expires_on: dt.date | None = None,
    note: str = "",
    entry_key: uuid.UUID | None = None,
) -> Screening:
    """Record one answer to a check; the newest by `done_on` stands, the others stay on record.

    `done_on` is the clinic's local date of the sample, the scan, the approval or the decision;
    `expires_on` the last day that the answer holds.

    Raises:
        UnableToRecordCheck: an unknown check, a date in the future, an end before the date, "not
            needed" without a reason or for a check that everybody needs.
    """
    with transaction.atomic():
        patient = _locked(patient)
        must_have(Duty.TREAT, actor, patient.clinic, UnableToRecordCheck)
        entered = patient.screenings.all()
        if saved := saved_before(entered, entry_key, refusal=UnableToRecordCheck):
            return saved
        if check_code not in BY_CODE:
            raise UnableToRecordCheck(_("This check is not known here."))
        answer = Screening(
            patient=patient,
            check_code=check_code,
            status=status,
            # What was not looked at has found nothing.
            finding=finding if status == ScreeningStatus.DONE else Finding.CLEAR,
            done_on=done_on,
            expires_on=expires_on,
            note=note,
            recorded_by=actor,
            recorded_at=now,
            entry_key=entry_key,
        )
        _refuse_answer(BY_CODE[check_code], answer, patient.clinic.local_date(now))
        answer.save()
        _on_trail("record check", answer, actor=actor, now=now)
    return answer


def void_screening(*, screening: Screening, actor: User, now: dt.datetime) -> None:
    """It was entered by mistake: it stays on record, marked, and the one before stands again.

    Raises:
        UnableToRecordCheck: somebody has taken it back already.
    """
    with transaction.atomic():
        patient = _locked(screening.patient)
        must_have(Duty.TREAT, actor, patient.clinic, UnableToRecordCheck)
        screening.refresh_from_db(fields=["voided_at"])
        if not screening.counts:
            raise UnableToRecordCheck(_("This was taken back already."))
        screening.voided_at = now
        screening.save(update_fields=["voided_at"])
        _on_trail("void check", screening, actor=actor, now=now)


def _locked(patient: Patient) -> Patient:
    """The record, held until the transaction ends: the same form sent twice takes turns."""
    held = Patient.objects.select_for_update(of=("self",)).select_related("clinic")
    return held.get(pk=patient.pk)


def _refuse_answer(check: Check, answer: Screening, today: dt.date) -> None:
    if answer.done_on > today:
        raise UnableToRecordCheck(_("The date must be today or in the past."))
    if answer.expires_on and answer.expires_on < answer.done_on:
        raise UnableToRecordCheck(_("“Valid until” must not be before the date of the check."))
    if answer.status == ScreeningStatus.DONE:
        return
    if not check.overridable:
        raise UnableToRecordCheck(_("Everybody needs this check before an infusion."))
    if not answer.note:
        raise UnableToRecordCheck(_("Write why it is not needed."))


def _on_trail(act: str, answer: Screening, *, actor: User, now: dt.datetime) -> None:
    clinic = answer.patient.clinic
    told = made(answer, "check_code", "status", "finding", "done_on", "expires_on", "note")
    trail.record(at=now, actor=actor, clinic=clinic, act=act, subject=answer, changes=told)
