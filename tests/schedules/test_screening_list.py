"""Who needs screening: the list, and that it says what the patient's page says."""

import pytest

from schedules import actions, worklists
from schedules.models import CheckInterval, Course, Patient, Restart, Screening
from schedules.screening_list import courses_to_screen, open_checks
from tests.cast import NOW, TODAY, book, days, give, make_patient
from tests.schedules.test_screening import HARD_AT_BOOKING, answer_all


def listed(*clinics) -> list[Course]:
    return list(courses_to_screen({clinic: clinic.local_date(NOW) for clinic in clinics}))


def test_it_is_a_list_of_its_own(harbor, ben):
    assert list(worklists.LISTS) == ["today", "late", "due", "screening", "check"]
    counted = worklists.counts([harbor], NOW)["screening"]
    page = worklists.page_of("screening", [harbor], NOW, count=counted, number=None)
    (row,) = page.object_list
    assert (row.word, row.step_label) == ("Needed: Insurance approval", "Review")


def test_new_people_wait_for_their_checks_and_then_leave(harbor, ana, rosa):
    assert listed(harbor) == [ana.course]
    answer_all(ana, rosa)
    assert listed(harbor) == []


@pytest.mark.parametrize(("weeks", "is_listed"), [(42, True), (43, False)])
def test_six_weeks_ahead_and_no_further(harbor, rosa, ana, weeks, is_listed):
    answer_all(ana, rosa, expires_on=TODAY)
    book(ana.course, rosa, TODAY + days(weeks))
    assert (ana.course in listed(harbor)) is is_listed


def test_a_hold_and_an_end_take_people_off(harbor, rosa, ana, ben):
    actions.start_hold(
        course=ana.course, actor=rosa, now=NOW, reason="infection", starts_on=TODAY, ends_on=None
    )
    Course.objects.filter(pk=ben.course.pk).update(stopped_on=TODAY)
    assert listed(harbor) == []


def test_each_clinic_goes_by_its_own_rules_and_date(harbor, hill, ben, nils):
    CheckInterval.objects.create(clinic=harbor, check_code="authorization", in_use=False)
    abe = make_patient(hill, nils, "Abe")
    give(abe.course, nils, TODAY - days(180))
    assert listed(harbor, hill) == [abe.course]


# -- The same answer as the page's ---------------------------------------------


def answers(days_ago: int = 5, **others: dict) -> list[dict]:
    """All checks done some days ago; then, by code, what else is on record."""
    done = [{"check_code": code, "days_ago": days_ago} for code in HARD_AT_BOOKING]
    more = [{"check_code": code.replace("_", "-")} | facts for code, facts in others.items()]
    return [*done, *more]


AGAINST = {"finding": "not-clear"}
ON_RECORD = {
    "nothing": [],
    "all done": answers(),
    "ends before the dose": answers(authorization={"expires_on": TODAY + days(3)}),
    "not needed": answers(pregnancy={"status": "not-needed", "note": "Not possible", **AGAINST}),
    "hepatitis B is active": answers(hepatitis_b=AGAINST),
    "an infection": answers(infection=AGAINST),
    "an infection of long ago": answers(infection=AGAINST | {"days_ago": 200}),
    "better news": [*answers(hepatitis_b=AGAINST), {"check_code": "hepatitis-b"}],
    "bad news of an earlier day": answers(liver=AGAINST | {"days_ago": 50}),
    "bad news, taken back": answers(liver=AGAINST | {"voided_at": NOW}),
    "good news, taken back": [*answers(liver=AGAINST), {"check_code": "liver", "voided_at": NOW}],
    "long ago": answers(days_ago=600),
}


def put_on_record(patients, nurse, answered: list[dict]) -> None:
    """These answers and no others, for everybody."""
    Screening.objects.all().delete()
    facts = {"status": "done", "recorded_by": nurse, "recorded_at": NOW}
    Screening.objects.bulk_create(
        Screening(patient=one, done_on=TODAY - days(told.get("days_ago", 1)), **facts | rest(told))
        for one in patients
        for told in answered
    )


def rest(told: dict) -> dict:
    return {name: fact for name, fact in told.items() if name != "days_ago"}


def new(course, nurse) -> None:
    """Nothing given, nothing booked."""


def visit_1_booked(course, nurse) -> None:
    book(course, nurse, TODAY + days(10))


def between_visits(course, nurse) -> None:
    give(course, nurse, TODAY - days(7), 300)


def on_maintenance(course, nurse) -> None:
    give(course, nurse, TODAY - days(170))


def lapsed(course, nurse) -> None:
    give(course, nurse, TODAY - days(500))


def restarted(choice):
    def tell(course, nurse) -> None:
        lapsed(course, nurse)
        Restart.objects.create(
            course=course, chosen_on=TODAY, choice=choice, chosen_by=nurse, recorded_at=NOW
        )
        course.store_forecast(TODAY)
        if choice == "split":
            book(course, nurse, TODAY + days(5))

    return tell


COURSES = [
    new,
    visit_1_booked,
    between_visits,
    on_maintenance,
    lapsed,
    restarted("single"),
    restarted("split"),
]


@pytest.fixture
def patients(harbor, rosa) -> list[Patient]:
    """One in each situation."""
    found = []
    for tell in COURSES:
        found.append(make_patient(harbor, rosa, now=NOW - days(700)))
        tell(found[-1].course, rosa)
    return found


@pytest.mark.parametrize("asked_always", [False, True])
def test_the_list_says_what_the_page_says(harbor, rosa, patients, asked_always):
    """For every course, whatever is on record and whatever the clinic asks for."""
    if asked_always:
        CheckInterval.objects.create(clinic=harbor, check_code="pregnancy")
    for about, told in ON_RECORD.items():
        put_on_record(patients, rosa, told)
        on_list = listed(harbor)
        courses = Course.objects.with_history().prefetch_related(
            "patient__screenings", "patient__clinic__check_intervals"
        )
        waiting = {course for course in courses if open_checks(course, TODAY)}
        assert (about, set(on_list)) == (about, waiting)
