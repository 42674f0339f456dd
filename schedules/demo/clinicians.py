"""The made-up staff at work, and the made-up patients they enter."""

import datetime as dt
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from dateutil.relativedelta import relativedelta

from ocrevus_tracker.accounts import factors
from ocrevus_tracker.accounts.models import Clinic, Membership, Role, User
from schedules import actions
from schedules.models import (
    Appointment,
    Course,
    Disposition,
    Outcome,
    Patient,
    Reaction,
    ScreeningStatus,
)

PASSWORD = "calm-daylight-demo"  # noqa: S105 - a demo's, printed on every start
NURSE = "nurse@harbor.example.org"
PRESCRIBER = "prescriber@harbor.example.org"
ADMIN = "admin@harbor.example.org"
# The keys of their apps, base32: as public as the password, and as little worth elsewhere.
APPS = {
    NURSE: "MADEUPNURSESKEY2MADEUPNURSESKEY2",
    PRESCRIBER: "MADEUPPRESCRIBER2MADEUPPRESCRIBE",
    ADMIN: "MADEUPADMINSKEY2MADEUPADMINSKEY2",
}


def give_second_step(user: User) -> None:
    """Give one of the made-up staff the app that `make run` shows the codes of, and recovery
    codes. What somebody has set up for themselves in the demo stays.
    """
    if not factors.has_one(user):
        factors.enrol_app(user=user, secret=APPS[user.email])


@dataclass(frozen=True, slots=True)
class Story:
    """One made-up patient: who they are and what happened to them.

    `tell` does what happened, in order. `about` says which situation it shows.
    """

    given_name: str
    family_name: str
    born: str
    about: str
    tell: Callable[["Clinicians", Course], None]
    regimen: str = "ocrevus-iv"
    language: str = "en"
    time_zone: str = ""
    has_email: bool = True

    @property
    def email(self) -> str:
        """Their address, at a domain that belongs to nobody."""
        return f"{self.given_name}.{self.family_name}@example.org".lower()


class Clinicians:
    """The staff at work: each verb of `actions`, done at 3 p.m. of some day at the clinic."""

    def __init__(self, clinic: Clinic, now: dt.datetime) -> None:
        self.clinic = clinic
        self.now = now
        self.today = clinic.local_date(now)
        self.nurse = self._employ(NURSE, "Rosa Rivera", Role.NURSE)
        self.prescriber = self._employ(PRESCRIBER, "Priya Shah", Role.PRESCRIBER)
        self._employ(ADMIN, "Ada Ames", Role.ADMIN)

    def _employ(self, email: str, name: str, role: Role) -> User:
        user = User.objects.create_user(email, PASSWORD, name=name)
        Membership.objects.create(user=user, clinic=self.clinic, role=role)
        give_second_step(user)
        return user

    def day(self, days: int) -> dt.date:
        """The date `days` from today."""
        return self.today + dt.timedelta(days=days)

    def at(self, day: dt.date, hour: int = 15) -> dt.datetime:
        """That hour of `day` at the clinic, but never later than now."""
        return min(self.clock(day, hour), self.now)

    def clock(self, day: dt.date, hour: int) -> dt.datetime:
        """That hour of `day` on the clinic's clock, aware."""
        return dt.datetime.combine(day, dt.time(hour), self.clinic.tz)

    def decide(self) -> None:
        """The holidays of New York; closed on the day when Sam Sato is due."""
        actions.change_rules(
            clinic=self.clinic, actor=self.prescriber, now=self.now, holiday_subdivision="NY"
        )
        actions.add_closure(
            clinic=self.clinic,
            actor=self.prescriber,
            now=self.now,
            first_day=self.day(66),
            last_day=self.day(66),
            title="Staff training",
        )

    def enter(self, story: Story, number: int) -> Course:
        """Add the patient, as long ago as anything that happened to them."""
        patient = actions.add_patient(
            patient=Patient(
                clinic=self.clinic,
                record_number=f"H-{number:04}",
                given_name=story.given_name,
                family_name=story.family_name,
                date_of_birth=dt.date.fromisoformat(story.born),
                email=story.email if story.has_email else "",
                language=story.language,
                time_zone=story.time_zone,
            ),
            actor=self.nurse,
            now=self.at(self.today - relativedelta(years=7)),
            regimen_code=story.regimen,
        )
        self._begin(patient)
        return patient.courses.get()

    def _begin(self, patient: Patient) -> None:
        """Those who have an address were invited, and have claimed their record."""
        if not patient.email:
            return
        entered = patient.created_at
        invitation = actions.invite_patient(patient=patient, actor=self.nurse, now=entered)
        actions.claim_record(invitation=invitation, born=patient.date_of_birth, now=entered)

    def give(  # a dose on a day
        self,
        course: Course,
        given_on: dt.date,
        dose_mg: int,
        *,
        outcome: Outcome = Outcome.COMPLETED,
        disposition: Disposition = Disposition.UNDECIDED,
        reaction: Reaction = Reaction.NONE,
        note: str = "",
    ) -> None:
        actions.record_infusion(
            course=course,
            actor=self.nurse,
            now=self.at(given_on),
            given_on=given_on,
            dose_mg=dose_mg,
            outcome=outcome,
            disposition=disposition,
            reaction=reaction,
            note=note,
            lot=f"DEMO{given_on:%y%m}" if dose_mg else "",
        )

    def check(self, course: Course, code: str, done_on: dt.date, **facts: Any) -> None:  # noqa: ANN401 - facts of the verb
        """What came of a check on a day; done and clear unless told otherwise."""
        actions.record_screening(
            patient=course.patient,
            actor=self.nurse,
            now=self.at(done_on),
            check_code=code,
            done_on=done_on,
            **{"status": ScreeningStatus.DONE} | facts,
        )

    def approve(self, course: Course, done_on: dt.date, days: int = 365) -> None:
        """The insurance approved the infusions of so many days."""
        end = done_on + dt.timedelta(days=days)
        self.check(course, "authorization", done_on, expires_on=end)

    def check_before_start(
        self, course: Course, done_on: dt.date, *, without: Collection[str] = ()
    ) -> None:
        """All that a first infusion waits for, but for the codes in `without`."""
        self.approve(course, done_on)
        for code in ("hepatitis-b", "immunoglobulins", "liver", "pregnancy", "vaccines"):
            if code not in without:
                self.check(course, code, done_on)

    def book(
        self, course: Course, day: dt.date, hour: int = 9, booked_days_before: int = 30
    ) -> Appointment:
        """Book a visit; for one in the past, some days before it."""
        return actions.book_visit(
            course=course,
            actor=self.prescriber,
            now=self.at(min(self.today, day - dt.timedelta(days=booked_days_before))),
            starts_at=self.clock(day, hour),
            reason="The prescriber agreed this date",
        )
