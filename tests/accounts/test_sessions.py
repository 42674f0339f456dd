"""How long somebody stays signed in, what ends it, and that nothing typed is lost by it."""

import re
from urllib.parse import urlencode

import pytest
from django.conf import settings as current
from django.contrib.sessions.models import Session
from django.test import Client

from ocrevus_tracker.accounts import sessions, tasks
from schedules.models import Infusion
from tests.cast import PASSWORD, TODAY, signed_in

from .doors import SECOND, STAFF, app_code, come_in, give_app, give_password

MINUTE = 60


def opens(client: Client, page: str) -> bool:
    return client.get(page).status_code == 200


class TestSignIn:
    def test_gives_the_session_a_new_id(self, client, ana):
        client.get("/sign-in/")
        client.post("/sign-in/", {"email": ana.user.email})
        planted = client.session.session_key
        come_in(client, ana.user.email)
        assert client.session.session_key != planted
        thief = Client()
        thief.cookies[current.SESSION_COOKIE_NAME] = planted
        assert not opens(thief, "/home/")

    def test_a_cookie_that_was_signed_out_opens_nothing(self, ana):
        client = signed_in(ana.user)
        old = client.cookies[current.SESSION_COOKIE_NAME].value
        client.post("/sign-out/")
        thief = Client()
        thief.cookies[current.SESSION_COOKIE_NAME] = old
        assert not opens(thief, "/home/")

    def test_signing_out_clears_what_the_browser_kept(self, ana):
        answer = signed_in(ana.user).post("/sign-out/")
        assert answer["Clear-Site-Data"] == '"cache", "storage"'

    def test_a_session_that_was_not_made_at_the_doors_opens_nothing(self, client, rosa):
        client.force_login(rosa)
        assert not opens(client, "/staff/")

    def test_a_disabled_person_is_out_with_the_next_request(self, rosa):
        client = signed_in(rosa)
        rosa.is_active = False
        rosa.save()
        assert not opens(client, "/staff/")

    def test_a_new_stamp_ends_every_session(self, rosa):
        client = signed_in(rosa)
        sessions.end_all(rosa)
        assert not opens(client, "/staff/")


class TestLimits:
    def test_staff_are_signed_out_after_half_an_hour_of_nothing(self, rosa, clock):
        client = signed_in(rosa)
        clock.shift(30 * MINUTE)
        assert opens(client, "/staff/")
        clock.shift(31 * MINUTE)
        answer = client.get("/staff/")
        assert answer.url == f"{STAFF}?next=%2Fstaff%2F"
        assert (
            "You were signed out to keep your pages safe."
            in client.get(answer.url).content.decode()
        )

    def test_each_page_begins_the_half_hour_anew(self, rosa, clock):
        client = signed_in(rosa)
        for _page in range(12):
            clock.shift(29 * MINUTE)
            assert opens(client, "/staff/")

    def test_not_so_the_twelve_hours_of_a_day(self, rosa, clock):
        client = signed_in(rosa)
        for _page in range(24):
            clock.shift(29 * MINUTE)
            client.get("/staff/")
        clock.shift(26 * MINUTE)
        assert not opens(client, "/staff/")

    def test_a_patient_has_an_hour(self, ana, clock):
        client = signed_in(ana.user)
        clock.shift(60 * MINUTE)
        assert opens(client, "/home/")
        clock.shift(61 * MINUTE)
        assert client.get("/home/").url == "/sign-in/?next=%2Fhome%2F"

    def test_pages_that_are_open_to_all_stay_open(self, rosa, clock):
        client = signed_in(rosa)
        clock.shift(31 * MINUTE)
        assert opens(client, "/healthz")
        assert client.get("/staff/").url.startswith("/sign-in/")  # once more, now as a stranger

    def test_old_ones_are_deleted_by_the_daily_task(self, ana, clock):
        signed_in(ana.user)
        clock.shift(13 * 60 * MINUTE)
        tasks.tidy()
        assert not Session.objects.exists()
        assert any(
            entry["task"] == "ocrevus_tracker.accounts.tasks.tidy"
            for entry in current.CELERY_BEAT_SCHEDULE.values()
        )

    def test_most_pages_write_nothing_for_it(self, rosa, clock, django_assert_max_num_queries):
        client = signed_in(rosa)
        with django_assert_max_num_queries(40) as seen:
            client.get("/staff/clinic/")
        assert not [one for one in seen if "UPDATE" in one["sql"] and "session" in one["sql"]]


class TestMoreTime:
    def test_can_be_asked_for_far_more_than_ten_times(self, rosa, clock):
        client = signed_in(rosa)
        for _again in range(20):
            clock.shift(29 * MINUTE)
            assert client.post("/sign-in/stay/").json() == {"seconds": 30 * MINUTE}
        assert opens(client, "/staff/")

    def test_asking_how_much_is_left_gives_none(self, rosa, clock):
        client = signed_in(rosa)
        clock.shift(20 * MINUTE)
        assert client.get("/sign-in/stay/").json() == {"seconds": 10 * MINUTE}
        clock.shift(11 * MINUTE)
        assert client.get("/sign-in/stay/").status_code == 401

    def test_nobody_else_can_ask_for_it(self, rosa):
        client = signed_in(rosa, Client(enforce_csrf_checks=True))
        assert client.post("/sign-in/stay/").status_code == 403

    def test_it_ends_with_the_day_all_the_same(self, rosa, clock):
        client = signed_in(rosa)
        for _again in range(24):
            clock.shift(29 * MINUTE)
            client.post("/sign-in/stay/")
        assert client.post("/sign-in/stay/").json()["seconds"] == 24 * MINUTE

    def test_the_page_says_so_without_a_script(self, rosa):
        page = signed_in(rosa).get("/staff/").content.decode()
        assert "you are signed out when you do nothing for a while" in page

    def test_on_a_device_that_is_kept_signed_in_nothing_warns(self, client, ana):
        come_in(client, ana.user.email, keep="on")
        assert "time-out" not in client.get("/home/").content.decode()


class TestDrafts:
    """A nurse fills in a form, is called away, and saves it when her session is over."""

    @pytest.fixture
    def typed(self, ben) -> dict[str, str]:
        return {
            "entry_key": "8c5c0f2e-1fd9-4a0c-9f53-bd3e4b6c2a11",
            "opened_on": TODAY.isoformat(),
            "given_on_choice": "today",
            "dose_mg_choice": "600",
            "outcome": "completed",
            "lot": "LOT-4711",
            "note": "slept through all of it",
            "checked": "on",
        }

    @pytest.fixture
    def late(self, ben, rosa, typed, clock):
        """The client after the late save, and the page it was about."""
        give_app(rosa)
        client, page = signed_in(rosa), f"/staff/patients/{ben.pk}/record/"
        clock.shift(31 * MINUTE + 1)
        answer = client.post(page, typed)
        assert answer.url == f"{STAFF}?{urlencode({'next': page})}"
        return client, page, answer.url

    def back(self, client, user, door: str):
        client.post(door, {"login": user.email, "password": PASSWORD})
        return client.post(SECOND, {"code": app_code()}, follow=True)

    def test_nothing_was_saved_and_all_of_it_comes_back(self, late, rosa, ben):
        client, _page, door = late
        before = Infusion.objects.count()
        page = self.back(client, rosa, door).content.decode()
        assert "LOT-4711" in page
        assert "slept through all of it" in page
        assert "This page was open for a long time." in page
        assert Infusion.objects.count() == before

    def test_it_can_then_be_saved(self, late, rosa, typed):
        client, page, door = late
        shown = self.back(client, rosa, door).content.decode()
        [key] = re.findall(r'name="entry_key" value="([^"]+)"', shown)
        assert key != typed["entry_key"]
        before = Infusion.objects.count()
        client.post(page, typed | {"entry_key": key, "answered": "1", "why": "chart"})
        assert Infusion.objects.count() == before + 1

    def test_it_comes_back_once(self, late, rosa):
        client, page, door = late
        self.back(client, rosa, door)
        assert "LOT-4711" not in client.get(page).content.decode()

    def test_nobody_else_sees_it(self, late, priya):
        client, page, door = late
        give_app(priya)
        assert "LOT-4711" not in self.back(client, priya, door).content.decode()
        assert "LOT-4711" not in client.get(page).content.decode()

    def test_nor_is_it_on_another_page(self, late, rosa, ana):
        client, page, _door = late
        self.back(client, rosa, f"{STAFF}?next=/staff/")
        other = page.replace(page.split("/")[3], str(ana.pk))
        assert "LOT-4711" not in client.get(other).content.decode()
        assert "LOT-4711" in client.get(page).content.decode()

    def test_the_browser_holds_none_of_it(self, late):
        client, _page, _door = late
        assert "LOT-4711" not in str(client.cookies)

    def test_after_a_day_it_is_gone(self, late, rosa, clock):
        client, _page, door = late
        clock.shift(25 * 60 * MINUTE)
        assert "LOT-4711" not in self.back(client, rosa, door).content.decode()

    def test_another_site_cannot_leave_one(self, ben, rosa, typed, clock):
        client = signed_in(rosa, Client(enforce_csrf_checks=True))
        clock.shift(31 * MINUTE + 1)
        assert client.post(f"/staff/patients/{ben.pk}/record/", typed).status_code == 403

    def test_a_page_whose_time_is_over_sends_what_was_typed_on_it(self, ben, rosa, typed, clock):
        give_app(rosa)
        client, page = signed_in(rosa), f"/staff/patients/{ben.pk}/record/"
        answer = client.post(f"/sign-in/timed-out/?{urlencode({'next': page})}", typed)
        assert "_auth_user_id" not in client.session
        assert answer["Clear-Site-Data"]
        assert "LOT-4711" in self.back(client, rosa, answer.url).content.decode()

    def test_a_button_pressed_too_late_leads_home(self, ben, rosa, clock):
        client = signed_in(rosa)
        clock.shift(31 * MINUTE + 1)
        assert client.post(f"/staff/patients/{ben.pk}/record/", {}).url == STAFF


def test_the_second_step_is_not_remembered_by_the_session_of_the_next_person(rosa, priya):
    give_app(rosa)
    client = signed_in(rosa)
    client.post("/sign-out/")
    give_password(client, priya)
    assert client.get("/staff/").url == "/my/sign-in/"
