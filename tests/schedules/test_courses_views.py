"""The pages about the turns of a course."""

import datetime as dt

import pytest

from schedules import actions
from schedules.models import (
    ClinicRules,
    Course,
    Hold,
    Restart,
    RestartChoice,
    Screening,
    StopReason,
)
from tests.cast import NOW, TODAY, book, days, give, make_patient, signed_in
from tests.schedules.test_courses import LONG_AGO, reopen, restart, stop, switch
from tests.schedules.test_views_record import text

KEY = "6f1b9d1e-6d3f-4f0c-9b5e-1d2c3b4a5f60"
PAGES = ("stop", "reopen", "restart", "switch", "previous", "packet")
STOP = {"reason": "moved", "stopped_on_choice": "today", "note": "", "entry_key": KEY}
RESTART = {"choice": "split", "reason": "Agreed", "entry_key": KEY}
SWITCH = {
    "code": "ocrevus-sc",
    "switched_on_choice": "today",
    "reason": "Asked for",
    "entry_key": KEY,
}
PREVIOUS = {
    "drug": "natalizumab",
    "last_on_month": "1",
    "last_on_day": "5",
    "last_on_year": "2026",
    "entry_key": KEY,
}


@pytest.fixture
def nurse(rosa, clock):
    return signed_in(rosa)


@pytest.fixture
def prescriber(priya, clock):
    return signed_in(priya)


@pytest.fixture
def lapsed(harbor, rosa) -> Course:
    course = make_patient(harbor, rosa, "Lia").courses.get()
    give(course, rosa, LONG_AGO)
    return course


def url(patient, name: str) -> str:
    return f"/staff/patients/{patient.pk}/{name}/"


def current(patient) -> Course:
    return Course.objects.get(patient=patient, stopped_on=None)


class TestAccess:
    @pytest.mark.parametrize("name", PAGES)
    def test_strangers_find_nothing(self, ben, nils, mallory, clock, name):
        for user in (nils, mallory, ben.user):
            assert signed_in(user).get(url(ben, name)).status_code == 404
            assert signed_in(user).post(url(ben, name), STOP).status_code in {404, 405}
        assert Course.objects.get().stopped_on is None

    @pytest.mark.parametrize("name", PAGES)
    def test_nobody_without_a_course_breaks_a_page(self, nurse, ben, name):
        Course.objects.all().delete()
        assert nurse.get(url(ben, name)).status_code == 404


class TestStop:
    def test_it_lists_first_what_is_cancelled(self, nurse, ben, rosa):
        book(ben.course, rosa, TODAY + days(29))
        asked = nurse.post(url(ben, "stop"), STOP)
        assert "Friday, April 10, 2026" in text(asked)
        assert asked.content.decode().count("btn-primary") == 1
        assert Course.objects.get().stopped_on is None

    def test_the_kept_answers_stop_on_the_day_that_was_shown(self, nurse, ben, rosa, clock):
        book(ben.course, rosa, TODAY + days(29))
        kept = dict(nurse.post(url(ben, "stop"), STOP).context["stop"].kept())
        clock.move_to(NOW + days(1))
        signed_in(rosa, nurse)
        saved = nurse.post(url(ben, "stop"), kept | {"confirmed": "1"}, follow=True)
        assert saved.redirect_chain[-1][0] == url(ben, "packet")
        assert "Infusions are stopped. 1 visit is cancelled." in text(saved)
        assert Course.objects.get().stopped_on == TODAY

    def test_other_reasons_lead_back_to_the_patient(self, nurse, ben):
        answers = STOP | {"reason": "patient", "confirmed": "1"}
        assert nurse.post(url(ben, "stop"), answers).url == f"/staff/patients/{ben.pk}/"
        again = nurse.post(url(ben, "stop"), answers, follow=True)
        assert "Infusions are stopped." in text(again)

    def test_a_refusal_keeps_what_was_typed(self, nurse, ben, rosa):
        answers = STOP | {
            "stopped_on_choice": "other",
            "stopped_on_month": "10",
            "stopped_on_day": "9",
            "stopped_on_year": "2025",
            "note": "Gone to Hill",
            "confirmed": "1",
        }
        page = nurse.post(url(ben, "stop"), answers)
        assert "An infusion is recorded after this date." in text(page)
        assert "Gone to Hill" in text(page)

    def test_back_from_the_question_everything_is_still_there(self, nurse, ben):
        page = nurse.post(url(ben, "stop"), STOP | {"note": "Gone to Hill", "fix": "1"})
        assert "Gone to Hill" in text(page)
        assert "Check what follows" in text(page)

    def test_who_died_gets_no_more_mails(self, nurse, ben):
        asked = nurse.post(url(ben, "stop"), STOP | {"reason": "died"})
        assert "Email reminders are turned off" in text(asked)
        nurse.post(url(ben, "stop"), STOP | {"reason": "died", "confirmed": "1"})
        page = nurse.get(f"/staff/patients/{ben.pk}/")
        assert page.context["steps"] == []

    def test_a_stopped_course_is_not_stopped_again(self, nurse, ben, rosa):
        stop(ben.course, rosa)
        assert "stopped already" in text(nurse.get(url(ben, "stop"), follow=True))

    def test_the_patient_reads_the_date_and_never_the_reason(self, nurse, ben, rosa, clock):
        stop(ben.course, rosa, reason=StopReason.PREGNANCY, note="Has told nobody")
        page = text(signed_in(ben.user).get("/home/"))
        assert "Your infusions at this clinic stopped on March 12, 2026." in page
        assert "regnancy" not in page
        assert "Has told nobody" not in page


class TestReopen:
    def test_a_prescriber_reopens(self, prescriber, ben, rosa):
        stop(ben.course, rosa)
        answers = {"reason": "Entered by mistake", "entry_key": KEY}
        saved = prescriber.post(url(ben, "reopen"), answers, follow=True)
        assert "Infusions go on." in text(saved)
        assert "not stopped" in text(prescriber.post(url(ben, "reopen"), answers, follow=True))

    def test_after_a_long_gap_the_next_question_is_how(self, prescriber, lapsed, rosa):
        stop(lapsed, rosa)
        answers = {"reason": "Came back", "entry_key": KEY}
        reply = prescriber.post(url(lapsed.patient, "reopen"), answers)
        assert reply.url == url(lapsed.patient, "restart")

    def test_a_nurse_asks_a_prescriber(self, nurse, ben, rosa):
        stop(ben.course, rosa)
        page = nurse.get(url(ben, "reopen"))
        assert "Ask a prescriber." in text(page)
        assert "btn-primary" not in page.content.decode()
        nurse.post(url(ben, "reopen"), {"reason": "x", "entry_key": KEY})
        assert Course.objects.get().stopped_on == TODAY

    def test_after_a_life_threatening_reaction_nobody_can(self, prescriber, ben, priya):
        actions.end_for_good(ben.course, actor=priya, now=NOW, on=TODAY)
        page = prescriber.get(url(ben, "reopen"))
        assert "Only correcting the record of the reaction" in text(page)
        assert "btn-primary" not in page.content.decode()
        refused = prescriber.post(url(ben, "reopen"), {"reason": "x", "entry_key": KEY})
        assert refused.status_code == 200
        assert Course.objects.get().contraindicated
        shown = prescriber.get(f"/staff/patients/{ben.pk}/")
        assert "Stopped for good" in text(shown)
        assert shown.context["steps"] == []


class TestRestart:
    def test_both_plans_stand_beside_each_other(self, prescriber, lapsed):
        page = prescriber.get(url(lapsed.patient, "restart"))
        single, split = page.context["plans"]
        assert [(dose.on, dose.mg) for dose in single[1]] == [
            (TODAY, 600),
            (dt.date(2026, 9, 12), 600),
        ]
        assert [(dose.on, dose.mg) for dose in split[1]] == [
            (TODAY, 300),
            (dt.date(2026, 3, 26), 300),
            (dt.date(2026, 9, 12), 600),
        ]

    def test_they_count_from_a_booked_visit(self, prescriber, lapsed, rosa):
        book(lapsed, rosa, TODAY + days(8))
        page = prescriber.get(url(lapsed.patient, "restart"))
        assert "at the booked visit on March 20, 2026" in text(page)
        assert page.context["plans"][0][1][0].on == TODAY + days(8)

    def test_a_choice_is_saved_once(self, prescriber, lapsed, clock):
        saved = prescriber.post(url(lapsed.patient, "restart"), RESTART, follow=True)
        assert "Saved: a first dose in two parts again." in text(saved)
        assert "Chosen by Priya on March 12, 2026." in text(saved)
        clock.move_to(NOW + dt.timedelta(seconds=2))
        again = prescriber.post(url(lapsed.patient, "restart"), RESTART, follow=True)
        assert "Already saved." in text(again)
        assert Restart.objects.count() == 1

    def test_a_choice_can_be_changed_until_it_is_used(self, prescriber, lapsed, priya):
        restart(lapsed, priya, RestartChoice.SPLIT)
        assert "Chosen now" in text(prescriber.get(url(lapsed.patient, "restart")))

    def test_a_choice_waits_for_the_decision_about_what_came_to_light_after_it(
        self, prescriber, lapsed, priya
    ):
        restart(lapsed, priya, RestartChoice.SPLIT)
        told = actions.Told(LONG_AGO + days(40), 300, ordinal_known=False)
        actions.record_elsewhere(course=lapsed, actor=priya, now=NOW, doses=[told])
        for send in (prescriber.get, prescriber.post):
            page = send(url(lapsed.patient, "restart"), RESTART, follow=True)
            assert "waits for something" in text(page)

    def test_a_nurse_sees_the_plans_and_asks(self, nurse, lapsed):
        page = nurse.get(url(lapsed.patient, "restart"))
        assert "Ask a prescriber." in text(page)
        assert "btn-primary" not in page.content.decode()
        nurse.post(url(lapsed.patient, "restart"), RESTART)
        assert not Restart.objects.exists()

    def test_where_nothing_lapsed_there_is_nothing_to_choose(self, prescriber, ben):
        for reply in (
            prescriber.get(url(ben, "restart"), follow=True),
            prescriber.post(url(ben, "restart"), RESTART, follow=True),
        ):
            assert "There is nothing to choose" in text(reply)

    def test_a_stopped_course_is_reopened_first(self, prescriber, lapsed, rosa):
        stop(lapsed, rosa)
        assert prescriber.get(url(lapsed.patient, "restart")).url == url(lapsed.patient, "reopen")

    def test_it_is_the_next_step(self, nurse, lapsed):
        page = nurse.get(f"/staff/patients/{lapsed.patient_id}/")
        assert page.context["steps"][0][1] == "Choose how to restart"
        assert "The treatment has lapsed." in text(page)

    def test_the_patient_is_told_to_wait_for_a_new_first_dose(self, lapsed, priya, clock):
        restart(lapsed, priya, RestartChoice.SPLIT)
        page = text(signed_in(lapsed.patient.user).get("/home/"))
        assert "Getting ready to start" in page
        assert "first dose in two parts" in page
        book(lapsed, priya, TODAY + days(9))
        assert "Booked: visit 1 of 2" in text(signed_in(lapsed.patient.user).get("/home/"))


class TestSwitch:
    def test_the_dates_stand_before_and_after(self, prescriber, ben):
        page = prescriber.get(url(ben, "switch"))
        rows = page.context["rows"]
        assert {regimen.code for regimen, _dose in rows} == {
            "ocrevus-iv",
            "ocrevus-iv-24w",
            "ocrevus-sc",
        }
        by_code = {regimen.code: dose for regimen, dose in rows}
        assert by_code["ocrevus-sc"].due == by_code["ocrevus-iv"].due == dt.date(2026, 4, 10)
        assert by_code["ocrevus-sc"].dose_mg == 920
        assert "another time between doses" in text(page)

    def test_what_is_shown_is_what_comes(self, prescriber, ben, rosa):
        book(ben.course, rosa, TODAY + days(29))
        page = prescriber.get(url(ben, "switch"))
        shown = {regimen.code: dose for regimen, dose in page.context["rows"]}["ocrevus-sc"]
        saved = prescriber.post(url(ben, "switch"), SWITCH, follow=True)
        assert "Saved. Treatment goes on with: Ocrevus under the skin" in text(saved)
        course = current(ben)
        assert (course.next_due_on, course.next_dose_mg) == (shown.due, shown.dose_mg)
        assert "Ocrevus IV, every 6 months, until March 12, 2026" in text(saved)
        assert "October 10, 2025" in text(saved)
        assert len(saved.context["visits"]) == 1
        again = prescriber.post(url(ben, "switch"), SWITCH, follow=True)
        assert "Already saved." in text(again)
        assert Course.objects.filter(patient=ben).count() == 2

    def test_the_patient_still_sees_what_was_given_before(self, ben, priya, clock):
        switch(ben.course, priya)
        page = text(signed_in(ben.user).get("/home/"))
        assert "October 10, 2025" in page
        assert "Due around" in page

    def test_a_nurse_asks_a_prescriber(self, nurse, ben):
        page = nurse.get(url(ben, "switch"))
        assert "Ask a prescriber." in text(page)
        nurse.post(url(ben, "switch"), SWITCH)
        assert Course.objects.count() == 1

    def test_a_refusal_is_told(self, prescriber, ben, rosa):
        answers = SWITCH | {"switched_on_choice": "other", "switched_on_month": "10"}
        answers |= {"switched_on_day": "9", "switched_on_year": "2025"}
        page = prescriber.post(url(ben, "switch"), answers)
        assert "recorded after this date" in text(page)
        assert "Asked for" in text(page)

    def test_without_another_plan_it_says_so(self, prescriber, ben):
        ClinicRules.objects.create(clinic=ben.clinic, regimens=["ocrevus-iv", "briumvi"])
        assert "uses no other plan" in text(prescriber.get(url(ben, "switch")))
        assert prescriber.post(url(ben, "switch"), SWITCH).status_code == 200

    def test_a_half_given_first_dose_is_finished_first(self, prescriber, carla):
        assert "half given" in text(prescriber.get(url(carla, "switch")))

    def test_after_the_end_treatment_restarts_first(self, prescriber, ben, rosa):
        stop(ben.course, rosa)
        assert "Restart treatment first." in text(prescriber.get(url(ben, "switch"), follow=True))


class TestPrevious:
    def test_it_says_when_to_start(self, nurse, ana, clock):
        saved = nurse.post(url(ana, "previous"), PREVIOUS, follow=True)
        page = text(saved)
        assert "Natalizumab, last dose January 5, 2026" in page
        assert "February 2, 2026" in page  # 28 days
        assert "around February 16, 2026" in page  # 42 days
        assert "Exclude PML by MRI first." in page
        assert "More than 45 days since the last natalizumab dose." in page
        clock.move_to(dt.datetime(2026, 2, 19, 15, tzinfo=dt.UTC))  # the 45th day
        assert "More than 45 days" not in text(nurse.get(url(ana, "previous")))

    def test_once_treated_nobody_is_alarmed(self, nurse, ben):
        nurse.post(url(ben, "previous"), PREVIOUS)
        assert "More than 45 days" not in text(nurse.get(f"/staff/patients/{ben.pk}/"))

    def test_none_takes_it_back(self, nurse, ana):
        nurse.post(url(ana, "previous"), PREVIOUS)
        nurse.post(url(ana, "previous"), {"drug": "none", "entry_key": KEY})
        assert Course.objects.get().previous_drug == ""

    @pytest.mark.parametrize(
        ("answers", "words"),
        [
            ({"drug": "other", "entry_key": KEY}, "Enter the date of its last dose"),
            ({"entry_key": KEY}, "Choose the treatment"),
            (PREVIOUS | {"last_on_year": "2027"}, "must be today or in the past"),
            (PREVIOUS | {"last_on_month": "13"}, "real month"),
        ],
    )
    def test_a_wrong_answer_is_told(self, nurse, ana, answers, words):
        assert words in text(nurse.post(url(ana, "previous"), answers))
        assert Course.objects.get().previous_drug == ""

    def test_another_treatment_has_no_dates(self, nurse, ana):
        page = text(nurse.post(url(ana, "previous"), PREVIOUS | {"drug": "other"}, follow=True))
        assert "Another treatment, last dose January 5, 2026" in page
        assert "Start not before" not in page


class TestPacket:
    def test_it_holds_what_the_next_clinic_needs(self, nurse, ben, rosa):
        give(ben.course, rosa, TODAY - days(2), lot="AB1234", reaction="mild")
        Hold.objects.create(
            course=ben.course,
            reason="infection",
            starts_on=dt.date(2026, 2, 1),
            ends_on=dt.date(2026, 2, 20),
            recorded_by=rosa,
            recorded_at=NOW,
        )
        Screening.objects.create(
            patient=ben,
            check_code="hepatitis-b",
            status="done",
            done_on=dt.date(2025, 1, 7),
            recorded_by=rosa,
            recorded_at=NOW,
        )
        stop(ben.course, rosa, reason=StopReason.MOVED)
        page = text(nurse.get(url(ben, "packet")))
        for words in (
            "Ben Example",
            "Ocrevus IV, every 6 months",
            "Moved to another clinic",
            "AB1234",
            "Mild",
            "October 10, 2025",
            "due around September 10, 2026",
            "not before August 10, 2026",
            "Your last infusion was",
            "Infection, from February 1, 2026, allowed again from February 20, 2026",
            "Hepatitis B: Done, January 7, 2025",
            "(555) 010-0142",
        ):
            assert words in page, words

    def test_nothing_undone_or_private_is_in_it(self, nurse, ben, rosa):
        recorded = give(ben.course, rosa, TODAY, now=NOW, lot="WRONG1", note="Came by bus")
        actions.undo_infusion(infusion=recorded.infusion, actor=rosa, now=NOW)
        page = text(nurse.get(url(ben, "packet")))
        assert "WRONG1" not in page
        assert "Came by bus" not in page

    def test_after_a_switch_it_tells_the_whole_story(self, nurse, ben, priya):
        switch(ben.course, priya)
        page = text(nurse.get(url(ben, "packet")))
        assert "before: Ocrevus IV, every 6 months, until March 12, 2026" in page
        assert "October 10, 2025" in page

    def test_it_says_when_there_is_no_next_dose(self, nurse, ben, carla, rosa):
        actions.end_for_good(ben.course, actor=rosa, now=NOW, on=TODAY)
        assert "None: stopped for good" in text(nurse.get(url(ben, "packet")))
        give(carla.course, rosa, TODAY, 100, now=NOW, outcome="partial")
        assert "a prescriber decides" in text(nurse.get(url(carla, "packet")))

    def test_a_lapse_is_told(self, nurse, lapsed):
        assert "The treatment has lapsed" in text(nurse.get(url(lapsed.patient, "packet")))

    def test_it_is_read_only(self, nurse, ben):
        assert nurse.post(url(ben, "packet")).status_code == 405


def test_a_long_line_of_plans_takes_no_more_queries(
    nurse, ben, priya, django_assert_max_num_queries
):
    switch(switch(switch(ben.course, priya), priya, "ocrevus-iv"), priya)
    with django_assert_max_num_queries(30) as few:
        nurse.get(f"/staff/patients/{ben.pk}/")
    switch(switch(current(ben), priya, "ocrevus-iv"), priya)
    with django_assert_max_num_queries(len(few)):
        nurse.get(f"/staff/patients/{ben.pk}/")


def test_reopening_shows_the_patient_page_as_before(prescriber, ben, rosa, priya):
    before = prescriber.get(f"/staff/patients/{ben.pk}/").context["state"]
    stop(ben.course, rosa)
    reopen(ben.courses.get(), priya)
    assert prescriber.get(f"/staff/patients/{ben.pk}/").context["state"] == before
