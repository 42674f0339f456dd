"""Who works at a clinic, and as what. What a role may do ends with the request after it is gone."""

import datetime as dt
import uuid

from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext as _

from ocrevus_tracker.accounts import sessions
from ocrevus_tracker.accounts.access import Duty
from ocrevus_tracker.accounts.models import Clinic, Membership, Role, StaffInvitation, User
from ocrevus_tracker.audit import trail

from .shared import UnableTo, must_have, saved_before

STAFF_INVITATION_LASTS = dt.timedelta(days=7)


class UnableToChangeStaff(UnableTo):
    """Not by an admin of the clinic, nobody would be left who can, or they work there already."""


def open_clinic(
    *, clinic: Clinic, email: str, name: str, password: str, now: dt.datetime
) -> Membership:
    """Save a new clinic with its first admin, who invites everybody else. Done by whoever runs
    the service. Somebody who has an account keeps its name and password.

    Raises:
        ValidationError: something about the clinic or the address cannot be right, or another
            clinic has that slug.
    """
    clinic.full_clean()
    validate_email(email)
    with transaction.atomic():
        clinic.save(force_insert=True)
        user, _is_new = User.objects.of_address(email)
        if not user.has_usable_password():
            user.name = name
            user.set_password(password)
            user.save(update_fields=["name", "password"])
            sessions.end_all(user)
        admin = Membership.objects.create(user=user, clinic=clinic, role=Role.ADMIN)
        trail.record(
            at=now,
            actor=None,
            clinic=clinic,
            act="open clinic",
            subject=admin,
            changes={"person": (None, user.get_short_name()), "role": (None, admin.role)},
        )
    return admin


def invite_staff(
    *,
    clinic: Clinic,
    email: str,
    role: str,
    actor: User,
    now: dt.datetime,
    entry_key: uuid.UUID | None = None,
) -> StaffInvitation:
    """Send a link by which the reader of `email` joins the clinic in `role` (a Role), in place of
    an earlier one that was not used.

    Raises:
        UnableToChangeStaff: not by an admin of the clinic, or the person works there already.
    """
    address = email.lower()
    with transaction.atomic():
        clinic = _managed(clinic, actor)
        sent = StaffInvitation.objects.filter(clinic=clinic)
        if known := saved_before(sent, entry_key, refusal=UnableToChangeStaff):
            return known
        if Membership.objects.filter(clinic=clinic, user__email=address).exists():
            raise UnableToChangeStaff(_("This person works here already. Change the role instead."))
        sent.unanswered().filter(email=address).update(withdrawn_at=now)
        invitation = StaffInvitation.objects.create(
            clinic=clinic,
            email=address,
            role=role,
            invited_by=actor,
            invited_at=now,
            expires_at=now + STAFF_INVITATION_LASTS,
            entry_key=entry_key,
        )
        _told("invite staff", invitation, actor, now)
    return invitation


def withdraw_staff_invitation(
    *, invitation: StaffInvitation, actor: User, now: dt.datetime
) -> bool:
    """The link works no more; False when it did not.

    Raises:
        UnableToChangeStaff: not by an admin of the clinic.
    """
    with transaction.atomic():
        _managed(invitation.clinic, actor)
        asked = StaffInvitation.objects.unanswered().filter(pk=invitation.pk)
        if withdrawn := bool(asked.update(withdrawn_at=now)):
            _told("withdraw staff invitation", invitation, actor, now)
    return withdrawn


def join_clinic(*, invitation: StaffInvitation, user: User, now: dt.datetime) -> Membership | None:
    """`user`, who has an account of the invited address, works at the clinic from now on; None
    when the link does not work any more.
    """
    with transaction.atomic():
        asked = StaffInvitation.objects.open(now).filter(pk=invitation.pk, email=user.email)
        if not asked.update(used_at=now, unplanned=False):
            return None
        joined, _is_new = Membership.objects.get_or_create(
            user=user, clinic=invitation.clinic, defaults={"role": invitation.role}
        )
        _told("join clinic", invitation, user, now)
    return joined


def open_staff_account(
    *, invitation: StaffInvitation, name: str, password: str, now: dt.datetime
) -> Membership | None:
    """As `join_clinic`, with an account that gets its name and password now; None also when the
    account of the address has a password, which a link alone must not replace.
    """
    with transaction.atomic():
        user, _is_new = User.objects.of_address(invitation.email)
        if user.has_usable_password() or not user.is_active:
            return None
        joined = join_clinic(invitation=invitation, user=user, now=now)
        if joined:
            user.name = name
            user.set_password(password)
            user.save(update_fields=["name", "password"])
            # Whoever came in by a code has to come in by the staff's door from now on.
            sessions.end_all(user)
    return joined


def allow_codes_by_email(*, clinic: Clinic, allowed: bool, actor: User, now: dt.datetime) -> None:
    """Whether patients of the clinic may sign in with a code by e-mail, beside a passkey. A code
    proves no more than that somebody reads the mailbox.

    Raises:
        UnableToChangeStaff: not by an admin of the clinic.
    """
    with transaction.atomic():
        held = _managed(clinic, actor)
        if held.codes_by_email == allowed:
            return
        before, held.codes_by_email = held.codes_by_email, allowed
        held.save(update_fields=["codes_by_email"])
        trail.record(
            at=now,
            actor=actor,
            clinic=held,
            act="change sign-in",
            subject=held,
            changes={"codes_by_email": (before, allowed)},
        )


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
    _managed(membership.clinic, actor)
    return Membership.objects.filter(pk=membership.pk).select_related("user", "clinic").first()


def _managed(clinic: Clinic, actor: User) -> Clinic:
    """The clinic, held until the transaction ends, if `actor` manages its people."""
    held = Clinic.objects.select_for_update().get(pk=clinic.pk)
    must_have(Duty.MANAGE, actor, held, UnableToChangeStaff)
    return held


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


def _told(act: str, invitation: StaffInvitation, actor: User, now: dt.datetime) -> None:
    trail.record(
        at=now,
        actor=actor,
        clinic=invitation.clinic,
        act=act,
        subject=invitation,
        changes={"email": (None, invitation.email), "role": (None, invitation.role)},
    )
