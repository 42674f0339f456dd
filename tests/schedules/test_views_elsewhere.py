"""History from before the patient came here: what is known, and finding out the rest."""

import datetime as dt
import uuid

import pytest

from schedules import actions
from schedules.models import Infusion
from tests.cast import NOW, TODAY, book, days, make_patient, signed_in

from .test_views_record import text

FIRST = dict(
    zip(("first_on_month", "first_on_day", "first_on_year"), ["3", "1", "2025"], strict=True)
)


def answers(known: str, month="3", day="15", year="2025", **changes) -> dict[str, str]:
    parts = {"given_on_month": month, "given_on_day": day, "given_on_year": year}
    return {"known": known, "entry_key": str(uuid.uuid4())} | parts | changes


@pytest.fixture
def nurse(clock, rosa):
    return signed_in(rosa)


@pytest.fixture
def address(ana) -> str:
    return f"/staff/patients/{ana.pk}/elsewhere/"


def rows(patient) -> list[tuple]:
    fields = ("given_on", "dose_mg", "day_known", "ordinal_known")
    return list(patient.course.infusions.filter(elsewhere=True).values_list(*fields))


MARCH_15 = dt.date(2025, 3, 15)


@pytest.mark.parametrize(
    ("sent", "known"),
    [
        (answers("last"), [(MARCH_15, 600, True, True)]),
        (answers("one"), [(MARCH_15, 300, True, False)]),
        (answers("month", day=""), [(dt.date(2025, 3, 1), 600, False, True)]),
        (answers("month", month="March", day=""), [(dt.date(2025, 3, 1), 600, False, True)]),
        (
            answers("both", **FIRST),
            [(dt.date(2025, 3, 1), 300, True, True), (MARCH_15, 300, True, True)],
        ),
    ],
)
def test_what_is_known_is_kept_once(nurse, address, ana, sent, known):
    nurse.post(address, sent, follow=True)
    assert "Already saved. We kept one copy." in text(nurse.post(address, sent, follow=True))
    assert rows(ana) == known


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({}, "Choose what is known"),
        (answers("last", day=""), "Enter the day too, or choose “only its month”"),
        (answers("last", "", "", ""), "Enter the date, or its month and year"),
        (answers("last", month=""), "must include a month"),
        (answers("last", "4", "1", "2026"), "today or in the past"),
        (answers("month", "4", "", "2026"), "today or in the past"),
        (answers("both"), "Enter the date of visit 1"),
        (answers("both", "2", "1", **FIRST), "Visit 1 must be before visit 2"),
        (answers("last", **FIRST), "Choose “Only the two first visits”, or empty this date"),
        (answers("wrong"), "Choose one of the answers"),
    ],
)
def test_what_does_not_fit_is_explained(nurse, address, ana, sent, words):
    page = nurse.post(address, sent)
    assert page.status_code == 200
    assert words in text(page)
    assert rows(ana) == []


def test_a_day_that_is_taken_is_refused(nurse, address, ana):
    nurse.post(address, answers("last"))
    page = text(nurse.post(address, answers("last")))
    assert "An infusion is already recorded for March 15, 2025." in page


def test_a_booked_visit_stays_and_is_named(nurse, address, ana, rosa):
    book(ana.course, rosa, TODAY + days(3))
    page = text(nurse.post(address, answers("last"), follow=True))
    assert "Saved. Ana's next infusion is due around September 15, 2025." in page
    assert "The visit on March 15, 2026 stays booked: check that it still fits." in page


def test_only_what_the_regimen_has_is_asked(nurse, harbor, rosa):
    for code, known in (("ocrevus-sc", ["last", "month"]), ("briumvi", ["last", "both", "month"])):
        patient = make_patient(harbor, rosa, "Abe", regimen_code=code)
        form = nurse.get(f"/staff/patients/{patient.pk}/elsewhere/").context["form"]
        assert [value for value, _label in form.fields["known"].choices] == known


def test_a_stranger_finds_nothing(clock, nils, address):
    assert signed_in(nils).get(address).status_code == 404


class TestFindingOut:
    @pytest.fixture
    def there(self, nurse, address, ana):
        def told(known: str, day: str) -> str:
            nurse.post(address, answers(known, day=day))
            row = Infusion.objects.latest("pk")
            return f"/staff/patients/{ana.pk}/infusions/{row.pk}/decide/"

        return told

    def found(self, **changes) -> dict[str, str]:
        parts = {"given_on_month": "3", "given_on_day": "20", "given_on_year": "2025"}
        return parts | changes

    def test_the_day(self, nurse, ana, there):
        decide = there("month", "")
        assert "given elsewhere in March 2025. Nobody knew the day." in text(nurse.get(decide))
        assert "Complete the history" in text(nurse.get(f"/staff/patients/{ana.pk}/"))
        page = nurse.post(decide, self.found(), follow=True)
        assert "Ana's next infusion is due around September 20, 2025." in text(page)
        again = nurse.post(decide, self.found(), follow=True)
        assert "This was put right already." in text(again)

    def test_that_it_was_visit_1(self, nurse, ana, there):
        decide = there("one", "15")
        assert "Choose which one it was" in text(nurse.post(decide, self.found()))
        page = nurse.post(decide, self.found(which="first"), follow=True)
        assert "due around April 3, 2025" in text(page)

    def test_that_it_was_visit_2(self, nurse, ana, there):
        decide = there("one", "15")
        second = self.found(which="second")
        assert "Enter the date of visit 1" in text(nurse.post(decide, second))
        wrong = self.found(which="first", **FIRST)
        assert "Choose “Visit 2”, or empty this date" in text(nurse.post(decide, wrong))
        page = nurse.post(decide, second | FIRST, follow=True)
        assert "due around September 1, 2025" in text(page)

    def test_what_is_impossible_is_refused(self, nurse, there):
        decide = there("one", "15")
        late = self.found(which="second", **FIRST | {"first_on_month": "4"})
        assert "Visit 1 must be before visit 2." in text(nurse.post(decide, late))


@pytest.mark.parametrize(
    ("told", "found"),
    [
        (actions.Told(dt.date(2026, 3, 1), 600, day_known=False), {}),
        (actions.Told(dt.date(2026, 3, 1), 300, ordinal_known=False), {"first_on": TODAY}),
    ],
)
def test_the_day_found_out_may_lie_after_the_day_it_was_told_on(ana, rosa, told, found):
    actions.record_elsewhere(course=ana.course, actor=rosa, now=NOW, doses=[told])
    infusion = ana.course.infusions.get()
    later = TODAY + days(14)
    actions.complete_history(
        infusion=infusion, actor=rosa, now=NOW + days(15), given_on=later, **found
    )
    infusion.refresh_from_db()
    assert (infusion.given_on, infusion.recorded_on) == (later, later)
