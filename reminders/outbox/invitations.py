"""The mails that bring the links of invitations: one for each, as soon as it is made."""

import datetime as dt

from django.db import transaction

from reminders.models import Kind, Reminder
from schedules.models import PatientInvitation


def add_invitations(now: dt.datetime) -> int:
    """Plan the mails of the invitations that have none at `now` (aware UTC); how many.

    Each has one mail and no second: the database sees to it.
    """
    with transaction.atomic():
        open_now = PatientInvitation.objects.open(now).filter(unplanned=True)
        found = list(open_now.select_for_update(of=("self",)).select_related("patient__clinic"))
        mails = Reminder.objects.bulk_create(map(_mail, found), ignore_conflicts=True)
        planned = [one.pk for one in found]
        PatientInvitation.objects.filter(pk__in=planned).update(unplanned=False)
    return len(mails)


def without_mail(now: dt.datetime) -> int:
    """How many invitations still wait for their mail to be planned."""
    return PatientInvitation.objects.open(now).filter(unplanned=True).count()


def _mail(invitation: PatientInvitation) -> Reminder:
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
