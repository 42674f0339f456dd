"""Recording an infusion: the routine, the questions, the refusals, the second tap."""

import datetime as dt
import html
import re
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ocrevus_tracker.audit.models import Entry
from schedules import actions
from schedules.models import ClinicRules, Infusion, StopReason
from tests.cast import NOW, book, days, give, make_patient, signed_in

DUE = dt.date(2026, 4, 10)
AT_DUE = dt.datetime(2026, 4, 10, 15, tzinfo=dt.UTC)


def answers(**changes) -> dict[str, str]:
    """What the form sends in the routine case."""
    return {
        "given_on_choice": "today",
        "given_on_month": "",
        "given_on_day": "",
        "given_on_year": "",
        "dose_mg_choice": "600",
        "dose_mg_mg": "",
        "outcome": "completed",
        "reaction": "",
        "lot": "",
        "note": "",
        "checked": "on",
        "entry_key": str(uuid.uuid4()),
    } | changes


def other_date(month, day, year) -> dict[str, str]:
    parts = {"given_on_month": month, "given_on_day": day, "given_on_year": year}
    return {"given_on_choice": "other"} | {name: str(part) for name, part in parts.items()}


def text(page) -> str:
    return html.unescape(" ".join(page.content.decode().split()))


def kept(page) -> dict[str, str]:
    """The hidden fields of the page."""
    found = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page.content.decode())
    return {name: html.unescape(value) for name, value in found if name != "csrfmiddlewaretoken"}


@pytest.fixture
def address(clock, ben) -> str:
    """Ben's record page on the day his infusion is due."""
    clock.move_to(AT_DUE, tick=False)
    return f"/staff/patients/{ben.pk}/record/"


@pytest.fixture
def nurse(address, rosa):
    return signed_in(rosa)


def infusions(ben) -> list[tuple[dt.date, int]]:
    return list(ben.course.infusions.counting().values_list("given_on", "dose_mg"))[1:]


class TestRoutine:
    def test_every_default_is_chosen_but_the_tick(self, nurse, address):
        form = nurse.get(address).context["form"]
        chosen = re.findall(r'value="(\w*)"[^>]*checked', str(form))
        assert chosen == ["today", "600", "completed", "", ""]

    def test_it_says_what_follows_before_saving(self, nurse, address):
        page = text(nurse.get(address))
        assert "Next infusion due around October 10, 2026. Booking opens August 1, 2026." in page

    def test_the_tick_and_the_button_save_it(self, nurse, address, ben):
        page = nurse.post(address, answers(), follow=True)
        assert page.redirect_chain == [(f"/staff/patients/{ben.pk}/", 302)]
        assert "Saved. Ben's next infusion is due around October 10, 2026." in text(page)
        assert infusions(ben) == [(DUE, 600)]

    def test_the_saved_page_offers_undo_and_the_next_visit(self, nurse, address):
        page = text(nurse.post(address, answers(), follow=True))
        assert "You can undo this for 15 minutes." in page
        assert "Book the next visit" in page

    def test_no_cookie_names_anybody(self, nurse, address):
        nurse.post(address, answers())
        assert set(nurse.cookies) <= {"sessionid", "csrftoken"}

    def test_the_first_dose_expects_its_own_amount(self, address, ana, rosa):
        page = text(signed_in(rosa).get(f"/staff/patients/{ana.pk}/record/"))
        assert "300 mg (expected)" in page
        assert "given elsewhere" in page

    def test_an_earlier_infusion_from_elsewhere_counts(self, address, ana, rosa):
        sent = answers(dose_mg_choice="600", **other_date("Jan", 15, 2026))
        client, there = signed_in(rosa), f"/staff/patients/{ana.pk}/record/"
        asked = client.post(there, sent)
        client.post(there, kept(asked) | {"why": "elsewhere"})
        ana.course.refresh_from_db()
        assert ana.course.next_due_on == dt.date(2026, 7, 15)

    def test_the_lot_of_the_day_is_there_already(self, nurse, address, rosa, nils):
        for actor, lot in ((rosa, "AB1234"), (nils, "ZZ9")):
            clinic = actor.memberships.get().clinic
            course = make_patient(clinic, actor, "Abe").course
            give(course, actor, DUE, now=AT_DUE, lot=lot)
        assert nurse.get(address).context["form"]["lot"].value() == "AB1234"

    def test_yesterdays_lot_is_not(self, nurse, address, harbor, rosa):
        course = make_patient(harbor, rosa, "Abe").course
        give(course, rosa, DUE - days(1), now=AT_DUE - days(1), lot="AB1234")
        assert nurse.get(address).context["form"]["lot"].value() == ""


class TestTwice:
    def test_a_second_tap_keeps_one_copy(self, nurse, address, ben):
        sent = answers()
        nurse.post(address, sent, follow=True)
        again = nurse.post(address, sent, follow=True)
        assert "Already saved. We kept one copy: April 10, 2026, 600 mg." in text(again)
        assert infusions(ben) == [(DUE, 600)]

    def test_the_back_button_and_another_answer_keep_the_first(self, nurse, address, ben):
        sent = answers()
        nurse.post(address, sent)
        changed = nurse.post(address, sent | {"given_on_choice": "yesterday"}, follow=True)
        assert "We kept one copy: April 10, 2026" in text(changed)
        assert infusions(ben) == [(DUE, 600)]

    def test_the_back_button_after_undo_saves_nothing_and_says_so(self, nurse, address, ben):
        sent = answers()
        nurse.post(address, sent, follow=True)
        nurse.post(f"/staff/patients/{ben.pk}/infusions/{Infusion.objects.latest('pk').pk}/undo/")
        assert "This was undone." in text(nurse.post(address, sent, follow=True))
        assert infusions(ben) == []

    def test_the_same_day_again_is_refused_with_everything_kept(self, nurse, address, ben):
        nurse.post(address, answers())
        page = nurse.post(address, answers(lot="AB1234"))
        assert "An infusion is already recorded for April 10, 2026." in text(page)
        assert 'value="AB1234"' in text(page)
        assert infusions(ben) == [(DUE, 600)]

    def test_the_page_warns_before_anything_is_typed(self, nurse, address):
        nurse.post(address, answers())
        page = nurse.get(address)
        assert page.status_code == 200
        assert "An infusion is already recorded for April 10, 2026." in text(page)


class TestErrors:
    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            (other_date(4, 11, 2026), "The date given must be today or in the past"),
            (other_date(2, 31, 2026), "The date given must be a real date"),
            ({"given_on_choice": ""}, "Choose the date given"),
            ({"dose_mg_choice": "other", "dose_mg_mg": "0"}, "from 1 to 2000 mg"),
            ({"dose_mg_choice": "other", "dose_mg_mg": "10000"}, "from 1 to 2000 mg"),
            ({"dose_mg_choice": "other", "dose_mg_mg": "10,000"}, "from 1 to 2000 mg"),
            ({"dose_mg_choice": "other", "dose_mg_mg": "-600"}, "whole number of mg"),
            ({"dose_mg_choice": "other", "dose_mg_mg": ""}, "Enter how much was given, in mg"),
            ({"outcome": "partial"}, "Choose what counts next"),
            ({"outcome": "lost"}, "Choose one of the answers"),
            ({"disposition": "shrug"}, "Choose one of the answers"),
            ({"checked": ""}, "Tick to show you checked name and date of birth"),
            ({"lot": "AB\n1234"}, "Write this on one line"),
            ({"lot": "A" * 41}, "40 characters"),
            ({"note": "a\x00b"}, "Take out the characters that cannot be shown"),
            ({"note": "a" * 501}, "500 characters"),
            ({"entry_key": ""}, "This page was open for a long time"),
        ],
    )
    def test_bad_input_is_explained_and_nothing_is_saved(self, nurse, address, ben, changes, words):
        page = nurse.post(address, answers() | changes)
        assert page.status_code == 200
        said = text(page)
        assert "There is a problem" in said
        assert words in said
        assert "<title>Error:" in said
        assert infusions(ben) == []

    def test_what_was_typed_is_kept(self, nurse, address):
        sent = answers(lot="AB1234", note="Slept well", checked="", **other_date("Febuary", 3, 26))
        page = text(nurse.post(address, sent))
        for words in ('value="Febuary"', 'value="26"', 'value="AB1234"', "Slept well"):
            assert words in page

    def test_an_empty_form_is_explained(self, nurse, address):
        page = nurse.post(address, {})
        assert page.status_code == 200
        assert "Tick to show you checked" in text(page)

    def test_a_stopped_course_is_refused(self, nurse, address, ben, rosa):
        actions.stop_course(
            course=ben.course, actor=rosa, now=AT_DUE, stopped_on=DUE, reason=StopReason.MOVED
        )
        page = text(nurse.post(address, answers()))
        assert "Infusions are stopped. Restart treatment first." in page

    def test_today_means_the_day_the_page_was_opened(self, nurse, address, ben, clock, rosa):
        sent = answers(opened_on=DUE.isoformat())
        clock.move_to(AT_DUE + days(1), tick=False)
        signed_in(rosa, nurse)
        page = nurse.post(address, sent)
        assert "This page was opened on another day. Is April 11, 2026 right?" in text(page)
        nurse.post(address, sent | kept(page))
        assert infusions(ben) == [(DUE + days(1), 600)]


class TestQuestions:
    @pytest.fixture
    def asked(self, nurse, address):
        """300 mg, 5 months too early: three things to ask on one page."""
        sent = answers(dose_mg_choice="300", lot="AB1234", **other_date(1, 12, 2026))
        return nurse.post(address, sent)

    def test_all_are_on_one_page_and_nothing_is_saved_yet(self, asked, ben):
        page = text(asked)
        assert "This is 3 months and 2 days after the last infusion (October 10, 2025)." in page
        assert "The plan says 600 mg. You chose 300 mg." in page
        assert infusions(ben) == []

    def test_fixing_is_the_filled_button_and_keeps_every_answer(self, asked, nurse, address):
        assert 'class="btn btn-primary" type="submit" name="fix"' in text(asked)
        page = nurse.post(address, kept(asked) | {"fix": "1"})
        form = page.context["form"]
        assert form.errors == {}
        assert (form["lot"].value(), form["dose_mg"].value()[0]) == ("AB1234", "300")

    def test_saving_takes_a_reason(self, asked, nurse, address, ben):
        page = nurse.post(address, kept(asked))
        assert "Choose why it is right, or fix the answers" in text(page)
        assert infusions(ben) == []

    def test_another_reason_takes_words(self, asked, nurse, address):
        page = nurse.post(address, kept(asked) | {"why": "other"})
        assert "Write the reason" in text(page)

    def test_the_reason_goes_on_the_trail_with_what_was_asked(self, asked, nurse, address, ben):
        nurse.post(address, kept(asked) | {"why": "prescriber", "words": "Relapse in December"})
        assert infusions(ben) == [(dt.date(2026, 1, 12), 300)]
        reason = Entry.objects.filter(act="record infusion").latest("pk").reason
        assert reason == "too_soon, another_dose: prescriber. Relapse in December"

    def test_the_second_tap_on_the_questions_keeps_one_copy(self, asked, nurse, address, ben):
        for _tap in range(2):
            nurse.post(address, kept(asked) | {"why": "chart"})
        assert len(infusions(ben)) == 1

    def test_the_back_button_to_the_form_asks_nothing_again(self, asked, nurse, address):
        nurse.post(address, kept(asked) | {"why": "chart"})
        first_form = {name: value for name, value in kept(asked).items() if name != "answered"}
        page = nurse.post(address, first_form, follow=True)
        assert "We kept one copy: January 12, 2026, 300 mg." in text(page)

    def test_kept_answers_cannot_break_out_of_the_page(self, nurse, address):
        sent = answers(dose_mg_choice="300", note='"><script>alert(1)</script>')
        assert "<script>alert" not in nurse.post(address, sent).content.decode()


class TestStoppedEarly:
    def sent(self, **changes) -> dict[str, str]:
        parts = {"outcome": "partial", "dose_mg_choice": "other", "dose_mg_mg": "250"}
        return answers(**parts, disposition="undecided") | changes

    def test_less_than_planned_is_not_asked_about(self, nurse, address, ben):
        page = nurse.post(address, self.sent(), follow=True)
        assert infusions(ben) == [(DUE, 250)]
        assert "The prescriber decides what comes next." in text(page)

    def test_the_full_dose_is(self, nurse, address):
        page = nurse.post(address, self.sent(dose_mg_choice="600", dose_mg_mg=""))
        assert "You chose “Stopped early” with the full 600 mg." in text(page)

    def test_still_due_leaves_the_date(self, nurse, address, ben):
        nurse.post(address, self.sent(disposition="repeat"))
        ben.course.refresh_from_db()
        assert ben.course.next_due_on == DUE

    def test_what_counts_next_is_left_out_of_a_full_dose(self, nurse, address, ben):
        nurse.post(address, answers(disposition="repeat"))
        assert ben.course.infusions.latest("pk").disposition == ""

    def test_the_decision_sets_the_date(self, nurse, address, ben):
        nurse.post(address, self.sent())
        decide = f"/staff/patients/{ben.pk}/infusions/{Infusion.objects.latest('pk').pk}/decide/"
        assert "Choose what counts next" in text(nurse.post(decide, {}))
        sent = {"disposition": "count-as-given", "entry_key": str(uuid.uuid4())}
        page = nurse.post(decide, sent, follow=True)
        assert "Ben's next infusion is due around October 10, 2026." in text(page)
        again = nurse.post(decide, sent | {"disposition": "repeat"}, follow=True)
        assert "This was decided already: Count as given." in text(again)

    def test_what_was_marked_as_a_mistake_meanwhile_is_said(self, nurse, address, ben, rosa):
        nurse.post(address, self.sent())
        infusion = Infusion.objects.latest("pk")
        actions.undo_infusion(infusion=infusion, actor=rosa, now=NOW)
        decide = f"/staff/patients/{ben.pk}/infusions/{infusion.pk}/decide/"
        page = nurse.post(decide, {"disposition": "repeat"}, follow=True)
        assert "This record was marked as a mistake: nothing is to be decided." in text(page)

    def test_a_full_infusion_has_nothing_to_decide(self, nurse, address, ben):
        first = ben.course.infusions.get().pk
        assert nurse.get(f"/staff/patients/{ben.pk}/infusions/{first}/decide/").status_code == 404


class TestNotGiven:
    def sent(self, **changes) -> dict[str, str]:
        return answers(outcome="not-done", why_not="results") | changes

    def test_the_date_stays_and_the_page_says_what_to_do(self, nurse, address, ben, rosa):
        book(ben.course, rosa, DUE, now=NOW)
        page = text(nurse.post(address, self.sent(note="Low lymphocytes"), follow=True))
        assert "Ben's infusion is still due around April 10, 2026. Book another visit" in page
        assert "You recorded that no infusion was given on April 10, 2026" in page
        assert "Put infusions on hold" in page
        row = ben.course.infusions.latest("pk")
        assert (row.dose_mg, row.note) == (0, "Blood results. Low lymphocytes")
        assert ben.course.appointments.get().status == "cancelled"

    def test_undo_is_offered(self, nurse, address, ben):
        nurse.post(address, self.sent())
        row = ben.course.infusions.latest("pk")
        nurse.post(f"/staff/patients/{ben.pk}/infusions/{row.pk}/undo/")
        row.refresh_from_db()
        assert row.voided_at

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"why_not": ""}, "Choose why it was not given"),
            ({"why_not": "other"}, "Write the reason"),
            ({"note": "a" * 500}, "Write a shorter note"),
            ({"reaction": "mild"}, "Choose “None”: nothing was given"),
            (
                {"dose_mg_choice": "other", "dose_mg_mg": "250"},
                "Choose “Stopped early” if some of it was given",
            ),
        ],
    )
    def test_what_does_not_fit_is_explained(self, nurse, address, ben, changes, words):
        assert words in text(nurse.post(address, self.sent(**changes)))
        assert ben.course.infusions.count() == 1

    def test_another_reason_is_in_the_note(self, nurse, address, ben):
        nurse.post(address, self.sent(why_not="other", note="No free chair"))
        assert ben.course.infusions.latest("pk").note == "No free chair"


class TestTheRestOnAnotherDay:
    PART = {"outcome": "partial", "disposition": "complete-remainder"}

    @pytest.fixture
    def part(self, address, ben, rosa) -> Infusion:
        return give(ben.course, rosa, DUE - days(2), 250, **self.PART).infusion

    def test_the_next_step_is_to_record_it(self, nurse, part, ben):
        page = nurse.get(f"/staff/patients/{ben.pk}/").content.decode()
        assert re.search(r'btn btn-primary" href="[^"]*/record/">Record the rest<', page)

    def test_it_is_chosen_already_with_what_is_left(self, nurse, address, part, ben):
        page = nurse.get(address)
        assert "This is the rest of the infusion of April 8, 2026" in text(page)
        assert "350 mg (expected)" in text(page)
        nurse.post(address, answers(remainder="on", dose_mg_choice="350"))
        assert ben.course.infusions.latest("pk").remainder
        ben.course.refresh_from_db()
        assert ben.course.next_due_on == dt.date(2026, 10, 8)

    def test_another_amount_is_asked_about(self, nurse, address, part):
        page = text(nurse.post(address, answers(remainder="on", dose_mg_choice="600")))
        assert "The plan says 350 mg. You chose 600 mg." in page
        assert "days after the last infusion" not in page

    def test_a_new_dose_instead_is_asked_about(self, nurse, address, part):
        page = text(nurse.post(address, answers()))
        assert "This is 2 days after the last infusion (April 8, 2026)." in page

    def test_it_says_so_when_it_is_still_to_come(self, nurse, address, ben):
        sent = answers(dose_mg_choice="other", dose_mg_mg="250", **self.PART)
        page = text(nurse.post(address, sent, follow=True))
        assert "The rest of this infusion is still to be given and recorded." in page
        assert "Record the rest" not in page  # a rest comes on another day

    def test_finished_on_the_same_day_it_is_one_infusion(self, nurse, address):
        nurse.post(address, answers(dose_mg_choice="other", dose_mg_mg="250", **self.PART))
        page = text(nurse.post(address, answers()))
        assert "interrupted and finished on the same day?" in page
        assert re.search(r'href="[^"]*/infusions/\d+/correct/"', page)


class TestDetails:
    def test_they_are_folded_and_empty(self, nurse, address):
        assert '<details class="whole">' in nurse.get(address).content.decode()

    def test_they_are_kept_and_open_when_filled(self, nurse, address, ben):
        sent = answers(
            reaction="moderate",
            reaction_response="Slowed down",
            premedication="As ordered",
            started_at="9:00",
            ended_at="1 pm",
            observed_until="14:00",
            rate="option-2",
        )
        page = nurse.post(address, sent | {"checked": ""})
        assert '<details class="whole" open>' in page.content.decode()
        nurse.post(address, sent)
        row = ben.course.infusions.latest("pk")
        assert (row.reaction, row.reaction_response) == ("moderate", "Slowed down")
        assert (row.started_at, row.ended_at) == (dt.time(9), dt.time(13))
        assert (row.observed_until, row.rate) == (dt.time(14), "option-2")

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"started_at": "9:00", "ended_at": "8:00"}, "The end must be after the start"),
            ({"ended_at": "13:00", "observed_until": "12:00"}, "This must be after the end"),
            ({"started_at": "soon"}, "Enter a time"),
            ({"reaction_response": "Slowed down"}, "Choose the reaction"),
            ({"reaction": "fatal"}, "Choose one of the answers"),
        ],
    )
    def test_what_cannot_be_is_explained(self, nurse, address, ben, changes, words):
        assert words in text(nurse.post(address, answers(**changes)))
        assert infusions(ben) == []

    def test_the_short_rate_is_not_offered_for_a_first_dose(self, address, ana, rosa):
        page = text(signed_in(rosa).get(f"/staff/patients/{ana.pk}/record/"))
        assert "Short (Option 2)" not in page
        assert "the run takes about 2 hours 42 minutes, then watch for 1 hour or longer" in page

    def test_how_long_each_rate_takes_is_on_the_page(self, nurse, address):
        page = text(nurse.get(address))
        assert "Usual (Option 1): the run takes about 3 hours 36 minutes" in page
        assert "Short (Option 2): the run takes about 2 hours 4 minutes" in page

    def test_what_an_interrupted_infusion_is_stands_by_the_question(self, nurse, address):
        assert "finished on the same day? Then it is the full dose." in text(nurse.get(address))

    def test_a_later_injection_is_watched_for_less_than_the_first(self, clock, harbor, rosa):
        patient = make_patient(harbor, rosa, "Dora", regimen_code="ocrevus-sc")
        there, nurse = f"/staff/patients/{patient.pk}/record/", signed_in(rosa)
        assert "then watch for 1 hour or longer" in text(nurse.get(there))
        give(patient.course, rosa, dt.date(2025, 9, 12), 920)
        assert "then watch for 15 minutes or longer" in text(nurse.get(there))

    def test_nor_after_a_serious_reaction_unless_a_prescriber_allows_it(
        self, nurse, address, ben, priya
    ):
        assert "Short (Option 2)" in text(nurse.get(address))
        ben.course.infusions.update(reaction="severe")
        page = text(nurse.get(address))
        assert "reaction on October 10, 2025 bars the short infusion" in page
        assert "Short (Option 2)" not in page
        there = f"/staff/patients/{ben.pk}/allow-short/"
        assert "Only a prescriber can allow it." in text(nurse.get(there))
        client, sent = signed_in(priya), {"reason": "Tolerated", "entry_key": str(uuid.uuid4())}
        assert "Only a prescriber" in text(nurse.post(there, sent))
        assert "Write the reason" in text(client.post(there, {}))
        assert "is allowed again" in text(client.post(there, sent, follow=True))
        assert "Nothing bars the short infusion" in text(client.post(there, sent, follow=True))
        assert "Short (Option 2)" in text(nurse.get(address))


class TestALifeThreateningReaction:
    def test_what_it_sets_off_is_said_before_and_after(self, nurse, address, ben, rosa):
        for ahead in (200, 210):
            book(ben.course, rosa, DUE + days(ahead), now=AT_DUE)
        asked = nurse.post(address, answers(reaction="life-threatening"))
        assert "Treatment stops for good. 2 visits and all reminders are cancelled." in text(asked)
        assert "Fix the reaction" in text(asked)
        page = text(nurse.post(address, kept(asked) | {"why": "chart"}, follow=True))
        assert "Treatment has stopped for good" in page
        assert "2 visits are cancelled." in page
        ben.course.refresh_from_db()
        assert ben.course.contraindicated
        again = text(nurse.get(address))
        assert "Infusions are stopped for good for Ben" in again
        assert "Restart treatment" not in again


class TestWhatElseIsAsked:
    def test_a_hold_in_force_on_that_day(self, nurse, address, ben, rosa):
        actions.start_hold(
            course=ben.course,
            actor=rosa,
            now=AT_DUE,
            reason="infection",
            starts_on=DUE - days(3),
        )
        asked = text(nurse.post(address, answers()))
        assert "A note from April 7, 2026 says possible infection. Has it cleared?" in asked
        assert "Go back, save nothing" in asked
        before = other_date(4, 6, 2026)
        assert "possible infection" not in text(nurse.post(address, answers(**before)))

    def test_no_hepatitis_b_result_before_the_first_infusion(self, address, ana, rosa):
        client, there = signed_in(rosa), f"/staff/patients/{ana.pk}/record/"
        asked = text(client.post(there, answers(dose_mg_choice="300")))
        assert "No hepatitis B result on file. It is needed before the first infusion." in asked
        actions.record_screening(
            patient=ana,
            actor=rosa,
            now=AT_DUE,
            check_code="hepatitis-b",
            status="done",
            finding="clear",
            done_on=DUE - days(30),
        )
        page = client.post(there, answers(dose_mg_choice="300"), follow=True)
        assert "Saved. Ana's next infusion is due around April 24, 2026." in text(page)

    def test_the_clinics_own_long_gap(self, nurse, address, ben):
        ClinicRules.objects.create(clinic=ben.clinic, long_gap_months=5)
        asked = text(nurse.post(address, answers()))
        assert "It has been 6 months since the last infusion." in asked

    def test_that_the_infusion_after_it_came_too_soon(self, nurse, address, ben, rosa):
        give(ben.course, rosa, DUE)
        asked = nurse.post(address, answers(**other_date(3, 10, 2026)))
        words = "The infusion on April 10, 2026 would then be only 1 month after this one."
        assert words in text(asked)
        assert "Fix the date" in text(asked)

    def test_not_where_the_next_is_visit_2(self, address, ana, rosa):
        give(ana.course, rosa, DUE - days(10), 300)
        client, there = signed_in(rosa), f"/staff/patients/{ana.pk}/record/"
        asked = text(client.post(there, answers(dose_mg_choice="300", **other_date(3, 17, 2026))))
        assert "would then be only" not in asked

    def test_visit_2_off_its_day_is_only_noted(self, address, carla, rosa):
        client, there = signed_in(rosa), f"/staff/patients/{carla.pk}/record/"
        note = "Visit 2 is 36 days after visit 1. The plan is about 14."
        assert note in text(client.get(there))
        page = client.post(there, answers(dose_mg_choice="300"), follow=True)
        assert page.redirect_chain
        assert note in text(page)


def test_save_and_next_leads_to_the_search(nurse, address, ben):
    page = nurse.post(address, answers(next="1"), follow=True)
    assert page.redirect_chain == [("/staff/patients/", 302)]
    assert "Saved. Ben's next infusion is due around October 10, 2026." in text(page)


def test_a_stopped_course_says_so_with_the_way_on(nurse, address, ben, rosa):
    actions.stop_course(
        course=ben.course, actor=rosa, now=AT_DUE, stopped_on=DUE, reason=StopReason.MOVED
    )
    page = text(nurse.get(address))
    assert "Infusions are stopped for Ben. Restart treatment first." in page
    assert f"/staff/patients/{ben.pk}/reopen/" in page


class TestUndo:
    @pytest.fixture
    def undo(self, nurse, address, ben) -> str:
        nurse.post(address, answers())
        return f"/staff/patients/{ben.pk}/infusions/{Infusion.objects.latest('pk').pk}/undo/"

    def test_it_is_taken_back_and_stays_in_the_history(self, nurse, undo, ben):
        page = text(nurse.post(undo, follow=True))
        assert "Undone. The record is kept in history as a mistake." in page
        assert '<s>April 10, 2026</s> <span class="undone">Undone</span>' in page
        assert infusions(ben) == []

    def test_a_second_tap_says_the_same(self, nurse, undo):
        nurse.post(undo)
        assert "Undone. The record is kept" in text(nurse.post(undo, follow=True))

    def test_after_15_minutes_it_is_too_late(self, nurse, undo, clock, ben):
        clock.move_to(AT_DUE + dt.timedelta(minutes=15), tick=False)
        assert "only for 15 minutes" in text(nurse.post(undo, follow=True))
        assert len(infusions(ben)) == 1

    def test_others_are_not_offered_it_and_cannot(self, undo, priya, ben):
        client = signed_in(priya)
        assert "You can undo" not in text(client.get(f"/staff/patients/{ben.pk}/"))
        assert "Only the person who recorded it" in text(client.post(undo, follow=True))

    def test_following_a_link_undoes_nothing(self, nurse, undo, ben):
        assert nurse.get(undo).status_code == 405
        assert len(infusions(ben)) == 1


def test_the_visit_of_the_day_leaves_the_list(nurse, address, ben, rosa):
    book(ben.course, rosa, DUE, now=NOW)
    nurse.post(address, answers())
    assert nurse.get("/staff/").context["tabs"][0][2] == 0


def test_an_infusion_of_long_ago_is_judged_in_its_place(nurse, address, ben):
    """It would have been the first one, so the first dose is what the plan had for that day."""
    asked = nurse.post(address, answers(**other_date(4, 10, 2025)))
    assert "The plan says 300 mg. You chose 600 mg." in text(asked)
    nurse.post(address, kept(asked) | {"why": "elsewhere"})
    assert ben.course.infusions.earliest("given_on").given_on == dt.date(2025, 4, 10)


def test_the_queries_do_not_grow_with_the_history(nurse, address, ben, rosa):
    with CaptureQueriesContext(connection) as short:
        nurse.get(address)
    for number in range(9):
        give(ben.course, rosa, dt.date(2016, 3, 1) + days(183 * number))
    with CaptureQueriesContext(connection) as long:
        nurse.get(address)
    assert len(short) == len(long) <= 16
