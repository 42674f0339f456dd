"""Staff take a second step before anything else opens, and keep one."""

import re
import time
from contextlib import contextmanager

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings as current
from django.contrib.sessions.models import Session
from django.test import Client, modify_settings, override_settings

from ocrevus_tracker.accounts import factors, sealing
from ocrevus_tracker.accounts.models import Membership, User
from ocrevus_tracker.urls import admin_pages, urlpatterns
from tests.cast import PASSWORD, signed_in

from .doors import (
    APP,
    SECOND,
    STAFF,
    WAYS,
    app_code,
    come_in,
    give_app,
    give_password,
    is_in,
)


@pytest.fixture
def with_app(rosa) -> User:
    give_app(rosa)
    return rosa


def opens_work_list(client) -> bool:
    return client.get("/staff/").status_code == 200


class TestWithoutASecondStep:
    @pytest.mark.parametrize("path", ["/", "/staff/", "/staff/patients/", "/home/", "/my/emails/"])
    def test_a_password_alone_opens_nothing(self, client, rosa, path):
        give_password(client, rosa)
        answer = client.get(path)
        assert (answer.status_code, answer.url) == (302, WAYS)

    def test_a_post_is_stopped_as_well(self, client, rosa, ana):
        give_password(client, rosa)
        answer = client.post(f"/staff/patients/{ana.pk}/change/", {"given_name": "Changed"})
        assert (answer.status_code, answer.url) == (302, WAYS)

    def test_nor_does_it_for_a_superuser(self, client, db):
        root = User.objects.create_superuser("root@example.org", PASSWORD)
        give_password(client, root)
        assert client.get("/").url == WAYS

    def test_they_are_led_to_set_up_an_app_and_get_recovery_codes(self, client, rosa, clock):
        give_password(client, rosa)
        page = client.get("/my/sign-in/app/").content.decode()
        [secret] = re.findall(r'class="key">([A-Z2-7]+)<', page)
        code = factors.code_at(secret, time.time())
        answer = client.post("/my/sign-in/app/", {"code": f"{code[:3]} {code[3:]}"}, follow=True)
        assert len(re.findall(r"<li>\d{4} \d{4}</li>", answer.content.decode())) == 10
        assert opens_work_list(client)

    def test_a_wrong_first_code_sets_up_nothing(self, client, rosa):
        give_password(client, rosa)
        client.get("/my/sign-in/app/")
        answer = client.post("/my/sign-in/app/", {"code": "000000"})
        assert "That did not work." in answer.content.decode()
        assert not factors.has_one(rosa)

    def test_who_becomes_staff_while_signed_in_as_a_patient_comes_in_anew(self, client, ana):
        come_in(client, ana.user.email)
        Membership.objects.create(user=ana.user, clinic=ana.clinic)
        assert client.get("/staff/").url == STAFF
        assert "_auth_user_id" not in client.session


class TestWithAnApp:
    def test_its_code_opens_the_work_list(self, client, with_app):
        assert give_password(client, with_app).url == SECOND
        assert "_auth_user_id" not in client.session
        client.post(SECOND, {"code": app_code()})
        assert opens_work_list(client)

    def test_a_wrong_code_opens_nothing_and_says_so(self, client, with_app):
        give_password(client, with_app)
        answer = client.post(SECOND, {"code": "000000"})
        assert "That did not work." in answer.content.decode()
        assert not is_in_as_staff(client)

    def test_the_code_of_half_a_minute_ago_still_works(self, client, with_app, clock):
        give_password(client, with_app)
        client.post(SECOND, {"code": app_code(-1)})
        assert opens_work_list(client)

    def test_no_code_works_twice(self, with_app, clock):
        code = app_code()
        for late in (0, 31):
            clock.shift(late)
            other = Client()
            give_password(other, with_app)
            other.post(SECOND, {"code": code})
            assert is_in_as_staff(other) is (late == 0)

    def test_a_recovery_code_works_once(self, with_app):
        code = factors.recovery_codes(with_app)[0]
        opened = []
        for _again in range(2):
            other = Client()
            give_password(other, with_app)
            other.post(SECOND, {"code": code})
            opened.append(is_in_as_staff(other))
        assert opened == [True, False]

    def test_the_second_step_without_the_first_leads_to_the_door(self, client, with_app):
        assert client.post(SECOND, {"code": app_code()}).url == STAFF

    def test_the_page_they_wanted_opens_at_the_end(self, client, with_app):
        door = f"{STAFF}?next=/staff/patients/"
        client.post(door, {"login": with_app.email, "password": PASSWORD})
        assert client.post(SECOND, {"code": app_code()}).url == "/staff/patients/"

    @pytest.mark.parametrize(
        "away", ["//evil.test/", "https://evil.test/", "\\evil.test", "javascript:alert(1)"]
    )
    def test_no_link_leads_away_from_here(self, client, with_app, away):
        client.post(STAFF, {"login": with_app.email, "password": PASSWORD, "next": away})
        assert client.post(SECOND, {"code": app_code()}).url == "/"


def is_in_as_staff(client) -> bool:
    return "_auth_user_id" in client.session and opens_work_list(client)


class TestSecretsAtRest:
    def test_neither_app_nor_recovery_codes_can_be_read_from_the_database(self, with_app):
        kept = str(list(Authenticator.objects.values_list("data", flat=True)))
        assert APP not in kept
        for code in factors.recovery_codes(with_app):
            assert code not in kept
        assert "gAAAA" in kept

    def test_nor_can_an_app_that_is_being_set_up(self, client, rosa):
        give_password(client, rosa)
        page = client.get("/my/sign-in/app/").content.decode()
        [secret] = re.findall(r'class="key">([A-Z2-7]+)<', page)
        sessions = [one.get_decoded() for one in Session.objects.all()]
        assert secret not in str(sessions)

    def test_a_new_key_reads_what_the_old_one_sealed(self, client, with_app, settings):
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
        settings.SECRET_KEY = "another made-up key of some length"
        give_password(client, with_app)
        client.post(SECOND, {"code": app_code()})
        assert opens_work_list(client)

    def test_resealed_it_needs_the_old_key_no_more(self, settings):
        sealed = sealing.seal("a secret")
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
        settings.SECRET_KEY = "another made-up key of some length"
        fresh = sealing.reseal(sealed)
        settings.SECRET_KEY_FALLBACKS = []
        assert sealing.unseal(fresh) == "a secret"
        with pytest.raises(sealing.InvalidToken):
            sealing.unseal(sealed)

    def test_a_lost_key_is_a_refusal_not_an_error(self, client, with_app, settings, caplog):
        settings.SECRET_KEY = "another made-up key of some length"
        give_password(client, with_app)
        assert client.post(SECOND, {"code": app_code()}).status_code == 200
        assert "cannot be read" in caplog.text


class TestKeepingOne:
    def test_the_only_one_cannot_be_removed(self, with_app):
        client = signed_in(with_app)
        answer = client.post("/my/sign-in/app/remove/")
        assert "This is your only second step." in answer.content.decode()
        assert factors.has_one(with_app)

    def test_removing_one_of_two_ends_every_other_session(self, with_app):
        Authenticator.objects.create(user=with_app, type="webauthn", data={"name": "key"})
        here, elsewhere = signed_in(with_app), signed_in(with_app)
        here.post("/my/sign-in/app/remove/")
        assert is_in_as_staff(here)
        assert not is_in_as_staff(elsewhere)

    def test_new_recovery_codes_replace_the_old_and_end_other_sessions(self, with_app):
        old = set(factors.recovery_codes(with_app))
        here, elsewhere = signed_in(with_app), signed_in(with_app)
        here.post("/my/sign-in/recovery-codes/new/")
        assert old.isdisjoint(factors.recovery_codes(with_app))
        assert not is_in_as_staff(elsewhere)

    def test_an_admin_can_take_all_away_which_ends_all_sessions(self, with_app):
        client = signed_in(with_app)
        factors.remove_all(user=with_app)
        assert not is_in_as_staff(client)
        give_password(client, with_app)
        assert client.get("/staff/").url == WAYS

    @pytest.mark.parametrize(
        "path",
        [
            "/my/sign-in/app/remove/",
            "/my/sign-in/passkeys/add/",
            "/my/sign-in/recovery-codes/",
            "/my/sign-in/recovery-codes/new/",
            "/my/sign-in/recovery-codes/download/",
        ],
    )
    def test_minutes_later_all_of_it_asks_again_who_they_are(self, with_app, clock, path):
        client = signed_in(with_app)
        clock.shift(6 * 60)
        again = client.get(path)
        assert again.url.startswith("/my/sign-in/again/?next=")
        assert client.post(again.url, {"password": "wrong passphrase"}).status_code == 200
        assert client.get(path).status_code == 302
        assert client.post(again.url, {"password": PASSWORD}).url == path
        assert client.get(path).status_code == 200

    def test_the_apps_code_tells_who_they_are_as_well(self, with_app, clock):
        client = signed_in(with_app)
        clock.shift(6 * 60)
        client.post("/my/sign-in/again/code/", {"code": app_code()})
        assert client.get("/my/sign-in/recovery-codes/").status_code == 200

    def test_a_new_password_ends_every_other_session(self, with_app):
        here, elsewhere = signed_in(with_app), signed_in(with_app)
        new = "another made-up passphrase"
        facts = {"oldpassword": PASSWORD, "password1": new, "password2": new}
        here.post("/my/sign-in/password/", facts)
        assert is_in_as_staff(here)
        assert not is_in_as_staff(elsewhere)
        with_app.refresh_from_db()
        assert with_app.check_password(new)


class TestPatients:
    def test_with_a_passkey_they_may_still_use_a_code(self, client, ana):
        Authenticator.objects.create(user=ana.user, type="webauthn", data={"name": "key"})
        come_in(client, ana.user.email)
        assert is_in(client)

    def test_they_are_offered_a_passkey_once(self, ana):
        offers = [come_in(Client(), ana.user.email).url for _again in range(2)]
        assert offers == ["/my/sign-in/faster/?next=%2F", "/"]

    def test_there_is_no_password_to_change(self, ana):
        assert signed_in(ana.user).get("/my/sign-in/password/").status_code == 404

    def test_an_old_session_adds_no_passkey(self, ana, clock):
        client = signed_in(ana.user)
        assert "passkey-options" in client.get("/my/sign-in/passkeys/add/").content.decode()
        clock.shift(6 * 60)
        page = client.get("/my/sign-in/passkeys/add/").content.decode()
        assert "Please sign in again" in page
        assert "passkey-options" not in page


class TestDjangoAdmin:
    def test_is_not_there_unless_asked_for(self, client, db):
        assert not current.DJANGO_ADMIN
        assert client.get("/admin/").status_code == 404

    def test_is_behind_the_same_door(self, client, db):
        root = User.objects.create_superuser("root@example.org", PASSWORD)
        with _admin_on():
            assert client.get("/admin/", follow=True).redirect_chain[-1][0].startswith("/sign-in/")
            give_password(client, root)
            assert client.get("/admin/").url == WAYS
            assert signed_in(root).get("/admin/password_change/").status_code == 200


@contextmanager
def _admin_on():
    """The addresses with Django's admin among them."""
    with modify_settings(INSTALLED_APPS={"append": "django.contrib.admin"}):
        urls = type("Urls", (), {"urlpatterns": [*urlpatterns, *admin_pages()]})
        with override_settings(ROOT_URLCONF=urls):
            yield
