"""A form that was sent twice before its answer was read is answered once."""

import datetime as dt
import uuid

import pytest
from django.contrib.messages import constants
from django.http import HttpResponse
from django.test import RequestFactory

from ocrevus_tracker.telling import ToldOnceStorage
from schedules.models import Infusion
from tests.cast import book, days, signed_in

DUE = dt.datetime(2026, 4, 10, 15, tzinfo=dt.UTC)
FROM_TODAY = {"starts_on_month": "4", "starts_on_day": "10", "starts_on_year": "2026"}
OCTOBER_2 = {"given_on_month": "10", "given_on_day": "2", "given_on_year": "2025"}
GIVEN = {"dose_mg_choice": "600", "outcome": "completed"}
TYPING = {"why": "typing", "revision": "0", "answered": "1"}
FORMS = {
    "record/": {"given_on_choice": "today", "checked": "on", **GIVEN},
    "book/": {"day_month": "4", "day_day": "17", "day_year": "2026", "time": "9:00"},
    "hold/": {"reason": "infection", **FROM_TODAY},
    "screening/liver/": {"status": "done", "finding": "clear", "done_on_choice": "today"},
    "stop/": {"reason": "patient", "stopped_on_choice": "today", "confirmed": "1"},
    "infusions/{infusion}/void/": {"why": "patient", "revision": "0"},
    "infusions/{infusion}/correct/": {"given_on_choice": "other", **OCTOBER_2, **GIVEN, **TYPING},
    "visits/{visit}/cancel/": {},
}


@pytest.mark.parametrize("form", FORMS)
def test_a_double_click_is_answered_once(clock, ben, rosa, form):
    clock.move_to(DUE, tick=False)
    nurse, here = signed_in(rosa), f"/staff/patients/{ben.pk}/"
    visit = book(ben.course, rosa, DUE.date() + days(7), now=DUE) if "{visit}" in form else None
    address = here + form.format(infusion=Infusion.objects.get().pk, visit=visit and visit.pk)
    sent = FORMS[form] | {"entry_key": str(uuid.uuid4())}
    assert nurse.post(address, sent).url == here
    clock.shift(1)
    assert nurse.post(address, sent).url == here
    [told] = nurse.get(here).context["messages"]
    assert "Already" not in str(told)
    assert "no longer" not in str(told)


# -- The box that messages wait in ---------------------------------------------------


@pytest.fixture
def say():
    """Answers one request; what is unread stays in the session from one to the next."""
    session: dict[str, str] = {}

    def answer(words: str, level: int = constants.SUCCESS, /, **sent: str) -> list[str]:
        request = RequestFactory().post("/somewhere/", sent)
        request.session = session
        box = ToldOnceStorage(request)
        box.add(level, words)
        box.update(HttpResponse())
        return [str(one) for one in ToldOnceStorage(request)]

    return answer


def test_another_forms_answer_is_told_as_well(say):
    say("Saved.", entry_key="1")
    assert say("Saved.", entry_key="2") == ["Saved.", "Saved."]


def test_an_error_after_the_same_forms_success_would_confuse(say):
    say("The visit is cancelled.", entry_key="1")
    said = say("This visit is no longer booked.", constants.ERROR, entry_key="1")
    assert said == ["The visit is cancelled."]


def test_a_success_after_the_same_forms_error_is_news(say):
    say("We could not send it.", constants.ERROR, entry_key="1")
    assert say("Sent.", entry_key="1") == ["We could not send it.", "Sent."]


def test_one_answer_may_have_two_parts():
    request = RequestFactory().post("/somewhere/")
    request.session = {}
    box = ToldOnceStorage(request)
    box.add(constants.SUCCESS, "Saved.")
    box.add(constants.SUCCESS, "A visit is cancelled.")
    assert len(box) == 2
