"""A made-up clinic with patients in every state, built with the same verbs that people use.

All names are invented; all addresses are at example.org, which belongs to nobody. Each act is
done "on its day": the history looks as if the clinic had used the product for years.
"""

import datetime as dt
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from dateutil.relativedelta import relativedelta
from django.db import transaction

from ocrevus_tracker.accounts.models import Clinic, Membership, Role, User
from ocrevus_tracker.audit.models import Entry

from . import actions
from .engine.dates import due_add
from .models import (
    Appointment,
    Course,
    Disposition,
    HoldReason,
    Outcome,
    Patient,
    Reaction,
    RestartChoice,
    ScreeningStatus,
    StopReason,
)

# No clinic of flesh and blood would choose this; what bears it may be removed.
SLUG = "made-up-harbor-clinic"
PASSWORD = "calm-daylight-demo"  # noqa: S105 - a demo's, printed on every start
NURSE = "nurse@harbor.example.org"
PRESCRIBER = "prescriber@harbor.example.org"


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

    def _employ(self, email: str, name: str, role: Role) -> User:
        user = User.objects.create_user(email, PASSWORD, name=name)
        Membership.objects.create(user=user, clinic=self.clinic, role=role)
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
        return patient.courses.get()

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


# -- What can happen to a person ---------------------------------------------

Tell = Callable[[Clinicians, Course], None]


def nothing_yet() -> Tell:
    """Referred; nothing ordered, nothing booked."""
    return lambda _clinic, _course: None


def hepatitis_missing() -> Tell:
    """New, and all checks are done but one; pregnancy is not possible."""

    def tell(clinic: Clinicians, course: Course) -> None:
        day = clinic.day(-6)
        clinic.check_before_start(course, day, without={"hepatitis-b", "pregnancy"})
        facts = {"status": ScreeningStatus.NOT_NEEDED, "note": "Pregnancy is not possible"}
        clinic.check(course, "pregnancy", day, **facts)

    return tell


def approval_ended(days: int) -> Tell:
    """On maintenance, due in `days`; the approval was for the dose before."""

    def tell(clinic: Clinicians, course: Course) -> None:
        due_in(days)(clinic, course)
        clinic.approve(course, clinic.day(-40), 30)

    return tell


def due_in(days: int, *, doses: int = 3, visit: int | None = None, hour: int = 9) -> Tell:
    """On maintenance with the next dose due in `days` (negative: past), after `doses` doses of
    600 mg; with a visit booked in `visit` days.
    """

    def tell(clinic: Clinicians, course: Course) -> None:
        regimen = course.regimen
        last = _minus(clinic.day(days), course, 1)
        given = [_minus(last, course, before) for before in range(doses - 1, -1, -1)]
        start = _minus(given[0], course, 1)
        for dose in regimen.initial:
            day = start + dt.timedelta(days=dose.offset_days)
            clinic.give(course, day, dose.dose_mg)
        for day in given:
            clinic.give(course, day, regimen.maintenance_mg)
        clinic.approve(course, clinic.day(-45))
        if visit is not None:
            clinic.book(course, clinic.day(visit), hour)

    return tell


def _minus(day: dt.date, course: Course, cycles: int) -> dt.date:
    """The day `cycles` intervals before `day`."""
    interval = course.regimen.interval * cycles
    return day - relativedelta(months=interval.months, days=interval.days)


def first_visits(first: int, *, visit_1: bool = False, visit_2: int | None = None) -> Tell:
    """Infusion 1 was `first` days from now (or, with `visit_1`, is booked for then)."""

    def tell(clinic: Clinicians, course: Course) -> None:
        clinic.check_before_start(course, clinic.day(min(first, 0) - 20))
        if visit_1:
            clinic.book(course, clinic.day(first), booked_days_before=3)
        else:
            clinic.give(course, clinic.day(first), course.regimen.initial[0].dose_mg)
        if visit_2 is not None:
            clinic.book(course, clinic.day(visit_2), 10, booked_days_before=1)

    return tell


def both_first_visits(first: int) -> Tell:
    """Both parts of the first dose given; the first `first` days ago (negative)."""

    def tell(clinic: Clinicians, course: Course) -> None:
        for dose in course.regimen.initial:
            clinic.give(course, clinic.day(first + dose.offset_days), dose.dose_mg)

    return tell


def month_end() -> Tell:
    """Started on the last 31 August: dates clamp to month ends without drifting."""

    def tell(clinic: Clinicians, course: Course) -> None:
        start = dt.date(clinic.today.year - 2, 8, 31)
        clinic.give(course, start, 300)
        clinic.give(course, start + dt.timedelta(days=14), 300)
        for cycle in range(1, 6):
            day = due_add(start, course.regimen.interval * cycle)
            if day <= clinic.today:
                clinic.give(course, day, 600)

    return tell


def transferred_in(days_ago: int) -> Tell:
    """Only the last dose is known; it was given elsewhere."""
    return lambda clinic, course: clinic.give(course, clinic.day(-days_ago), 600)


def too_early() -> Tell:
    """A dose under five months after the one before: it counts, flagged."""

    def tell(clinic: Clinicians, course: Course) -> None:
        clinic.give(course, clinic.day(-200), 600)
        clinic.give(course, clinic.day(-65), 600)

    return tell


def stopped_half_way(disposition: Disposition) -> Tell:
    """The last infusion was stopped after 250 mg."""

    def tell(clinic: Clinicians, course: Course) -> None:
        due_in(-2, doses=2)(clinic, course)
        day = clinic.day(-2)
        clinic.give(course, day, 250, outcome=Outcome.PARTIAL, disposition=disposition)

    return tell


def reacted(reaction: Reaction, days_ago: int, note: str) -> Tell:
    """A reaction to the last infusion; a life-threatening one ends treatment by itself."""

    def tell(clinic: Clinicians, course: Course) -> None:
        due_in(-days_ago, doses=2)(clinic, course)
        clinic.give(course, clinic.day(-days_ago), 600, reaction=reaction, note=note)

    return tell


def not_given(days_ago: int, note: str) -> Tell:
    """Came for a booked visit and went home without an infusion."""

    def tell(clinic: Clinicians, course: Course) -> None:
        due_in(5 - days_ago, doses=2, visit=-days_ago)(clinic, course)
        clinic.give(course, clinic.day(-days_ago), 0, outcome=Outcome.NOT_DONE, note=note)

    return tell


def moved_here(days_ago: int) -> Tell:
    """Had infusions elsewhere; nobody knows more than the month of the last one."""

    def tell(clinic: Clinicians, course: Course) -> None:
        month = clinic.day(-days_ago).replace(day=1)
        actions.record_elsewhere(
            course=course,
            actor=clinic.nurse,
            now=clinic.at(clinic.day(-2)),
            doses=[actions.Told(month, course.regimen.maintenance_mg, day_known=False)],
            note="Told by the patient",
        )

    return tell


def ended(days_ago: int, reason: StopReason = StopReason.PATIENT) -> Tell:
    """Treatment stopped."""

    def tell(clinic: Clinicians, course: Course) -> None:
        due_in(90)(clinic, course)
        actions.stop_course(
            course=course,
            actor=clinic.prescriber,
            now=clinic.at(clinic.day(-days_ago)),
            stopped_on=clinic.day(-days_ago),
            reason=reason,
        )

    return tell


def restarted(choice: RestartChoice, *visits: int) -> Tell:
    """Lapsed, until a prescriber chose how to go on; with visits booked so many days ahead."""

    def tell(clinic: Clinicians, course: Course) -> None:
        due_in(-220, doses=2)(clinic, course)
        actions.choose_restart(
            course=course,
            actor=clinic.prescriber,
            now=clinic.at(clinic.day(-3)),
            choice=choice,
            reason="Agreed with the patient",
        )
        for days in visits:
            clinic.book(course, clinic.day(days), booked_days_before=1)

    return tell


def switched(days_ago: int, code: str, before: Tell) -> Tell:
    """The same medicine in another way since `days_ago`; the dates go on."""

    def tell(clinic: Clinicians, course: Course) -> None:
        before(clinic, course)
        actions.switch_regimen(
            course=course,
            actor=clinic.prescriber,
            now=clinic.at(clinic.day(-days_ago)),
            code=code,
            switched_on=clinic.day(-days_ago),
            reason="The patient asked for it",
        )

    return tell


def held(
    days_ago: int,
    reason: HoldReason,
    before: Tell,
    *,
    ends: int | None = None,
    review: int | None = None,
) -> Tell:
    """On hold, or on pause, since `days_ago`; `ends` and `review` lie so many days ahead."""

    def tell(clinic: Clinicians, course: Course) -> None:
        before(clinic, course)
        actions.start_hold(
            course=course,
            actor=clinic.nurse,
            now=clinic.at(clinic.day(-days_ago)),
            reason=reason,
            starts_on=clinic.day(-days_ago),
            ends_on=clinic.day(ends) if ends else None,
            review_on=clinic.day(review) if review else None,
        )

    return tell


def put_right(due: int) -> Tell:
    """The last infusion was recorded for a wrong day, and corrected on the next morning."""

    def tell(clinic: Clinicians, course: Course) -> None:
        due_in(due)(clinic, course)
        last = course.infusions.latest("given_on")
        actions.correct_infusion(
            infusion=last,
            actor=clinic.prescriber,
            now=clinic.at(last.given_on + dt.timedelta(days=1), 9),
            revision=last.revision,
            reason="Wrong date",
            given_on=last.given_on - dt.timedelta(days=2),
        )

    return tell


def somebody_elses(days_ago: int) -> Tell:
    """An infusion of another patient was recorded here, and marked as a mistake."""

    def tell(clinic: Clinicians, course: Course) -> None:
        due_in(95)(clinic, course)
        clinic.give(course, clinic.day(-days_ago), 600)
        wrong = course.infusions.latest("given_on")
        actions.void_infusion(
            infusion=wrong,
            actor=clinic.nurse,
            now=clinic.at(wrong.given_on + dt.timedelta(days=1), 9),
            revision=wrong.revision,
            reason="Wrong patient",
        )

    return tell


STORIES = (
    Story("Ana", "Abrams", "1984-03-10", "time to book", due_in(45)),
    Story("Ben", "Bailey", "1979-07-22", "booked in 3 weeks", due_in(19, visit=21)),
    Story("Carla", "Castillo", "1991-11-02", "visit tomorrow", due_in(2, visit=1)),
    Story("Dev", "Desai", "1988-01-30", "late 9 days, nothing booked", due_in(-9)),
    Story("Ella", "Evans", "1995-05-17", "nothing to do now", due_in(120)),
    Story("Femi", "Falade", "1982-09-08", "new, nothing booked", nothing_yet()),
    Story("Grace", "Goldberg", "1976-12-12", "visit 1 booked", first_visits(12, visit_1=True)),
    Story(
        "Hugo", "Hansen", "1990-02-25", "visit 1 done, visit 2 booked", first_visits(-6, visit_2=8)
    ),
    Story("Iris", "Ito", "1987-06-14", "visit 1 done, visit 2 not booked", first_visits(-10)),
    Story("Jamal", "Jones", "1993-08-03", "visit 2 is late", first_visits(-19)),
    Story("Kate", "Kelly", "1980-10-27", "visit today", due_in(0, visit=0)),
    Story("Luis", "Lopez", "1985-04-19", "visit today", due_in(1, visit=0, hour=10), language="es"),
    Story(
        "Mia", "Moreau", "1998-01-05", "visit today, first of two", first_visits(0, visit_1=True)
    ),
    Story("Noah", "Nguyen", "1974-07-07", "visit this week", due_in(3, visit=4)),
    Story("Olga", "Olsen", "1969-03-21", "due in 10 days, nothing booked", due_in(10)),
    Story("Pablo", "Perez", "1992-09-29", "due in 12 days, nothing booked", due_in(12)),
    Story("Quinn", "Quist", "1983-12-01", "due today, nothing booked", due_in(0)),
    Story("Ruth", "Reyes", "1977-05-09", "time to book", due_in(30)),
    Story("Sam", "Sato", "1989-08-16", "time to book", due_in(66)),
    Story("Tara", "Thomas", "1994-02-11", "time to book, no e-mail", due_in(52), has_email=False),
    Story("Uma", "Unger", "1981-06-23", "late 23 days", due_in(-23, doses=6)),
    Story("Viktor", "Vogel", "1972-10-15", "late 7 weeks", due_in(-50, doses=4)),
    Story("Wendy", "Wong", "1986-11-28", "new date after the late line", due_in(-12, visit=5)),
    Story("Xavier", "Xu", "1996-04-02", "lapsed: over a year without", due_in(-215, doses=2)),
    Story("Yara", "Young", "1978-01-18", "yesterday's visit not recorded", due_in(-1, visit=-1)),
    Story("Zoe", "Zimmer", "1990-07-30", "booked too soon, checked", due_in(60, visit=20)),
    Story("Adam", "Archer", "1985-02-06", "treatment stopped", ended(20)),
    Story(
        "Bea",
        "Brandt",
        "1983-05-25",
        "stopped half-way, prescriber decides",
        stopped_half_way(Disposition.UNDECIDED),
    ),
    Story(
        "Cyrus",
        "Cohen",
        "1975-09-13",
        "stopped half-way, still due",
        stopped_half_way(Disposition.REPEAT),
    ),
    Story("Dina", "Duarte", "1997-12-20", "started on a 31st", month_end()),
    Story("Emil", "Eriksen", "1970-08-08", "moved here, one dose known", transferred_in(100)),
    Story("Fay", "Fischer", "1988-03-03", "a dose came too early", too_early()),
    Story("Gus", "Garcia", "1982-06-06", "every 24 weeks", due_in(75), regimen="ocrevus-iv-24w"),
    Story("Hana", "Haddad", "1991-10-10", "injections", due_in(40), regimen="ocrevus-sc"),
    Story("Ivan", "Ivanov", "1984-01-24", "another medicine", due_in(25), regimen="briumvi"),
    Story("Joy", "Jensen", "1979-04-28", "six years on", due_in(150, doses=11)),
    Story("Kofi", "Kamara", "1993-11-11", "just finished the first dose", both_first_visits(-17)),
    Story("Lena", "Larsson", "1986-09-02", "nothing to do now", due_in(100)),
    Story(
        "Milo",
        "Marino",
        "1980-12-25",
        "lives two hours west",
        due_in(33),
        time_zone="America/Denver",
    ),
    Story("Nora", "Novak", "1995-08-21", "booked in 6 weeks", due_in(44, visit=44, hour=12)),
    Story(
        "Otis",
        "Ortiz",
        "1987-02-14",
        "on hold for an infection, with a visit inside",
        held(1, HoldReason.INFECTION, due_in(4, visit=6)),
    ),
    Story(
        "Pia",
        "Peters",
        "1990-06-30",
        "on hold for a vaccine until a day after the due date",
        held(3, HoldReason.VACCINE, due_in(5), ends=25),
    ),
    Story(
        "Rosalie",
        "Roux",
        "1993-04-04",
        "on pause, looked at again later",
        held(60, HoldReason.PREGNANCY, due_in(-20), review=90),
    ),
    Story(
        "Sofia",
        "Silva",
        "1992-12-12",
        "on pause, nobody said for how long",
        held(40, HoldReason.PREGNANCY, due_in(30)),
    ),
    Story(
        "Theo",
        "Tanaka",
        "1986-03-18",
        "lapsed, goes on with one full dose",
        restarted(RestartChoice.SINGLE, 9),
    ),
    Story(
        "Ursula",
        "Ueda",
        "1981-09-09",
        "lapsed, begins again with a dose in two parts",
        restarted(RestartChoice.SPLIT, 11, 25),
    ),
    Story(
        "Vera",
        "Varga",
        "1975-05-05",
        "changed to injections, same dates",
        switched(20, "ocrevus-sc", due_in(38, doses=4, visit=38)),
    ),
    Story("Xena", "Xenakis", "1987-02-14", "a date was corrected", put_right(105)),
    Story("Yusuf", "Yilmaz", "1992-04-30", "a mistake in the history", somebody_elses(20)),
    Story("Walt", "Weber", "1968-11-16", "moved to another clinic", ended(12, StopReason.MOVED)),
    Story(
        "Tomas",
        "Tamm",
        "1985-10-09",
        "severe reaction: no short infusion",
        reacted(Reaction.SEVERE, 120, "Throat felt tight. Stopped, treated, then finished slowly"),
    ),
    Story(
        "Ulla",
        "Ullman",
        "1981-03-17",
        "life-threatening reaction: stopped for good",
        reacted(Reaction.LIFE_THREATENING, 30, "Transferred to the emergency room"),
    ),
    Story(
        "Vera",
        "Varga",
        "1994-07-01",
        "came, but nothing was given",
        not_given(1, "Infection. Fever since the morning"),
    ),
    Story(
        "Will",
        "Wagner",
        "1976-01-31",
        "stopped half-way, the rest is still to come",
        stopped_half_way(Disposition.COMPLETE_REMAINDER),
    ),
    Story("Yuki", "Yamada", "1989-11-20", "moved here, month known only", moved_here(100)),
    Story("Abel", "Amsel", "1989-05-19", "hepatitis B is not on record", hepatitis_missing()),
    Story("Britt", "Bauer", "1984-08-27", "the approval has ended", approval_ended(28)),
)


def build(now: dt.datetime) -> Clinic:
    """Make the demo clinic and its people as of `now` (aware UTC), all or nothing."""
    with transaction.atomic():
        clinic = Clinic.objects.create(
            name="Harbor Clinic",
            slug=SLUG,
            time_zone="America/New_York",
            phone="(201) 555-0100",
            hours="weekdays 8 a.m. to 5 p.m.",
            address="1 Harbor Street, Springfield",
        )
        staff = Clinicians(clinic, now)
        staff.decide()
        for number, story in enumerate(STORIES, start=1):
            story.tell(staff, staff.enter(story, number))
    return clinic


def remove() -> None:
    """Take the demo clinic and all that belongs to it out of the database."""
    with transaction.atomic():
        clinic = Clinic.objects.filter(slug=SLUG).first()
        if clinic is None:
            return
        people = User.objects.filter(patients__clinic=clinic) | User.objects.filter(
            memberships__clinic=clinic
        )
        ids = list(people.values_list("pk", flat=True))
        # A demo's trail goes with the demo; a real clinic's never does.
        Entry.objects.filter(clinic=clinic).delete()
        Patient.objects.filter(clinic=clinic).delete()
        clinic.delete()
        User.objects.filter(pk__in=ids).delete()
