"""Recording checks, what they keep from being booked, and that they never move a date."""

import datetime as dt
import uuid

import pytest

from ocrevus_tracker.audit.models import Entry
from schedules import actions
from schedules.engine.screening import CHECKS
from schedules.models import Appointment, CheckInterval, Course, Screening
from schedules.readiness import gates, monitoring
from tests.cast import NOW, TODAY, book, days, give, signed_in
from tests.schedules.test_views_record import kept, text
from tests.schedules.test_views_visits import answers as visit_answers

HARD_AT_BOOKING = [check.code for check in CHECKS if check.hard and not check.valid_for]


def answer(patient, actor, code: str, *, days_ago: int = 1, now=NOW, **facts) -> Screening:
    """Record that a check was done some days ago; with a note where it was not needed."""
    done_on = patient.clinic.local_date(now) - days(days_ago)
    facts = {"status": "done", "done_on": done_on} | facts
    return actions.record_screening(patient=patient, actor=actor, now=now, check_code=code, **facts)


def answer_all(patient, actor, **facts) -> None:
    """Every check that a first dose waits for when it is booked."""
    for code in HARD_AT_BOOKING:
        answer(patient, actor, code, **facts)


def stored(course: Course) -> dict:
    return Course.objects.filter(pk=course.pk).values().get()


class TestRecord:
    def test_an_answer_is_kept_with_its_author_and_on_the_trail(self, ana, rosa):
        saved = answer(ana, rosa, "hepatitis-b", note="HBsAg and anti-HBc negative")
        assert (saved.recorded_by, saved.recorded_at) == (rosa, NOW)
        assert Entry.objects.filter(act="record check", subject=f"screening {saved.pk}").exists()

    def test_no_answer_moves_a_date(self, ben, rosa):
        """R17: not the stored one, not the forecast, not the version that reminders hang on."""
        before, forecast = stored(ben.course), ben.course.forecast(TODAY)
        for check in CHECKS:
            answer(ben, rosa, check.code, finding="not-clear", expires_on=TODAY)
        actions.void_screening(screening=Screening.objects.first(), actor=rosa, now=NOW)
        assert stored(ben.course) == before
        assert ben.course.forecast(TODAY) == forecast

    def test_the_same_form_twice_is_one_answer(self, ana, rosa):
        key = uuid.uuid4()
        first = answer(ana, rosa, "liver", entry_key=key)
        assert answer(ana, rosa, "liver", entry_key=key) == first
        assert Screening.objects.count() == 1

    def test_a_form_of_another_patient_is_refused(self, ana, ben, rosa):
        key = uuid.uuid4()
        answer(ana, rosa, "liver", entry_key=key)
        with pytest.raises(actions.UnableToRecordCheck, match="for another record"):
            answer(ben, rosa, "liver", entry_key=key)

    @pytest.mark.parametrize(
        ("code", "facts", "words"),
        [
            ("tarot", {}, "not known here"),
            ("liver", {"days_ago": -1}, "today or in the past"),
            ("liver", {"expires_on": TODAY - days(2)}, "must not be before"),
            ("liver", {"status": "not-needed"}, "Write why"),
            ("hepatitis-b", {"status": "not-needed", "note": "No"}, "Everybody needs"),
        ],
    )
    def test_what_cannot_be_is_refused(self, ana, rosa, code, facts, words):
        with pytest.raises(actions.UnableToRecordCheck, match=words):
            answer(ana, rosa, code, **facts)
        assert not Screening.objects.exists()

    def test_what_was_not_looked_at_found_nothing(self, ana, rosa):
        facts = {"status": "not-needed", "note": "Not possible", "finding": "not-clear"}
        assert answer(ana, rosa, "pregnancy", **facts).finding == "clear"

    def test_a_mistake_stays_on_record_and_the_one_before_stands(self, ana, rosa):
        answer_all(ana, rosa, days_ago=5)
        wrong = answer(ana, rosa, "liver", finding="not-clear")
        assert [one.check.code for one in gates(ana.course, day=TODAY, today=TODAY)] == ["liver"]
        actions.void_screening(screening=wrong, actor=rosa, now=NOW)
        assert gates(fresh(ana.course), day=TODAY, today=TODAY) == []
        assert Screening.objects.filter(pk=wrong.pk, voided_at=NOW).exists()
        with pytest.raises(actions.UnableToRecordCheck, match="already"):
            actions.void_screening(screening=wrong, actor=rosa, now=NOW)


def fresh(course: Course) -> Course:
    return Course.objects.get(pk=course.pk)


def at_the_gate(course: Course, day: dt.date = TODAY) -> dict[str, str]:
    return {one.check.code: one.status for one in gates(fresh(course), day=day, today=TODAY)}


class TestGates:
    def test_a_first_dose_waits_for_every_hard_check(self, ana):
        assert at_the_gate(ana.course) == dict.fromkeys(HARD_AT_BOOKING, "needed")

    def test_none_is_left_when_all_are_done(self, ana, rosa):
        answer_all(ana, rosa)
        assert at_the_gate(ana.course) == {}

    def test_not_needed_with_a_reason_is_as_good(self, ana, rosa):
        answer_all(ana, rosa)
        answer(ana, rosa, "pregnancy", status="not-needed", note="Not possible", days_ago=0)
        assert at_the_gate(ana.course) == {}

    def test_an_approval_must_hold_on_the_day_of_the_visit(self, ana, rosa):
        answer_all(ana, rosa)
        answer(ana, rosa, "authorization", expires_on=TODAY + days(9), days_ago=0)
        assert at_the_gate(ana.course, TODAY + days(9)) == {}
        assert at_the_gate(ana.course, TODAY + days(10)) == {"authorization": "expired"}

    def test_once_the_first_visit_is_booked_the_second_is_not_asked_about(self, ana, rosa):
        book(ana.course, rosa, TODAY + days(3))
        assert at_the_gate(ana.course) == {}

    def test_later_doses_wait_for_what_has_run_out_or_speaks_against_them(self, ben, rosa):
        assert at_the_gate(ben.course) == {}
        answer(ben, rosa, "authorization", days_ago=9, expires_on=TODAY - days(1))
        answer(ben, rosa, "immunoglobulins", finding="not-clear")
        assert at_the_gate(ben.course) == {
            "authorization": "expired",
            "immunoglobulins": "not_clear",
        }

    def test_a_clinic_may_leave_the_approval_out_but_not_hepatitis_b(self, ana, harbor):
        for code in ("authorization", "hepatitis-b"):
            CheckInterval.objects.create(clinic=harbor, check_code=code, in_use=False)
        assert set(HARD_AT_BOOKING) - set(at_the_gate(ana.course)) == {"authorization"}

    def test_an_infection_of_this_week_rules_a_visit_out_and_is_a_question_later(self, ben, rosa):
        answer(ben, rosa, "infection", finding="not-clear", days_ago=0)
        with pytest.raises(actions.UnableToBook, match="Infection check speaks against"):
            book(ben.course, rosa, TODAY + days(7), reason="x", despite="y")
        assert at_the_gate(ben.course, TODAY + days(29)) == {"infection": "not_clear"}
        assert book(ben.course, rosa, TODAY + days(29))

    def test_nobody_books_or_moves_a_visit_against_active_hepatitis_b(self, ana, rosa, priya):
        visit = book(ana.course, rosa, TODAY + days(20))
        answer(ana, rosa, "hepatitis-b", finding="not-clear")
        starts_at = visit.starts_at + days(1)
        with pytest.raises(actions.UnableToBook, match="Record a better result first"):
            book(ana.course, priya, TODAY + days(30), reason="x", despite="y")
        with pytest.raises(actions.UnableToBook, match="Hepatitis B speaks against"):
            actions.move_visit(visit=visit, actor=priya, now=NOW, starts_at=starts_at, reason="x")

    def test_after_a_lapse_the_baseline_is_run_again(self, ben, rosa):
        answer_all(ben, rosa, days_ago=200)
        assert gates(fresh(ben.course), day=TODAY, today=TODAY) == []
        later = TODAY + days(400)
        lacking = [one.check.code for one in gates(fresh(ben.course), day=later, today=later)]
        assert lacking == HARD_AT_BOOKING


class TestBookingPage:
    @pytest.fixture
    def nurse(self, clock, rosa):
        return signed_in(rosa)

    @pytest.fixture
    def address(self, ana) -> str:
        return f"/staff/patients/{ana.pk}/book/"

    def test_one_page_names_all_that_is_missing(self, nurse, address):
        page = nurse.post(address, visit_answers())
        assert "Not ready yet" in text(page)
        for check in CHECKS:
            assert (f"screening/{check.code}/?then=book" in text(page)) is (
                check.code in HARD_AT_BOOKING
            )
        assert not Appointment.objects.exists()

    def test_a_nurse_books_anyway_with_a_reason_that_goes_on_the_trail(self, nurse, address, rosa):
        page = nurse.post(address, visit_answers())
        nurse.post(address, kept(page) | {"anyway": "1", "despite": "Results are on paper"})
        visit = Appointment.objects.get()
        entry = Entry.objects.get(act="book visit", subject=f"appointment {visit.pk}")
        assert (entry.actor, entry.reason) == (rosa, "Results are on paper")

    def test_without_a_reason_it_asks_for_one(self, nurse, address):
        page = nurse.post(address, visit_answers())
        page = nurse.post(address, kept(page) | {"anyway": "1", "despite": "  "})
        assert "Write why the visit can be booked now" in text(page)
        assert not Appointment.objects.exists()

    def test_a_reason_given_for_nothing_is_no_reason_to_stop(self, nurse, address, ana, rosa):
        answer_all(ana, rosa)
        nurse.post(address, visit_answers())
        assert Appointment.objects.count() == 1

    def test_a_second_tap_is_not_asked(self, nurse, ben, rosa):
        answer(ben, rosa, "authorization", days_ago=9, expires_on=TODAY)
        here, sent = f"/staff/patients/{ben.pk}/book/", visit_answers()
        nurse.post(here, sent | {"despite": "Renewed"})
        assert nurse.post(here, sent).status_code == 302
        assert Appointment.objects.count() == 1

    def test_choosing_another_date_keeps_what_was_typed(self, nurse, address):
        page = nurse.post(address, visit_answers(5, 29, time="2 pm"))
        form = nurse.post(address, kept(page) | {"fix": "1"}).context["form"]
        assert (form["day"].value(), form["time"].value()) == (["5", "29", "2026"], "2 pm")

    def test_other_questions_stand_on_the_same_page(self, nurse, ben, rosa):
        answer(ben, rosa, "authorization", days_ago=9, expires_on=TODAY)
        here = f"/staff/patients/{ben.pk}/book/"
        page = nurse.post(here, visit_answers(4, 30))
        assert "20 days after the due date" in text(page)
        nurse.post(here, kept(page) | {"anyway": "1", "despite": "Renewed"})
        assert Appointment.objects.count() == 1

    def test_active_hepatitis_b_leaves_no_way_on(self, nurse, address, ana, rosa):
        answer(ana, rosa, "hepatitis-b", finding="not-clear")
        sent = visit_answers() | {"anyway": "1", "despite": "I want to"}
        page = nurse.post(address, sent)
        assert "No visit can be booked on this day" in text(page)
        assert "Book anyway" not in text(page)
        assert not Appointment.objects.exists()


class TestScreenPage:
    @pytest.fixture
    def nurse(self, clock, rosa):
        return signed_in(rosa)

    def sent(self, **changes) -> dict[str, str]:
        facts = {"status": "done", "finding": "clear", "done_on_choice": "today", "note": ""}
        return facts | {"entry_key": str(uuid.uuid4())} | changes

    def here(self, patient, code: str = "liver") -> str:
        return f"/staff/patients/{patient.pk}/screening/{code}/"

    def test_a_routine_answer_needs_the_button_alone(self, nurse, ana):
        form = nurse.get(self.here(ana)).context["form"]
        assert form.initial == {"status": "done", "finding": "clear", "done_on": TODAY}
        page = nurse.post(self.here(ana), self.sent(), follow=True)
        assert page.redirect_chain == [(f"/staff/patients/{ana.pk}/", 302)]
        assert "Saved: Liver tests." in text(page)
        assert "Done March 12, 2026" in text(page)

    def test_from_the_booking_it_leads_back_there(self, nurse, ana):
        page = nurse.post(self.here(ana) + "?then=book", self.sent())
        assert page.url == f"/staff/patients/{ana.pk}/book/"

    def test_a_second_tap_says_so(self, nurse, ana, clock):
        sent = self.sent()
        nurse.post(self.here(ana), sent, follow=True)
        clock.move_to(NOW + dt.timedelta(seconds=2), tick=False)
        assert "We kept one copy: Liver tests." in text(
            nurse.post(self.here(ana), sent, follow=True)
        )

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"status": "not-needed"}, "Write why it is not needed"),
            ({"status": "maybe"}, "Choose one of the answers"),
            ({"finding": ""}, "Choose an answer for “What did it find?”"),
            ({"done_on_choice": ""}, "Choose the date"),
            (
                {
                    "done_on_choice": "other",
                    "done_on_month": "3",
                    "done_on_day": "13",
                    "done_on_year": "2026",
                },
                "must be today or in the past",
            ),
            (
                {"expires_on_month": "3", "expires_on_day": "11", "expires_on_year": "2026"},
                "must not be before the date of the check",
            ),
            ({"note": "x\x00"}, "cannot be shown"),
            ({"note": "x" * 501}, "500 characters"),
            ({"entry_key": ""}, "This page was open for a long time"),
        ],
    )
    def test_bad_input_is_explained(self, nurse, ana, changes, words):
        page = nurse.post(self.here(ana), self.sent(**changes))
        assert page.status_code == 200
        assert words in text(page)
        assert not Screening.objects.exists()

    def test_everybody_needs_hepatitis_b(self, nurse, ana):
        here = self.here(ana, "hepatitis-b")
        assert "Not needed" not in text(nurse.get(here))
        nurse.post(here, self.sent(status="not-needed", note="No"))
        assert Screening.objects.get().status == "done"

    def test_an_unknown_check_and_a_strangers_patient_are_not_found(self, nurse, ana, nils):
        assert nurse.get(self.here(ana, "tarot")).status_code == 404
        stranger = signed_in(nils)
        assert stranger.get(self.here(ana)).status_code == 404
        assert stranger.post(self.here(ana), self.sent()).status_code == 404
        assert not Screening.objects.exists()

    def test_a_mistake_is_taken_back_once_and_twice(self, nurse, ana, rosa):
        here = f"{self.here(ana, str(answer(ana, rosa, 'liver').pk))}void/"
        for _tap in range(2):
            page = nurse.post(here, follow=True)
            assert "Taken back." in text(page)
            assert "By mistake" in text(page)
        assert not Screening.objects.counting().exists()

    def test_nobody_takes_back_another_patients_answer(self, nurse, ana, ben, rosa, nils):
        saved = answer(ana, rosa, "liver")
        path = f"screening/{saved.pk}/void/"
        assert nurse.post(f"/staff/patients/{ben.pk}/{path}").status_code == 404
        assert signed_in(nils).post(f"/staff/patients/{ana.pk}/{path}").status_code == 404
        assert nurse.get(f"/staff/patients/{ana.pk}/{path}").status_code == 405
        assert Screening.objects.counting().exists()


class TestPatientPage:
    @pytest.fixture
    def page(self, clock, rosa):
        def get(patient) -> str:
            return text(signed_in(rosa).get(f"/staff/patients/{patient.pk}/"))

        return get

    def test_each_check_says_where_it_stands(self, page, ana, rosa):
        answer(ana, rosa, "hepatitis-b")
        answer(ana, rosa, "liver", finding="not-clear", note="ALT 5 times the limit")
        answer(ana, rosa, "authorization", days_ago=60, expires_on=TODAY - days(1))
        answer(ana, rosa, "pregnancy", status="not-needed", note="Not possible")
        shown = page(ana)
        for words in (
            "Done March 11, 2026",
            "Speaks against it",
            "ALT 5 times the limit",
            "Expired March 11, 2026",
            "Not needed",
            "Not possible",
            "Needed",
            "On the day",
        ):
            assert words in shown

    def test_the_vaccine_days_hang_off_the_first_dose(self, page, ana, rosa):
        assert "Live vaccines by" not in page(ana)
        book(ana.course, rosa, dt.date(2026, 5, 11))
        assert "Live vaccines by April 13, 2026, others by April 27, 2026." in page(ana)

    def test_a_first_dose_whose_day_has_passed_gives_no_vaccine_days(self, page, ben, rosa, clock):
        clock.move_to(NOW + days(240), tick=False)
        assert "The treatment has lapsed." in page(ben)
        assert "Live vaccines by" not in page(ben)
        book(ben.course, rosa, dt.date(2026, 12, 14), now=NOW + days(240))
        assert "Live vaccines by November 16, 2026" in page(ben)

    def test_an_approval_that_ends_before_the_visit_says_so(self, page, ben, rosa):
        answer(ben, rosa, "authorization", expires_on=TODAY + days(1))
        assert "Ends March 13, 2026, before the visit" in page(ben)

    def test_checks_during_treatment_hang_off_the_next_dose(self, page, ben, rosa):
        answer(ben, rosa, "cbc", days_ago=200)
        shown = page(ben)
        assert "March 13, 2026 to March 27, 2026" in shown
        assert "As your guideline says" in shown

    def test_what_should_have_been_done_is_to_be_done_now(self, page, ben, clock):
        clock.move_to(dt.datetime(2026, 3, 27, 15, tzinfo=dt.UTC), tick=False)
        assert "Now, before the next dose" not in page(ben)
        clock.move_to(dt.datetime(2026, 3, 28, 15, tzinfo=dt.UTC), tick=False)
        assert "Now, before the next dose" in page(ben)

    def test_what_is_on_record_though_nothing_waits_for_it_is_shown(self, page, ben, rosa):
        answer(ben, rosa, "hepatitis-b", days_ago=3)
        assert "Done March 9, 2026" in page(ben)


def windows(course: Course) -> dict[str, object]:
    found = monitoring(fresh(course), course.forecast(TODAY))
    return {one.check.code: one.window and one.window[0] for one in found}


def test_a_clinic_has_its_own_intervals(harbor, ben, rosa):
    """Ben is due on April 10 and October 10, 2026."""
    answer(ben, rosa, "cbc", days_ago=180)
    CheckInterval.objects.create(clinic=harbor, check_code="cbc", every_months=12)
    CheckInterval.objects.create(clinic=harbor, check_code="mri", in_use=False)
    assert windows(ben.course) == {
        "immunoglobulins": dt.date(2026, 3, 13),
        "liver": dt.date(2026, 3, 13),
        "cbc": dt.date(2026, 9, 12),
        "breast-screening": None,
    }


def test_nothing_comes_back_before_treatment_or_after_it(ana, ben, rosa):
    assert windows(ana.course) == {}
    give(ben.course, rosa, TODAY, 250, now=NOW, outcome="partial")
    assert windows(ben.course) == {}
