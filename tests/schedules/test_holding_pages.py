"""The pages of holds and pauses: what is asked, shown before saving, kept and refused."""

import datetime as dt
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from schedules import actions
from schedules.models import Course, Hold, HoldReason
from tests.cast import NOW, TODAY, book, days, signed_in

from .test_holding import DUE, change, hold, release
from .test_views_record import kept, text


def answers(**changes) -> dict[str, str]:
    """What the form sends; a date is given by the name of its field."""
    sent = {"reason": "infection", "note": "", "entry_key": str(uuid.uuid4())}
    for name in ("starts_on", "ends_on", "review_on"):
        day = changes.pop(name, TODAY if name == "starts_on" else None)
        parts = {"month": day and day.month, "day": day and day.day, "year": day and day.year}
        sent |= {f"{name}_{part}": str(value or "") for part, value in parts.items()}
    return sent | changes


@pytest.fixture
def nurse(rosa):
    return signed_in(rosa)


@pytest.fixture
def here(clock, ben) -> str:
    """Ben's page; he is due on April 10, 2026."""
    return f"/staff/patients/{ben.pk}/"


@pytest.fixture
def course(ben) -> Course:
    return ben.course


class TestHold:
    def test_it_begins_today_and_has_no_end_unless_told_otherwise(self, nurse, here):
        page = nurse.get(f"{here}hold/")
        assert page.context["form"].initial == {"starts_on": TODAY}
        told = "The due date stays April 10, 2026. No visit can be booked until it is released."
        assert told in text(page)

    def test_the_routine_is_a_reason_and_a_button(self, nurse, here, course):
        page = nurse.post(f"{here}hold/", answers(), follow=True)
        assert page.redirect_chain == [(here, 302)]
        assert "<p>Saved. On hold: Infection.</p>" in text(page)
        made = course.holds.get()
        assert (made.starts_on, made.ends_on, made.reason) == (TODAY, None, "infection")

    def test_a_second_tap_keeps_one_copy(self, nurse, here, clock):
        sent = answers()
        nurse.post(f"{here}hold/", sent, follow=True)
        clock.move_to(NOW + dt.timedelta(seconds=5), tick=False)
        page = nurse.post(f"{here}hold/", sent, follow=True)
        assert "Already saved. We kept one copy." in text(page)
        assert Hold.objects.count() == 1

    @pytest.mark.parametrize(
        ("ends_on", "words"),
        [
            (TODAY + days(8), "The first day for a visit is March 20, 2026."),
            (TODAY + days(1), "The first day for a visit is March 13, 2026."),
            (DUE, "The first day for a visit is April 10, 2026."),
            (DUE + days(1), "planned for April 11, 2026, 1 day after the due date."),
            (DUE + days(20), "April 30, 2026, 20 days after the due date. The one after it is"),
            (dt.date(2026, 10, 10), "On October 10, 2026 the last infusion is too long ago"),
            (None, "No visit can be booked until it is released."),
        ],
    )
    def test_the_effect_is_shown_before_anything_is_saved(self, nurse, here, ends_on, words):
        page = text(nurse.post(f"{here}hold/", answers(ends_on=ends_on, show="1")))
        assert "The due date stays April 10, 2026." in page
        assert words in page
        assert not Hold.objects.exists()

    @pytest.mark.parametrize(
        ("dates", "words"),
        [
            ({"starts_on": TODAY - days(9), "ends_on": TODAY}, "It is over and moves no date."),
            ({"starts_on": DUE + days(1)}, "It begins after that."),
            ({"starts_on": DUE}, "No visit can be booked from April 10, 2026 until it is released"),
        ],
    )
    def test_the_effect_depends_on_when_it_begins(self, nurse, here, dates, words):
        assert words in text(nurse.post(f"{here}hold/", answers(**dates, show="1")))

    def test_another_open_hold_goes_on_holding(self, nurse, here, course, rosa):
        hold(course, rosa, reason=HoldReason.VACCINE)
        page = text(nurse.post(f"{here}hold/", answers(ends_on=DUE, show="1")))
        assert "No visit can be booked until it is released." in page

    def test_without_a_date_there_is_none_to_move(self, nurse, here, ana):
        page = text(nurse.get(f"/staff/patients/{ana.pk}/hold/"))
        assert "No due date is planned yet. No visit can be booked until it is released." in page

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"reason": ""}, "Choose what infusions wait for"),
            ({"reason": "nonsense"}, "Choose one of the answers"),
            ({"reason": "other"}, "Write the reason as a note"),
            ({"starts_on": None}, "Enter the first day on hold"),
            ({"ends_on": TODAY}, "The first day allowed again must be after"),
            ({"review_on": TODAY - days(1)}, "The review date cannot be before"),
            ({"ends_on_month": "13", "ends_on_day": "1", "ends_on_year": "2026"}, "a real month"),
            ({"starts_on": dt.date(2062, 3, 12)}, "Check the year."),
            ({"note": "x" * 501}, "Use 500 characters or fewer"),
        ],
    )
    def test_a_wrong_answer_is_said(self, nurse, here, changes, words):
        page = nurse.post(f"{here}hold/", answers(**changes))
        assert page.status_code == 200
        assert words in text(page)
        assert not Hold.objects.exists()

    def test_what_was_typed_stays(self, nurse, here):
        page = nurse.post(f"{here}hold/", answers(ends_on=TODAY, note="Shingles"))
        form = page.context["form"]
        assert (form["note"].value(), form["ends_on"].value()) == ("Shingles", ["3", "12", "2026"])

    def test_the_same_hold_twice_is_refused_in_words(self, nurse, here, course, rosa):
        hold(course, rosa)
        page = text(nurse.post(f"{here}hold/", answers()))
        assert "There is a hold for this reason already, from March 12, 2026." in page

    def test_after_the_end_of_treatment_there_is_nothing_to_hold(self, nurse, here, course):
        Course.objects.filter(pk=course.pk).update(stopped_on=TODAY)
        assert "Restart treatment first." in text(nurse.post(f"{here}hold/", answers()))
        assert f"{here}hold/" not in text(nurse.get(here))

    def test_visits_inside_it_are_listed_and_stay(self, nurse, here, course, rosa):
        inside, after = book(course, rosa, DUE), book(course, rosa, DUE + days(14))
        page = nurse.post(f"{here}hold/", answers(ends_on=DUE + days(5)), follow=True)
        assert page.redirect_chain == [(f"{here}holds/{course.holds.get().pk}/", 302)]
        assert page.context["visits"] == [inside]
        assert "This visit lies inside the hold. Move or cancel it." in text(page)
        assert f"{here}visits/{inside.pk}/move/" in text(page)
        assert list(course.appointments.booked()) == [inside, after]


class TestChange:
    def test_the_answers_are_those_saved_and_the_effect_theirs(self, nurse, here, course, rosa):
        made = hold(course, rosa, ends_on=DUE, note="Tablets")
        page = nurse.get(f"{here}holds/{made.pk}/")
        assert page.context["form"].initial["ends_on"] == DUE
        assert "The first day for a visit is April 10, 2026." in text(page)

    def test_a_change_is_saved(self, nurse, here, course, rosa):
        made = hold(course, rosa)
        sent = answers(ends_on=DUE, review_on=TODAY + days(7), revision="0")
        page = nurse.post(f"{here}holds/{made.pk}/", sent, follow=True)
        assert "<p>Saved.</p>" in text(page)
        made.refresh_from_db()
        assert (made.ends_on, made.review_on, made.revision) == (DUE, TODAY + days(7), 1)

    def test_the_others_version_is_shown_and_then_ones_own_saved(
        self, nurse, here, course, rosa, priya
    ):
        made = hold(course, rosa)
        change(made, priya, ends_on=DUE)
        sent = answers(review_on=TODAY + days(7), note="Calls on Monday", revision="0")
        page = nurse.post(f"{here}holds/{made.pk}/", sent)
        assert "Priya changed this at 11:00 a.m. Check that version, then save yours." in text(page)
        assert "The version that is saved now" in text(page)
        assert 'value="Calls on Monday"' in text(page)
        assert kept(page)["revision"] == "1"
        nurse.post(f"{here}holds/{made.pk}/", sent | kept(page))
        made.refresh_from_db()
        assert (made.note, made.ends_on, made.revision) == ("Calls on Monday", None, 2)

    def test_a_broken_form_is_no_accident(self, nurse, here, course, rosa):
        made = hold(course, rosa)
        for revision in ("", "x", "-1", "9" * 30):
            page = nurse.post(f"{here}holds/{made.pk}/", answers(revision=revision, note="x"))
            assert page.status_code == 200
        made.refresh_from_db()
        assert made.note == ""

    def test_seeing_the_effect_saves_nothing(self, nurse, here, course, rosa):
        made = hold(course, rosa)
        sent = answers(ends_on=DUE, revision="0", show="1")
        page = nurse.post(f"{here}holds/{made.pk}/", sent)
        assert "The first day for a visit is April 10, 2026." in text(page)
        made.refresh_from_db()
        assert made.ends_on is None

    def test_a_refusal_is_said(self, nurse, here, course, rosa):
        made = hold(course, rosa)
        sent = answers(ends_on=dt.date(2062, 3, 12), revision="0")
        assert "Check the year." in text(nurse.post(f"{here}holds/{made.pk}/", sent))


class TestRelease:
    def test_today_is_offered(self, nurse, here, course, rosa):
        made = hold(course, rosa, TODAY - days(9))
        page = nurse.get(f"{here}holds/{made.pk}/release/")
        assert page.context["form"].initial == {"ends_on": TODAY}

    def test_it_lets_infusions_go_on(self, nurse, here, course, rosa):
        made = hold(course, rosa, TODAY - days(9))
        for _ in range(2):
            page = nurse.post(
                f"{here}holds/{made.pk}/release/", answers(ends_on=TODAY), follow=True
            )
            assert "Infusions are allowed again from March 12, 2026." in text(page)
        made.refresh_from_db()
        assert (made.ends_on, made.revision) == (TODAY, 1)

    def test_a_wrong_day_is_said(self, nurse, here, course, rosa):
        address = f"{here}holds/{hold(course, rosa).pk}/release/"
        early = nurse.post(address, answers(ends_on=TODAY - days(1)))
        assert "cannot be before the hold began" in text(early)
        none = nurse.post(address, answers(ends_on=None))
        assert "Enter the first day an infusion is allowed again" in text(none)


class TestMistake:
    def test_it_needs_a_word_and_is_kept_in_history(self, nurse, here, course, rosa):
        made = hold(course, rosa)
        address = f"{here}holds/{made.pk}/void/"
        assert "Write what was wrong" in text(nurse.post(address, {"reason": " "}))
        for _ in range(2):
            page = nurse.post(address, {"reason": "Another patient"}, follow=True)
            assert "Marked as entered by mistake." in text(page)
        assert "<s>Infection, from March 12, 2026" in text(page)

    @pytest.mark.parametrize("name", ["", "release/"])
    def test_a_mistake_has_no_other_page(self, nurse, here, course, rosa, name):
        made = hold(course, rosa)
        actions.void_hold(hold=made, actor=rosa, now=NOW, reason="x")
        page = nurse.get(f"{here}holds/{made.pk}/{name}", follow=True)
        assert page.redirect_chain == [(here, 302)]


class TestPatientPage:
    def test_a_hold_shows_what_since_when_until_when_and_who(self, nurse, here, course, rosa):
        hold(course, rosa, review_on=TODAY + days(7), note="Antibiotics")
        page = text(nurse.get(here))
        for words in (
            "On hold: Infection",
            "<dd>March 12, 2026</dd>",
            "<dd>Not known yet</dd>",
            "<dd>March 19, 2026</dd>",
            "<dd>Antibiotics</dd>",
            "<dd>March 12, 2026, Rosa</dd>",
        ):
            assert words in page, words

    def test_days_past_due_stay_visible(self, nurse, here, course, rosa, clock):
        hold(course, rosa)
        clock.move_to(NOW + (DUE - TODAY) + days(9), tick=False)
        assert "Today is 9 days past the due date." in text(nurse.get(here))

    def test_the_next_step_is_the_visit_inside_and_then_the_release(
        self, nurse, here, course, rosa
    ):
        visit = book(course, rosa, DUE)
        made = hold(course, rosa)
        release_step = (f"{here}holds/{made.pk}/release/", "Release the hold")
        give_step = (f"{here}record/", "Record an infusion")
        cancel_step = (f"{here}visits/{visit.pk}/cancel/", "Cancel the visit")
        assert nurse.get(here).context["steps"] == [cancel_step, give_step]
        actions.cancel_visit(visit=visit, actor=rosa, now=NOW)
        assert nurse.get(here).context["steps"] == [release_step, give_step]
        change(made, rosa, ends_on=DUE)
        assert nurse.get(here).context["steps"][0][1] == "Book the next visit"

    def test_a_visit_inside_a_hold_that_ends_is_moved(self, nurse, here, course, rosa):
        visit = book(course, rosa, DUE)
        hold(course, rosa, ends_on=DUE + days(5))
        move_step = (f"{here}visits/{visit.pk}/move/", "Move the visit")
        assert nurse.get(here).context["steps"][0] == move_step

    def test_a_pause_is_ended_not_released(self, nurse, here, course, rosa):
        hold(course, rosa, reason=HoldReason.PREGNANCY)
        assert nurse.get(here).context["steps"][0][1] == "End the pause"

    def test_one_that_is_ahead_says_from_when(self, nurse, here, course, rosa):
        hold(course, rosa, DUE)
        page = nurse.get(here)
        assert "On hold from April 10, 2026: Infection" in text(page)
        assert page.context["steps"][0][1] == "Book the next visit"

    def test_what_is_over_is_kept_aside(self, nurse, here, course, rosa):
        release(hold(course, rosa, TODAY - days(9)), rosa)
        page = nurse.get(here)
        assert page.context["holds"] == []
        told = "Infection, from March 3, 2026, allowed again from March 12, 2026"
        assert told in text(page)

    def test_five_holds_take_as_many_queries_as_one(self, nurse, here, course, rosa):
        counted = []
        for reasons in (HoldReason.values[:1], HoldReason.values[1:]):
            for reason in reasons:
                hold(course, rosa, reason=reason)
            with CaptureQueriesContext(connection) as queries:
                nurse.get(here)
            counted.append(len(queries))
        assert counted[0] == counted[1]


@pytest.mark.parametrize("who", ["mallory", "nils", "ana"])
def test_a_hold_of_others_looks_like_none(request, here, course, rosa, who):
    person = request.getfixturevalue(who)
    client = signed_in(getattr(person, "user", person))
    its = f"holds/{hold(course, rosa).pk}/"
    for name in ("hold/", its, f"{its}release/", f"{its}void/"):
        assert client.get(here + name).status_code == 404, name
        assert client.post(here + name, answers()).status_code == 404, name
    assert Hold.objects.get().revision == 0


def test_anothers_hold_is_not_reached_through_ones_own_record(nurse, course, ana, rosa):
    its = f"/staff/patients/{ana.pk}/holds/{hold(course, rosa).pk}/"
    for name in ("", "release/", "void/"):
        assert nurse.get(its + name).status_code == 404, name
