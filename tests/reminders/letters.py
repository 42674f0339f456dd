"""Every mail there is, made of records that no database holds."""

import datetime as dt
from dataclasses import dataclass
from html.parser import HTMLParser

import pytest

from ocrevus_tracker.accounts.models import Clinic, Membership, StaffInvitation, User
from reminders import emails
from reminders.models import Helper, Kind, Level, Preference, Reminder
from schedules.models import Appointment, Course, Patient, PatientInvitation
from tests.cast import NEW_YORK, NOW, TODAY, days

LANGUAGES = ("en", "es")
# Days from TODAY to the due date at which each kind fits.
DUE_IN = {
    Kind.BOOK_1: 60,
    Kind.BOOK_2: 30,
    Kind.BOOK_3: 10,
    Kind.SECOND_VISIT: 10,
    Kind.OVERDUE_1: -5,
    Kind.OVERDUE_2: -36,
    Kind.OVERDUE_3: -50,
}
INVITES = (Kind.HELPER_INVITE, Kind.PATIENT_INVITE)
TO_STAFF = (Kind.STAFF_INVITE, Kind.DIGEST)
VISITS = (Kind.BOOKED, Kind.CHANGED, Kind.CANCELLED, Kind.PREPARE, Kind.DAY_BEFORE)
VISIT_AT = dt.datetime(2026, 3, 17, 9, tzinfo=NEW_YORK)
TOLD_VISIT_AT = dt.datetime(2026, 3, 16, 13, 30, tzinfo=NEW_YORK)


@dataclass(frozen=True)
class Sample:
    """Which mail: what, in which language, at which level, to the patient or to a helper."""

    kind: Kind
    language: str = "en"
    level: Level = Level.DATE
    to_helper: bool = False

    def __str__(self) -> str:
        copy = "-copy" if self.to_helper else ""
        return f"{self.kind.value}-{self.language}-{self.level.value}{copy}"


def everything() -> list[Sample]:
    """All kinds, in each language, at each level, and as a copy where there are copies."""
    samples = [
        Sample(kind, language, level, to_helper)
        for kind in Kind
        if kind not in TO_STAFF
        for language in LANGUAGES
        for level in Level
        for to_helper in (False, True)
        if not (kind in INVITES and to_helper)
    ]
    return [*samples, *(Sample(kind) for kind in TO_STAFF)]


def by_kind(**only) -> pytest.MarkDecorator:
    """One test for each kind: all its `samples`, or those with these fields."""
    wanted = [
        one
        for one in everything()
        if all(getattr(one, name) == value for name, value in only.items())
    ]
    kinds = dict.fromkeys(one.kind for one in wanted)
    groups = [[one for one in wanted if one.kind == kind] for kind in kinds]
    return pytest.mark.parametrize("samples", groups, ids=[kind.value for kind in kinds])


def clinic(**fields) -> Clinic:
    fields = {
        "pk": 3,
        "name": "Harbor Clinic",
        "time_zone": "America/New_York",
        "phone": "(555) 010-0142",
        "hours": "8 a.m. to 5 p.m.",
        "address": "12 Shore Road, Harbor",
    } | fields
    return Clinic(**fields)


def patient(sample: Sample | None = None, **fields) -> Patient:
    sample = sample or Sample(Kind.BOOK_1)
    fields = {"clinic": clinic(), "given_name": "Ana", "email": "ana@example.org"} | fields
    made = Patient(pk=12, language=sample.language, **fields)
    Preference(patient=made, level=sample.level)  # the patient now has it
    return made


def helper(of: Patient, **fields) -> Helper:
    fields = {"name": "Leo", "email": "leo@example.org"} | fields
    return Helper(pk=5, patient=of, **fields)


def reminder(sample: Sample, *, helper_name: str = "Leo", due_on=None, **fields) -> Reminder:
    """The row of a mail, as `select_related` would bring it."""
    row: dict = {"kind": sample.kind.value, "message_id": "f" * 32, "due_on": TODAY}
    if sample.kind == Kind.DIGEST:
        user = User(name=fields.get("given_name", "Rosa"), email="rosa@harbor.test")
        return Reminder(member=Membership(user=user, clinic=clinic()), **row)
    if sample.kind == Kind.STAFF_INVITE:
        email = fields.get("email", "sam@example.org")
        made = StaffInvitation(clinic=clinic(), email=email, role="nurse", seed="5eed")
        return Reminder(staff_invitation=made, **row)
    of = patient(sample, **fields)
    if sample.kind == Kind.HELPER_INVITE or sample.to_helper:
        row |= {"helper": (one := helper(of, name=helper_name)), "recipient": one.recipient}
    if sample.kind == Kind.PATIENT_INVITE:
        row["patient_invitation"] = PatientInvitation(patient=of, email=of.email, seed="5eed")
    if sample.kind in INVITES:
        return Reminder(patient=of, **row)
    due_on = due_on or TODAY + days(DUE_IN.get(sample.kind, 150))
    course = Course(pk=7, patient=of, next_due_on=due_on)
    row |= {"due_on": due_on, "course": course} | _more(sample.kind, course)
    return Reminder(patient=of, **row)


def _more(kind: Kind, course: Course) -> dict:
    told = Reminder(course=course, told_due_on=TODAY + days(160), visit_at=TOLD_VISIT_AT)
    more: dict = {}
    if kind in VISITS:
        visit = Appointment(course=course, starts_at=VISIT_AT)
        more = {"appointment": visit, "visit_at": VISIT_AT, "due_on": VISIT_AT.date()}
    if kind in {Kind.CHANGED, Kind.CANCELLED, Kind.DATE_MOVED}:
        more["corrects"] = told
    return more


def letter(sample: Sample, **fields) -> emails.Letter:
    return emails.compose(reminder(sample, **fields), now=NOW)


class Words(HTMLParser):
    """The visible words of a page by tag, and its tags."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.inside: list[str] = []
        self.words: dict[str, str] = {}
        self.links: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.inside.append(tag)
        self.links += [value for name, value in attrs if name == "href"]

    def handle_endtag(self, tag):
        while self.inside and self.inside.pop() != tag:
            pass

    def handle_data(self, data):
        for tag in self.inside:
            self.words[tag] = self.words.get(tag, "") + data

    @property
    def preview(self) -> str:
        """What an inbox shows beside the subject."""
        return self.words["div"].strip().splitlines()[0]
