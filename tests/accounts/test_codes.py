"""Codes by e-mail: where they work, for how long, and what a link in a mail may do."""

import datetime as dt
import re

import pytest
from django.core import mail
from django.test import Client

from ocrevus_tracker.accounts.models import Clinic, User
from tests.cast import make_clinic, make_patient, make_staff

from .doors import CONFIRM, REQUEST, ask_for_code, come_in, is_in, sent_code, sent_link


class TestWhereACodeWorks:
    def test_not_after_fifteen_minutes_and_then_a_new_one_comes(self, client, ana, clock):
        ask_for_code(client, ana.user.email)
        old = sent_code()
        clock.shift(15 * 60 + 1)
        page = client.post(CONFIRM, {"code": old}, follow=True).content.decode()
        assert "That code is too old. We sent a new one to ana@example.org." in page
        assert "_auth_user_id" not in client.session
        assert len(mail.outbox) == 2
        client.post(CONFIRM, {"code": sent_code()})
        assert is_in(client)

    def test_to_the_last_second_of_them_it_does(self, client, ana, clock):
        ask_for_code(client, ana.user.email)
        clock.shift(15 * 60 - 1)
        client.post(CONFIRM, {"code": sent_code()})
        assert is_in(client)

    def test_looking_at_the_page_of_an_old_one_sends_nothing(self, client, ana, clock):
        ask_for_code(client, ana.user.email)
        clock.shift(15 * 60 + 1)
        assert client.get(CONFIRM).url == REQUEST
        assert len(mail.outbox) == 1

    def test_an_earlier_one_dies_with_the_next(self, client, ana):
        ask_for_code(client, ana.user.email)
        earlier = sent_code()
        ask_for_code(client, ana.user.email)
        client.post(CONFIRM, {"code": earlier})
        assert "_auth_user_id" not in client.session

    def test_and_with_one_that_was_sent_again(self, client, ana):
        ask_for_code(client, ana.user.email)
        earlier = sent_code()
        client.post(CONFIRM, {"action": "resend"})
        client.post(CONFIRM, {"code": earlier})
        assert "_auth_user_id" not in client.session

    def test_what_others_ask_for_elsewhere_does_not_void_it(self, client, ana):
        ask_for_code(client, ana.user.email)
        mine = sent_code()
        ask_for_code(Client(), ana.user.email)
        client.post(CONFIRM, {"code": mine})
        assert is_in(client)

    def test_the_session_does_not_tell_it(self, client, ana):
        ask_for_code(client, ana.user.email)
        assert re.sub(r"\D", "", sent_code()) not in str(dict(client.session))

    def test_another_address_can_be_typed_while_one_waits(self, client, ana, ben):
        ask_for_code(client, ana.user.email)
        assert client.get(REQUEST).status_code == 200
        ask_for_code(client, ben.user.email)
        client.post(CONFIRM, {"code": sent_code()})
        assert client.session["_auth_user_id"] == str(ben.user.pk)


class TestTheLinkInTheMail:
    def test_opened_it_signs_nobody_in_and_uses_nothing_up(self, client, ana):
        ask_for_code(client, ana.user.email)
        for _scanner in range(6):
            assert client.get(sent_link()).status_code == 200
            assert Client().get(sent_link()).status_code == 200
        assert "_auth_user_id" not in client.session
        client.post(CONFIRM, {"code": sent_code()})
        assert is_in(client)

    def test_its_button_signs_in_where_the_code_was_asked_for(self, client, ana):
        ask_for_code(client, ana.user.email)
        page = client.get(sent_link()).content.decode()
        [code] = re.findall(r'name="code" value="(\d{6})"', page)
        client.post(CONFIRM, {"code": code})
        assert is_in(client)

    def test_elsewhere_it_shows_the_code_and_has_no_such_button(self, client, ana):
        ask_for_code(client, ana.user.email)
        page = Client().get(sent_link()).content.decode()
        assert sent_code() in page
        assert 'name="code"' not in page

    def test_a_made_up_one_is_a_page_without_a_code(self, client, db):
        page = client.get("/sign-in/link/?code=123456")
        assert page.status_code == 200
        assert "Type it there" not in page.content.decode()

    def test_its_address_does_not_tell_the_code(self, client, ana):
        ask_for_code(client, ana.user.email)
        assert re.sub(r"\D", "", sent_code()) not in sent_link()

    def test_it_leads_to_our_own_host_whatever_the_request_said(self, ana, settings):
        settings.ALLOWED_HOSTS = ["evil.test"]
        Client(headers={"host": "evil.test"}).post(REQUEST, {"email": ana.user.email})
        assert "evil.test" not in str(mail.outbox[0].message())


class TestKeepMeSignedIn:
    def test_is_off_unless_ticked(self, client, ana, clock):
        cookie = come_in(client, ana.user.email).cookies["sessionid"]
        assert cookie["max-age"] == ""  # it ends with the browser
        clock.shift(61 * 60 + 1)
        assert client.get("/home/").status_code == 302

    def test_ticked_it_lasts_ninety_days(self, client, ana, clock):
        cookie = come_in(client, ana.user.email, keep="on").cookies["sessionid"]
        assert cookie["max-age"] == 90 * 24 * 60 * 60
        clock.shift(dt.timedelta(days=89))
        assert client.get("/home/").status_code == 200
        clock.shift(dt.timedelta(days=1, minutes=2))
        assert client.get("/home/").status_code == 302


class TestAClinicWithoutCodes:
    @pytest.fixture
    def closed(self, harbor) -> None:
        Clinic.objects.filter(pk=harbor.pk).update(codes_by_email=False)

    def test_sends_its_patients_none_and_looks_the_same(self, client, ana, closed):
        answer = ask_for_code(client, ana.user.email)
        assert answer.url == CONFIRM
        assert not re.search(r"\d{3} \d{3}", mail.outbox[0].body)

    def test_nor_when_another_clinic_of_theirs_does(self, client, ana, closed):
        other = make_clinic("Open Clinic")
        make_patient(other, make_staff(other, "Olga"), "Ana")
        ask_for_code(client, ana.user.email)
        assert not re.search(r"\d{3} \d{3}", mail.outbox[0].body)

    def test_sends_them_to_others_as_before(self, client, ana, closed):
        User.objects.create_user("mallory@example.org")
        come_in(client, "mallory@example.org")
        assert "_auth_user_id" in client.session
