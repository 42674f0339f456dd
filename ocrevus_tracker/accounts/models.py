"""People who sign in, clinics, and who works where."""

import datetime as dt
from functools import cache
from typing import Any, ClassVar, Self, TypeVar
from zoneinfo import ZoneInfo, available_timezones

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.db.models.functions import Lower
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from .tokens import digest_of, new_seed, token_of


@cache
def every_time_zone() -> frozenset[str]:
    """The names in the IANA time zone database, read from its many files once."""
    return frozenset(available_timezones())


def validate_time_zone(name: str) -> None:
    """Refuse a name that the IANA time zone database does not know.

    Raises:
        ValidationError: the name is unknown.
    """
    if name not in every_time_zone():
        raise ValidationError(
            _("“%(name)s” is not a time zone. Use a name like America/New_York."),
            params={"name": name},
        )


class UserManager(BaseUserManager["User"]):
    """Makes users who are known by their e-mail address alone."""

    def get_by_natural_key(self, username: str | None) -> "User":
        """The user with this address, whatever its case."""
        return self.get(email__iexact=username)

    def who_may_get_a_code(self, email: str) -> "User | None":
        """The patient who may sign in with a code sent to this address; one query for anybody.

        A code by e-mail is the low-assurance door. Staff see whole charts, so here they do not
        exist, nor do patients of a clinic that has switched codes off.
        """
        patients = self.filter(email=email.lower(), is_active=True, memberships=None)
        patients = patients.filter(is_staff=False, is_superuser=False)
        return patients.exclude(patients__clinic__codes_by_email=False).first()

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":  # noqa: ANN401 - Django's own signature
        """A new user; without a password only an e-mailed code signs them in."""
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def of_address(self, email: str) -> tuple["User", bool]:
        """The account of an address that has proven itself, made on first sight; and whether it
        was made now.
        """
        address = email.strip().lower()  # as users are stored
        if known := self.filter(email=address).first():
            return known, False
        try:
            with transaction.atomic():
                return self.create_user(address), True
        except IntegrityError:  # somebody else proved it in this very moment
            return self.get(email=address), False

    def create_superuser(self, email: str, password: str, **fields: Any) -> "User":  # noqa: ANN401 - see create_user
        """A user with every permission, for `manage.py createsuperuser`."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in: staff by password and a second step, patients by passkey or code."""

    email = models.EmailField(_("email address"), unique=True)
    name = models.CharField(_("name"), max_length=150, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    date_joined = models.DateTimeField(auto_now_add=True)
    # In the hash that every session of theirs holds: a new stamp ends them all.
    session_stamp = models.CharField(max_length=16, blank=True, editable=False)
    passkey_offered_at = models.DateTimeField(null=True, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        constraints = [
            models.UniqueConstraint(Lower("email"), name="user_email_unique_without_case"),
        ]

    def __str__(self) -> str:
        return f"user {self.pk}"

    def get_short_name(self) -> str:
        """What a page greets the person with."""
        return self.name or self.email

    @property
    def works_at_a_clinic(self) -> bool:
        """Staff use the staff pages and sign in by password, never by an e-mailed code."""
        return Membership.objects.filter(user=self).exists()

    @property
    def needs_second_step(self) -> bool:
        """Whether a password alone is not enough: whoever sees more than their own dates."""
        return self.is_staff or self.is_superuser or self.works_at_a_clinic

    @property
    def needs_a_factor(self) -> bool:
        """Whether they could not get in without an app or a passkey."""
        closed = Clinic.objects.filter(patients__user=self, codes_by_email=False)
        return self.needs_second_step or closed.exists()

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """As Django's, and of the stamp: a new password or a new stamp ends every session."""
        salt = "accounts.User.get_session_auth_hash"
        mark = f"{self.password} {self.session_stamp}"
        return salted_hmac(salt, mark, secret=secret, algorithm="sha256").hexdigest()


class Clinic(models.Model):
    """A place that gives infusions. Its local date is the `today` of all its pages."""

    name = models.CharField(_("name"), max_length=120)
    slug = models.SlugField(unique=True)
    time_zone = models.CharField(
        _("time zone"), max_length=64, default="America/New_York", validators=[validate_time_zone]
    )
    phone = models.CharField(_("phone"), max_length=40)
    hours = models.CharField(_("opening hours"), max_length=120)
    address = models.CharField(_("address"), max_length=200)
    # Days before the due date on which booking opens. The clinic's own choice (ux 2.1, state E).
    booking_opens_days = models.PositiveSmallIntegerField(default=70)
    # Days after the due date on which a patient without a visit is told "late" (ux 2.1, state I).
    late_after_days = models.PositiveSmallIntegerField(default=3)
    # Off: this clinic's patients sign in with a passkey or not at all.
    codes_by_email = models.BooleanField(
        _("patients may sign in with a code by email"), default=True
    )

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - Django's own signature
        """Save the clinic. No database can check a time zone's name, and a wrong one would stop
        every mail.

        Raises:
            ValidationError: the time zone is unknown.
        """
        validate_time_zone(self.time_zone)
        super().save(*args, **kwargs)

    @property
    def tz(self) -> ZoneInfo:
        """The clinic's time zone."""
        return ZoneInfo(self.time_zone)

    def local_date(self, moment: dt.datetime) -> dt.date:
        """The date on the clinic's wall calendar at `moment` (aware)."""
        return moment.astimezone(self.tz).date()


class Role(models.TextChoices):
    NURSE = "nurse", _("Nurse")
    COORDINATOR = "coordinator", _("Coordinator")
    PRESCRIBER = "prescriber", _("Prescriber")
    ADMIN = "admin", _("Clinic admin")
    AUDITOR = "auditor", _("Auditor")


class Membership(models.Model):
    """A person works at a clinic in a role."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role.choices, default=Role.NURSE)

    class Meta:
        constraints = [
            models.UniqueConstraint("user", "clinic", name="one_membership_per_user_and_clinic"),
            models.CheckConstraint(
                condition=models.Q(role__in=Role.values), name="membership_role_known"
            ),
        ]

    def __str__(self) -> str:
        return f"membership {self.pk}"


AnyInvitation = TypeVar("AnyInvitation", bound="Invitation")


class InvitationQuerySet(models.QuerySet[AnyInvitation]):
    def unanswered(self) -> Self:
        """Neither used nor taken back; they may be too old."""
        return self.filter(used_at=None, withdrawn_at=None)

    def open(self, now: dt.datetime) -> Self:
        """Those whose link works at `now` (aware)."""
        return self.unanswered().filter(expires_at__gt=now)

    def with_token(self, token: str) -> Self:
        """The one that the link with `token` was mailed for, if there is one."""
        return self.filter(digest=digest_of(token))


class Invitation(models.Model):
    """A link mailed to one address, which opens one thing once. It proves that whoever has it
    reads that mailbox.
    """

    email = models.EmailField()
    # The link's token is made from the seed; what is asked for is found by the digest.
    seed = models.CharField(max_length=32, default=new_seed, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    invited_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    invited_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)
    # Its mail has still to be planned.
    unplanned = models.BooleanField(default=True, db_default=True)
    # One key per opened form: the same form sent twice is one invitation.
    entry_key = models.UUIDField(unique=True, null=True, editable=False)

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - Django's own signature
        """Save it, with the digest of its token."""
        self.digest = digest_of(self.token)
        super().save(*args, **kwargs)

    @property
    def token(self) -> str:
        """What the mailed link holds."""
        return token_of(self.seed)


class StaffInvitationQuerySet(InvitationQuerySet["StaffInvitation"]):
    """See the class it is made from."""


class StaffInvitation(Invitation):
    """Lets the reader of a mailbox work at a clinic in a role."""

    clinic = models.ForeignKey(Clinic, on_delete=models.CASCADE, related_name="staff_invitations")
    role = models.CharField(max_length=20, choices=Role.choices)

    objects = StaffInvitationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "clinic",
                "email",
                condition=models.Q(used_at=None, withdrawn_at=None),
                name="one_unanswered_invitation_per_clinic_and_address",
            ),
            models.CheckConstraint(
                condition=models.Q(role__in=Role.values), name="staff_invitation_role_known"
            ),
        ]
        indexes = [
            models.Index(
                fields=["id"],
                condition=models.Q(unplanned=True),
                name="staff_invitations_unplanned",
            )
        ]

    def __str__(self) -> str:
        return f"staff invitation {self.pk}"
