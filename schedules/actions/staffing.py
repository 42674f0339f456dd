"""Who works at a clinic, and as what. What a role may do ends with the request after it is gone."""

import datetime as dt

from django.db import transaction
from django.utils.translation import gettext as _

from ocrevus_tracker.accounts.access import Duty
from ocrevus_tracker.accounts.models import Clinic, Membership, Role, User
from ocrevus_tracker.audit import trail

from .shared import UnableTo, must_have


class UnableToChangeStaff(UnableTo):
    """Not by an admin of the clinic, or nobody would be left who can."""


def change_role(
    *, membership: Membership, role: str, actor: User, now: dt.datetime, reason: str = ""
) -> bool:
    """From their next request on the person does what `role` (a Role) may; False when they do
    already.

    Raises:
        UnableToChangeStaff: not by an admin of the clinic, or of its last admin.
    """
    with transaction.atomic():
        held = _locked(membership, actor)
        if held is None or held.role == role:
            return False
        if role != Role.ADMIN:
            _keep_an_admin(held)
        before, held.role = held.role, role
        held.save(update_fields=["role"])
        _on_trail("change role", held, actor, now, reason, before=before)
    return True


def remove_member(
    *, membership: Membership, actor: User, now: dt.datetime, reason: str = ""
) -> bool:
    """From their next request on the person sees nothing of the clinic; False when that is so.

    What they have recorded stays, under their name.

    Raises:
        UnableToChangeStaff: not by an admin of the clinic, or of its last admin.
    """
    with transaction.atomic():
        held = _locked(membership, actor)
        if held is None:
            return False
        _keep_an_admin(held)
        _on_trail("remove from clinic", held, actor, now, reason, before=held.role)
        held.delete()
    return True


def is_last_admin(membership: Membership) -> bool:
    """Whether nobody else who can sign in manages the people of the clinic."""
    admins = Membership.objects.filter(
        clinic=membership.clinic, role=Role.ADMIN, user__is_active=True
    )
    return membership.role == Role.ADMIN and not admins.exclude(pk=membership.pk).exists()


def _locked(membership: Membership, actor: User) -> Membership | None:
    """The membership as it is now, None when it is gone; two admins of a clinic take turns, lest
    each remove the other.
    """
    clinic = Clinic.objects.select_for_update().get(pk=membership.clinic_id)
    must_have(Duty.MANAGE, actor, clinic, UnableToChangeStaff)
    return Membership.objects.filter(pk=membership.pk).select_related("user", "clinic").first()


def _keep_an_admin(membership: Membership) -> None:
    if is_last_admin(membership):
        raise UnableToChangeStaff(
            _("This is the last admin of the clinic. Make somebody else an admin first.")
        )


def _on_trail(
    act: str, membership: Membership, actor: User, now: dt.datetime, reason: str, *, before: str
) -> None:
    """With the person's name: the membership may be gone when somebody reads it."""
    after = membership.role if membership.role != before else None
    trail.record(
        at=now,
        actor=actor,
        clinic=membership.clinic,
        act=act,
        subject=membership,
        reason=reason,
        changes={"person": (None, membership.user.get_short_name()), "role": (before, after)},
    )
