"""The people who get copies of a patient's mails: asked, saying yes or no, taken off the list.

Verbs as in `reminders.choices`.
"""

import datetime as dt
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ocrevus_tracker.accounts.models import User
from ocrevus_tracker.audit import trail
from schedules.actions import UnableTo
from schedules.models import Course, Patient

from .models import Helper, HelperQuerySet, Kind, Reminder
from .rules import INVITATION_LASTS

# Invitations go to strangers at a patient's word: few at a time, and few in a row.
MOST_HELPERS = 5
MOST_INVITATIONS_A_DAY = 10


class UnableToInvite(UnableTo):
    """The list is full, or the address is the patient's own."""


@dataclass(frozen=True, slots=True)
class Invited:
    """The person on the list, and whether it is this call that asked them."""

    helper: Helper
    is_new: bool


def has_time_left(helper: Helper, now: dt.datetime) -> bool:
    """Whether the invitation is still young enough to be answered at `now` (aware)."""
    return helper.invited_at > now - INVITATION_LASTS


def _in_time(now: dt.datetime) -> Q:
    return Q(invited_at__gt=now - INVITATION_LASTS)


def invite_helper(
    *, patient: Patient, name: str, email: str, actor: User, now: dt.datetime
) -> Invited:
    """Ask the person behind `email`, by one mail, whether they want copies.

    Who is on the list already is not asked again, unless an old invitation has run out.

    Raises:
        UnableToInvite: the list is full, or the address is the patient's own.
    """
    address = email.lower()
    if address == patient.email.lower():
        raise UnableToInvite(_("This is your own address. Enter the one of the other person."))
    with transaction.atomic():
        # Two taps take turns.
        Patient.objects.select_for_update(of=("self",)).get(pk=patient.pk)
        _take_off(_run_out(patient, now).filter(email=address), now)
        on_the_list = Helper.objects.filter(patient=patient, removed_at=None)
        if known := on_the_list.filter(email=address).first():
            return Invited(known, is_new=False)
        _refuse_too_many(patient, on_the_list, now)
        helper = Helper.objects.create(patient=patient, name=name, email=address, invited_at=now)
        _plan_invitation(helper, now)
        trail.record(
            at=now, actor=actor, clinic=patient.clinic, act="invite helper", subject=helper
        )
    return Invited(helper, is_new=True)


def accept_invitation(*, helper: Helper, now: dt.datetime) -> bool:
    """The person says yes; False when they cannot any more, or did before."""
    with transaction.atomic():
        asked = Helper.objects.invited().filter(_in_time(now), pk=helper.pk)
        if accepted := bool(asked.update(accepted_at=now)):
            _follow_up(helper, "accept invitation", None, now)
    return accepted


def remove_helper(*, helper: Helper, now: dt.datetime, actor: User | None = None) -> bool:
    """No more copies to this person, and no answer from them counts; False when done before.

    `actor` is None when the person leaves through a link of their own.
    """
    with transaction.atomic():
        if removed := bool(_take_off(Helper.objects.filter(pk=helper.pk), now)):
            _follow_up(helper, "remove helper", actor, now)
    return removed


def _run_out(patient: Patient, now: dt.datetime) -> HelperQuerySet:
    return patient.helpers.invited().exclude(_in_time(now))


def _take_off(helpers: HelperQuerySet, now: dt.datetime) -> int:
    return helpers.filter(removed_at=None).update(removed_at=now)


def _refuse_too_many(patient: Patient, on_the_list: HelperQuerySet, now: dt.datetime) -> None:
    if on_the_list.count() >= MOST_HELPERS:
        told = ngettext(
            "At most {n} person can get copies. Remove one first.",
            "At most {n} people can get copies. Remove one first.",
            MOST_HELPERS,
        )
        raise UnableToInvite(told.format(n=MOST_HELPERS))
    lately = patient.helpers.filter(invited_at__gt=now - dt.timedelta(days=1))
    if lately.count() >= MOST_INVITATIONS_A_DAY:
        raise UnableToInvite(_("You have invited many people today. Try again tomorrow."))


def _plan_invitation(helper: Helper, now: dt.datetime) -> None:
    Reminder.objects.create(
        patient=helper.patient,
        helper=helper,
        recipient=helper.recipient,
        kind=Kind.HELPER_INVITE,
        due_on=now.astimezone(helper.patient.tz).date(),
        next_at=now,
        not_after=now + INVITATION_LASTS,
    )


def _follow_up(helper: Helper, act: str, actor: User | None, now: dt.datetime) -> None:
    patient = helper.patient
    Course.objects.filter(patient=patient).mark_unplanned()
    trail.record(at=now, actor=actor, clinic=patient.clinic, act=act, subject=helper)
