"""How often somebody may try, and that nobody can be locked out of their own device."""

import pytest
from django.core import mail
from django.core.cache import cache
from django.test import Client

from ocrevus_tracker.accounts import devices

from .doors import CONFIRM, SECOND, STAFF, app_code, ask_for_code, come_in, give_app, give_password

TOO_MANY = "Too many tries. Wait 10 minutes or call your clinic. Your dates are safe."


@pytest.fixture(autouse=True)
def _fresh(db):
    cache.clear()


def elsewhere(number: int) -> dict[str, str]:
    """A request of some other machine on the net."""
    return {"REMOTE_ADDR": f"203.0.113.{number}"}


def lock_out_of_codes(email: str) -> None:
    for number in range(30):
        Client().post("/sign-in/", {"email": email}, **elsewhere(number))


class TestEnough:
    def test_codes_for_one_address_end_after_three_a_minute_and_six_an_hour(self, clock):
        for minute in range(4):
            for number in range(4):
                answer = Client().post(
                    "/sign-in/", {"email": "nobody@example.org"}, **elsewhere(minute * 9 + number)
                )
            clock.shift(61)
        assert len(mail.outbox) == 6
        assert TOO_MANY in answer.content.decode()

    def test_twenty_addresses_a_minute_are_enough_for_one_machine(self, clock):
        for number in range(25):
            ask_for_code(Client(), f"somebody{number}@example.org")
        assert len(mail.outbox) == 20

    def test_five_wrong_passwords_close_the_door_to_the_right_one(self, rosa, clock):
        for number in range(5):
            give_password(Client(), rosa, "wrong passphrase", **elsewhere(number))
        answer = give_password(Client(), rosa, **elsewhere(9))
        assert TOO_MANY in answer.content.decode()
        clock.shift(5 * 60 + 1)
        assert give_password(Client(), rosa, **elsewhere(9)).status_code == 302

    def test_five_wrong_codes_of_an_app_as_well(self, client, rosa):
        give_app(rosa)
        give_password(client, rosa)
        for _try in range(5):
            client.post(SECOND, {"code": "000000"})
        answer = client.post(SECOND, {"code": app_code()})
        assert TOO_MANY in answer.content.decode()

    def test_a_machine_that_knocks_too_often_gets_a_page_of_ours(self, client, clock):
        for _try in range(31):
            answer = client.post(STAFF, {})
        assert answer.status_code == 429
        assert "Your dates are safe." in answer.content.decode()

    def test_behind_a_proxy_the_machine_behind_it_counts(self, settings, clock):
        settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
        for number in range(25):
            Client().post(
                "/sign-in/",
                {"email": f"somebody{number}@example.org"},
                headers={"x-forwarded-for": f"198.51.100.1, 203.0.113.{number}"},
            )
        assert len(mail.outbox) == 25

    def test_without_one_nobody_chooses_who_they_are(self, clock):
        for number in range(25):
            Client().post(
                "/sign-in/",
                {"email": f"somebody{number}@example.org"},
                headers={"x-forwarded-for": f"203.0.113.{number}"},
            )
        assert len(mail.outbox) == 20


class TestAtTheirOwnDevice:
    def test_a_patient_gets_in_while_others_use_up_their_codes(self, client, ana, clock):
        come_in(client, ana.user.email)
        client.post("/sign-out/")
        lock_out_of_codes(ana.user.email)
        assert TOO_MANY in ask_for_code(Client(), ana.user.email).content.decode()
        come_in(client, ana.user.email)
        assert "_auth_user_id" in client.session

    def test_also_when_the_attacker_sits_behind_the_same_address_on_the_net(
        self, client, ana, clock
    ):
        come_in(client, ana.user.email)
        client.post("/sign-out/")
        for number in range(25):
            ask_for_code(Client(), f"somebody{number}@example.org")
        come_in(client, ana.user.email)
        assert "_auth_user_id" in client.session

    def test_staff_get_in_while_others_try_passwords_and_codes(self, client, rosa):
        give_app(rosa)
        give_password(client, rosa)
        client.post(SECOND, {"code": app_code()})
        client.post("/sign-out/")
        for _try in range(7):
            thief = Client()
            give_password(thief, rosa)  # even one who knows the password
            thief.post(SECOND, {"code": "000000"})
            give_password(Client(), rosa, "wrong passphrase")
        assert TOO_MANY in give_password(Client(), rosa).content.decode()
        give_password(client, rosa)
        client.post(SECOND, {"code": app_code(1)})  # the last one is used up
        assert client.get("/staff/").status_code == 200

    def test_the_device_has_an_end_of_tries_too(self, client, ana, clock):
        come_in(client, ana.user.email)
        client.post("/sign-out/")
        for _try in range(4):
            answer = ask_for_code(client, ana.user.email)
        assert TOO_MANY in answer.content.decode()

    def test_it_speaks_for_nobody_else(self, client, ana, ben, clock):
        come_in(client, ana.user.email)
        client.post("/sign-out/")
        lock_out_of_codes(ben.user.email)
        assert TOO_MANY in ask_for_code(client, ben.user.email).content.decode()

    def test_a_forged_one_speaks_for_nobody(self, client, ana, clock):
        come_in(client, ana.user.email)
        cookie = client.cookies[devices.COOKIE].value
        forger = Client()
        forger.cookies[devices.COOKIE] = cookie[:-1] + ("A" if cookie[-1] != "A" else "B")
        lock_out_of_codes(ana.user.email)
        assert TOO_MANY in ask_for_code(forger, ana.user.email).content.decode()

    def test_its_cookie_opens_nothing_and_names_nobody(self, client, ana):
        come_in(client, ana.user.email)
        cookie = client.cookies[devices.COOKIE]
        assert cookie["httponly"]
        assert "ana" not in cookie.value
        thief = Client()
        thief.cookies[devices.COOKIE] = cookie.value
        assert thief.get("/home/").status_code == 302

    def test_a_family_shares_one(self, client, ana, ben):
        for person in (ana, ben):
            come_in(client, person.user.email)
            client.post("/sign-out/")
        device = devices.of(client.get("/sign-in/").wsgi_request)
        assert device.knows("ANA@example.org ")
        assert device.knows(ben.user.email)


def test_many_other_entries_do_not_push_a_limit_out(clock):
    for _try in range(3):
        ask_for_code(Client(), "nobody@example.org")
    for number in range(1000):
        cache.set(f"flood-{number}", 1, 60)
    assert TOO_MANY in ask_for_code(Client(), "nobody@example.org").content.decode()


def test_a_wrong_code_of_a_patient_is_counted_where_it_is_typed(ana):
    mine, theirs = Client(), Client()
    ask_for_code(mine, ana.user.email)
    right = mail.outbox[-1].body
    ask_for_code(theirs, ana.user.email)
    for _try in range(6):
        theirs.post(CONFIRM, {"code": "000000"})
    mine.post(CONFIRM, {"code": right.split("Your code is ")[1][:7]})
    assert "_auth_user_id" in mine.session
