"""A patient's way to their own record: invited by mail, claimed with the date of birth.

An address that somebody typed opens nothing: it may be another person's. What links a record to
an account is a link that only that mailbox has got, and something that its reader must know.
"""

import datetime as dt
import uuid
from dataclasses import dataclass

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from ocrevus_tracker.accounts.access import Duty
from ocrevus_tracker.accounts.models import User
from ocrevus_tracker.audit import trail
from schedules.models import MOST_TRIES, Patient, PatientInvitation, PatientInvitationQuerySet

from .shared import UnableTo, must_have, saved_before

INVITATION_LASTS = dt.timedelta(days=14)


class UnableToInvitePatient(UnableTo):
    """There is no address, or somebody who may not invite."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """Whose the record is now; `is_new` when the account was made by this claim."""

    user: User
    is_new: bool


def invite_patient(
    *, patient: Patient, actor: User, now: dt.datetime, entry_key: uuid.UUID | None = None
) -> PatientInvitation:
    """Send a link to the patient's address, in place of an earlier one that was not used.

    Whoever has access now keeps it until the new link is used, or until it is ended.

    Raises:
        UnableToInvitePatient: there is no address, or `actor` may not invite.
    """
    must_have(Duty.BOOK, actor, patient.clinic, UnableToInvitePatient)
    with transaction.atomic():
        patient = _locked(patient)
        sent = PatientInvitation.objects.filter(patient=patient)
        if known := saved_before(sent, entry_key, refusal=UnableToInvitePatient):
            return known
        if not patient.email:
            raise UnableToInvitePatient(_("There is no email address to send an invitation to."))
        sent.unanswered().update(withdrawn_at=now)
        invitation = PatientInvitation.objects.create(
            patient=patient,
            email=patient.email.lower(),
            invited_by=actor,
            invited_at=now,
            expires_at=now + INVITATION_LASTS,
            entry_key=entry_key,
        )
        _on_trail("invite patient", patient, actor, now)
    return invitation


def withdraw_invitation(*, patient: Patient, actor: User, now: dt.datetime) -> bool:
    """The link that `patient` was sent works no more; False when none did.

    Raises:
        UnableToInvitePatient: `actor` may not invite.
    """
    must_have(Duty.BOOK, actor, patient.clinic, UnableToInvitePatient)
    with transaction.atomic():
        if withdrawn := bool(_unanswered(patient).update(withdrawn_at=now)):
            _on_trail("withdraw invitation", patient, actor, now)
    return withdrawn


def claim_record(
    *, invitation: PatientInvitation, born: dt.date, now: dt.datetime
) -> Claimed | None:
    """Link the record to the account of the invited address, if `born` is the date of birth.

    None for a wrong date, which counts as a try, and for a link that does not work any more; a
    right date that comes too late is no different.
    """
    with transaction.atomic():
        patient = _locked(invitation.patient)
        links = PatientInvitation.objects.open(now).filter(pk=invitation.pk, tries__lt=MOST_TRIES)
        if born != patient.date_of_birth:
            if links.update(tries=F("tries") + 1):
                _on_trail("wrong date of birth", patient, None, now)
            return None
        if not links.update(used_at=now, unplanned=False):
            return None
        user, is_new = User.objects.of_address(invitation.email)
        Patient.objects.filter(pk=patient.pk).update(user=user)
        _on_trail("claim record", patient, user, now)
    return Claimed(user, is_new)


def end_online_access(*, patient: Patient, actor: User, now: dt.datetime, reason: str) -> bool:
    """Nobody sees the record online any more, and no link that was sent opens it; False when it
    was so before.

    Raises:
        UnableToInvitePatient: `actor` may not decide this.
    """
    must_have(Duty.BOOK, actor, patient.clinic, UnableToInvitePatient)
    with transaction.atomic():
        withdrawn = _unanswered(patient).update(withdrawn_at=now)
        linked = Patient.objects.filter(pk=patient.pk, user__isnull=False)
        if ended := bool(linked.update(user=None) + withdrawn):
            _on_trail("end online access", patient, actor, now, reason)
    return ended


def withdraw_for_address(patient: Patient, now: dt.datetime) -> None:
    """The address of `patient` has changed: a link that went to another one must open nothing."""
    _unanswered(patient).exclude(email=patient.email.lower()).update(withdrawn_at=now)


def _unanswered(patient: Patient) -> PatientInvitationQuerySet:
    return PatientInvitation.objects.unanswered().filter(patient=patient)


def _locked(patient: Patient) -> Patient:
    """The record as it is now, held until the transaction ends: two taps take turns."""
    held = Patient.objects.select_for_update(of=("self",)).select_related("clinic")
    return held.get(pk=patient.pk)


def _on_trail(
    act: str, patient: Patient, actor: User | None, now: dt.datetime, reason: str = ""
) -> None:
    clinic = patient.clinic
    trail.record(at=now, actor=actor, clinic=clinic, act=act, subject=patient, reason=reason)
