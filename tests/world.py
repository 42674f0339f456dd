"""A clinic with a canary in each of its tables, and eleven people who try every door.

Ben is a patient of Harbor Clinic; all canaries are in his record or in the clinic's own rows. The
canaries are words that no page has of itself: seen elsewhere, something leaked.
"""

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY
from django.conf import settings
from django.test import Client

from ocrevus_tracker.accounts.access import DUTIES, Audience, Duty
from ocrevus_tracker.accounts.middleware import OPEN, SETTING_UP
from ocrevus_tracker.accounts.models import Clinic, Membership, Role, StaffInvitation, User
from ocrevus_tracker.addresses import Address
from ocrevus_tracker.audit import trail
from reminders.links import stop_path
from reminders.models import (
    DeadAddress,
    DeliveryEvent,
    Helper,
    Policy,
    Preference,
    Reminder,
    StaffPreference,
    State,
)
from schedules import actions
from schedules.models import (
    CheckInterval,
    ClinicRules,
    Closure,
    Course,
    DateMove,
    Grant,
    Hold,
    Infusion,
    Patient,
    PatientInvitation,
    PatientRequest,
    Restart,
    Screening,
)
from tests.cast import (
    NOW,
    TODAY,
    book,
    days,
    give,
    make_clinic,
    make_patient,
    make_staff,
    signed_in,
)

# By table: what is seen of it when it leaks.
CANARIES = {
    "accounts_membership": "Canarymember",
    "accounts_staffinvitation": "canary-invited@example.org",
    "audit_detail": "canary-audit-reason",
    "reminders_deadaddress": "canary-dead@example.org",
    "reminders_deliveryevent": "canary-event",
    "reminders_helper": "Canaryhelper",
    "reminders_policy": "71 days before",
    "reminders_reminder": "canary-mail-body",
    "schedules_appointment": "5:43",
    "schedules_checkinterval": "37 months",
    "schedules_clinicrules": "South Canterbury",
    "schedules_closure": "canary-closure",
    "schedules_correction": "canary-correction",
    "schedules_course": "canary-stop-note",
    "schedules_datemove": "July 19, 2031",
    "schedules_hold": "canary-hold",
    "schedules_infusion": "CANARYLOT",
    "schedules_patient": "Canarypatient",
    "schedules_patientinvitation": "canary-asked@example.org",
    "schedules_patientrequest": "canary-request",
    "schedules_restart": "canary-restart",
    "schedules_screening": "canary-screening",
}
# Ticks, a level, ids: nothing in them is a word of anybody's.
WITHOUT_WORDS = {
    "audit_entry",
    "reminders_preference",
    "reminders_staffpreference",
    "schedules_grant",
}
# What somebody sees whom the patient lets see the dates: whose they are, when, and where.
SHOWN_TO_HELPERS = {"schedules_appointment", "schedules_infusion", "schedules_patient"}

# Where who has no such factor is refused.
ASK_FOR_A_FACTOR = (
    "account_reauthenticate",
    "mfa_reauthenticate",
    "mfa_reauthenticate_webauthn",
)


@dataclass
class World:
    """Who is there, and which row each part of an address names."""

    harbor: Clinic
    ben: Patient
    people: dict[str, "Person"] = field(default_factory=dict)
    # By the name of a part of an address, or by "<page>:<part>" where a page needs another row.
    named: dict[str, Any] = field(default_factory=dict)

    def path(self, address: Address) -> str:
        """The address with each part filled in.

        Raises:
            LookupError: nobody has said which row a part of it names.
        """

        def fill(part: re.Match[str]) -> str:
            name = part[1]
            for key in (f"{address.name}:{name}", name):
                if key in self.named:
                    return str(self.named[key])
            raise LookupError(
                f"/{address.route} names a “{name}”: say in tests/world.py, in `named`, which row "
                "that is, so that everybody can be sent there."
            )

        return "/" + re.sub(r"<(?:\w+:)?(\w+)>", fill, address.route)


@dataclass
class Person:
    """One of the eleven: how they come, and what is theirs."""

    name: str
    user: User | None = None
    disabled: bool = False
    without_second_step: bool = False
    role_here: str = ""  # at Harbor Clinic
    works_elsewhere: bool = False
    record_here: bool = False  # is Ben
    helps_here: bool = False
    cookie: str = ""

    def client(self) -> Client:
        """A new browser with the cookie of one sign-in; the disabled were not, at that time."""
        client = Client()
        if self.user and not self.cookie:
            self.cookie = self._sign_in(self.user)
        if self.cookie:
            client.cookies[settings.SESSION_COOKIE_NAME] = self.cookie
        return client

    def _sign_in(self, user: User) -> str:
        client = signed_in(user)
        if self.without_second_step:
            session = client.session
            session[AUTHENTICATION_METHODS_SESSION_KEY] = []
            session.save()
        User.objects.filter(pk=user.pk).update(is_active=not self.disabled)
        return str(client.cookies[settings.SESSION_COOKIE_NAME].value)

    @property
    def is_signed_in(self) -> bool:
        return self.user is not None and not self.disabled

    def may_see(self) -> set[str]:
        """The tables of whose canaries one may be on a page of theirs."""
        if self.role_here or self.record_here:
            return set(CANARIES)
        return SHOWN_TO_HELPERS if self.helps_here else set()

    def duties_here(self) -> frozenset[Duty]:
        return DUTIES[self.role_here] if self.role_here else frozenset()


def build() -> World:
    """The clinic, its people and one more of each kind elsewhere."""
    harbor = make_clinic()
    rosa = make_staff(harbor, "Rosa")
    User.objects.filter(pk=rosa.pk).update(name="Rosa Canarymember")
    ben = _treated(harbor, rosa)
    world = World(harbor, ben)
    world.named = _rows(harbor, ben, rosa)
    for one in _people(harbor, ben, rosa):
        world.people[one.name] = one
    return world


def _treated(harbor: Clinic, rosa: User) -> Patient:
    """A patient with something in every table."""
    ben = make_patient(harbor, rosa, "Ben", family_name="Canarypatient", now=NOW - days(400))
    course = ben.course
    assert course
    give(course, rosa, TODAY - days(300), lot="CANARYLOT")
    Course.objects.filter(pk=course.pk).update(stop_note="canary-stop-note")
    book(course, rosa, TODAY + days(20), hour=5)
    visit = course.appointments.get()
    visit.starts_at += dt.timedelta(minutes=43)
    visit.save()
    give(course, rosa, TODAY, 250, now=NOW, outcome="partial")
    actions.start_hold(
        course=course,
        actor=rosa,
        now=NOW,
        starts_on=TODAY + days(30),
        ends_on=TODAY + days(40),
        reason="infection",
        note="canary-hold",
    )
    common = {"recorded_by": rosa, "recorded_at": NOW}
    Restart.objects.create(
        course=course,
        chosen_on=TODAY - days(5),
        choice="single",
        reason="canary-restart",
        chosen_by=rosa,
        recorded_at=NOW,
        voided_at=NOW,
    )
    Screening.objects.create(
        patient=ben,
        check_code="hepatitis-b",
        status="done",
        done_on=TODAY,
        note="canary-screening",
        **common,
    )
    first = course.infusions.earliest("pk")
    first.corrections.create(
        before={"lot": ""},
        after={"lot": "CANARYLOT"},
        reason="canary-correction",
        corrected_by=rosa,
        corrected_at=NOW,
    )
    DateMove.objects.create(course=course, to_on=dt.date(2031, 7, 19), moved_at=NOW)
    course.refresh_from_db()
    return ben


def _rows(harbor: Clinic, ben: Patient, rosa: User) -> dict[str, Any]:
    """The clinic's own rows and those about mail; returns which row each address names."""
    ClinicRules.objects.create(clinic=harbor, holiday_subdivision="South Canterbury")
    closure = Closure.objects.create(
        clinic=harbor, first_day=TODAY, last_day=TODAY + days(9), title="canary-closure"
    )
    CheckInterval.objects.create(clinic=harbor, check_code="immunoglobulins", every_months=37)
    Policy.objects.create(clinic=harbor, version=1, rows={"book-1": -71}, made_at=NOW, made_by=rosa)
    helper = Helper.objects.create(
        patient=ben,
        name="Canaryhelper",
        email="hal@example.org",
        invited_at=NOW,
        accepted_at=NOW,
    )
    dead = DeadAddress.objects.create(patient=ben, email="canary-dead@example.org", found_at=NOW)
    Preference.objects.create(patient=ben, changed_at=NOW)
    StaffPreference.objects.create(membership=Membership.objects.get(user=rosa))
    mail = _mail(ben)
    once = {"invited_by": rosa, "invited_at": NOW, "expires_at": NOW + days(7)}
    claim = PatientInvitation.objects.create(patient=ben, email="canary-asked@example.org", **once)
    join = StaffInvitation.objects.create(
        clinic=harbor, email="canary-invited@example.org", role=Role.NURSE, **once
    )
    asked = PatientRequest.objects.create(
        patient=ben, kind="correction", words="canary-request", asked_at=NOW
    )
    trail.record(
        at=NOW,
        actor=rosa,
        clinic=harbor,
        act="test",
        subject=ben,
        reason="canary-audit-reason",
    )
    course = ben.course
    assert course
    stop = stop_path(Reminder(patient=ben, kind="book-1", recipient="patient"))
    assert stop
    return {
        "pk": ben.pk,
        "infusion_pk": Infusion.objects.filter(course=course).latest("pk").pk,
        "hold_pk": Hold.objects.get(course=course).pk,
        "visit_pk": course.appointments.get(status="booked").pk,
        "screening_pk": Screening.objects.get(patient=ben).pk,
        "code": "hepatitis-b",
        "closure_pk": closure.pk,
        "mail_pk": mail.pk,
        "dead_pk": dead.pk,
        "request_pk": asked.pk,
        "invitation_pk": join.pk,
        "member_pk": Membership.objects.get(user=rosa).pk,
        "patient:claim:token": claim.token,
        "staff:join:token": join.token,
        "helper_pk": helper.pk,
        "token": stop.rstrip("/").rsplit("/", 1)[1],
        "name": "postmark",
        "mfa_remove_webauthn:pk": 999_999,
    }


def _mail(ben: Patient) -> Reminder:
    course = ben.course
    assert course
    mail = Reminder.objects.create(
        patient=ben,
        course=course,
        kind="book-1",
        due_on=TODAY + days(20),
        due_version=course.due_version,
        next_at=NOW,
        not_after=NOW + days(7),
        state=State.FAILED,
        message_id="made-up-mark",
        dated_at=NOW,
        subject="A reminder",
        body_text="canary-mail-body",
    )
    DeliveryEvent.objects.create(
        provider="postmark",
        event_id="canary-event",
        kind="bounced",
        message_id="made-up-mark",
        happened_at=NOW,
        received_at=NOW,
        reminder=mail,
    )
    return mail


def _people(harbor: Clinic, ben: Patient, rosa: User) -> Iterator[Person]:
    hill = make_clinic("Hill Clinic", time_zone="America/Los_Angeles")
    nils = make_staff(hill, "Nils")
    ana, zoe = make_patient(harbor, rosa, "Ana"), make_patient(hill, nils, "Zoe")
    yield Person("anonymous")
    yield Person("patient", ben.user, record_here=True)
    yield Person("other patient of the clinic", ana.user)
    yield Person("patient of another clinic", zoe.user)
    hal = User.objects.create_user("hal@example.org")
    Grant.objects.create(patient=ben, user=hal, may_tell=False, granted_at=NOW)
    yield Person("helper", hal, helps_here=True)
    yield Person("nurse", rosa, role_here=Role.NURSE)
    yield Person("nurse of another clinic", nils, works_elsewhere=True)
    for role in (Role.COORDINATOR, Role.ADMIN):
        yield Person(str(role), make_staff(harbor, role.title(), role), role_here=role)
    yield Person("disabled nurse", make_staff(harbor, "Dora"), disabled=True)
    root = User.objects.create_superuser("root@example.org", "a long phrase")
    yield Person("superuser", root, without_second_step=True)


def verdict(person: Person, address: Address, method: str) -> frozenset[int]:
    """The statuses that the address's own line allows for `person`. 303 is the way to a door."""
    access = address.access
    assert access
    signed_in_only = access.audience in {Audience.SIGNED_IN, Audience.STAFF}
    if person.without_second_step and not f"/{address.route}".startswith((*OPEN, SETTING_UP)):
        return frozenset({303})
    if method not in access.methods:
        # A library's page looks at the method first, ours at the person.
        return frozenset({303, 405} if signed_in_only and not person.is_signed_in else {405})
    if signed_in_only and not person.is_signed_in:
        return frozenset({303})
    if access.audience == Audience.SERVICE:
        return frozenset({401, 404})
    if access.audience == Audience.STAFF:
        return _verdict_for_staff(person, address, access.methods[method])
    unwell = {503} if address.name == "readyz" else set()
    refused = {403} if address.name in ASK_FOR_A_FACTOR else set()
    return frozenset({200, 301, 302, 303, 400, 401, 404, 429} | unwell | refused)


def _verdict_for_staff(person: Person, address: Address, duty: Duty | None) -> frozenset[int]:
    if not person.role_here and not person.works_elsewhere:
        return frozenset({404})
    if person.works_elsewhere:  # a nurse, at a clinic whose rows these are not
        if duty not in DUTIES[Role.NURSE]:
            return frozenset({403})
        ours = "<" not in address.route
        # What is removed twice is removed: nothing is told about a number that is not theirs.
        idle = address.name in {"reminders:digest_seen", "staff:remove_closure"}
        return frozenset({200, 302} if ours or idle else {404})
    if duty not in person.duties_here():
        return frozenset({403})
    return frozenset({200, 302})
