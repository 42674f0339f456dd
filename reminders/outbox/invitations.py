"""The mails that bring the links of invitations: one for each, as soon as it is made."""

import datetime as dt

from django.db import transaction

from ocrevus_tracker.accounts.models import StaffInvitation
from reminders.models import Kind, Reminder
from schedules.models import PatientInvitation


def add_invitations(now: dt.datetime) -> int:
    """Plan the mails of the invitations that have none at `now` (aware UTC); how many.

    Each has one mail and no second: the database sees to it.
    """
    with transaction.atomic():
        patients = PatientInvitation.objects.open(now).filter(unplanned=True)
        patients = patients.select_for_update(of=("self",)).select_related("patient__clinic")
        staff = StaffInvitation.objects.open(now).filter(unplanned=True)
        staff = staff.select_for_update(of=("self",)).select_related("clinic")
        mails = [*map(_to_patient, patients), *map(_to_colleague, staff)]
        Reminder.objects.bulk_create(mails, ignore_conflicts=True)
        for waiting in (patients, staff):
            for one in waiting:
                one.unplanned = False
                one.save(update_fields=["unplanned"])
    return len(mails)


def without_mail(now: dt.datetime) -> int:
    """How many invitations still wait for their mail to be planned."""
    patients = PatientInvitation.objects.open(now).filter(unplanned=True)
    return patients.count() + StaffInvitation.objects.open(now).filter(unplanned=True).count()


def _to_patient(invitation: PatientInvitation) -> Reminder:
    patient = invitation.patient
    return Reminder(
        kind=Kind.PATIENT_INVITE,
        patient=patient,
        patient_invitation=invitation,
        recipient=f"invited-{invitation.pk}",
        due_on=invitation.invited_at.astimezone(patient.tz).date(),
        next_at=invitation.invited_at,
        not_after=invitation.expires_at,
    )


def _to_colleague(invitation: StaffInvitation) -> Reminder:
    return Reminder(
        kind=Kind.STAFF_INVITE,
        staff_invitation=invitation,
        recipient=f"colleague-{invitation.pk}",
        due_on=invitation.clinic.local_date(invitation.invited_at),
        next_at=invitation.invited_at,
        not_after=invitation.expires_at,
    )
