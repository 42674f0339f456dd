"""Who gets in, and through which door."""

import re

import pytest
from babel.messages.pofile import read_po
from django.conf import settings as current
from django.core import mail
from django.test import Client
from django.urls import reverse

from ocrevus_tracker.accounts.models import User
from tests.cast import PASSWORD, signed_in
from tests.reminders.test_words import LOCALE, _messages

from .doors import CONFIRM, STAFF, ask_for_code, sent_code

TEMPLATES = current.BASE_DIR / "templates"
PATIENTS_PAGES = [
    *("429.html", "base.html", "account/request_login_code.html", "account/passkey_door.html"),
    *("account/keep.html", "account/confirm_login_code.html", "account/from_mail.html"),
    *("account/offer_passkey.html", "account/sign_in_first.html", "mfa/webauthn/add_form.html"),
    *("account/email/unknown_account_message.html", "account/email/unknown_account_message.txt"),
    *("account/email/login_code_message.html", "account/email/login_code_message.txt"),
]


class TestPatientsSignInByCode:
    def test_the_code_opens_their_own_page(self, client, ana):
        ask_for_code(client, "ana@example.org")
        assert client.post(CONFIRM, {"code": sent_code()}).status_code == 302
        assert client.get("/").url == reverse("patient:home")

    def test_an_address_in_capitals_is_the_same_address(self, client, ana):
        ask_for_code(client, "ANA@Example.ORG")
        assert mail.outbox[0].to == ["ana@example.org"]

    def test_spaces_and_dashes_do_not_matter(self, client, ana):
        ask_for_code(client, "ana@example.org")
        digits = re.sub(r"\D", "", sent_code())
        client.post(CONFIRM, {"code": f" {digits[:3]}-{digits[3:]} "})
        assert "_auth_user_id" in client.session

    def test_the_mail_tells_nothing_outside(self, client, ana):
        ask_for_code(client, "ana@example.org")
        [message] = mail.outbox
        assert message.subject == "Your sign-in code"
        assert not re.search(r"ocrevus|infusion|sclerosis|\bMS\b", message.message().as_string())

    def test_the_mail_is_in_the_language_of_its_reader(self, client, ana):
        ana.language = "es"
        ana.save()
        ask_for_code(client, "ANA@example.org")
        [message] = mail.outbox
        assert message.subject == "Su código para entrar"
        assert message.body.startswith(f"Su código es {sent_code()}.\n")
        assert '<html lang="es">' in message.alternatives[0].content

    def test_a_wrong_code_five_times_ends_the_try(self, client, ana):
        ask_for_code(client, "ana@example.org")
        right = sent_code()
        for _ in range(5):
            client.post(CONFIRM, {"code": "000000"})
        client.post(CONFIRM, {"code": right})
        assert "_auth_user_id" not in client.session

    def test_a_code_works_in_the_browser_that_asked_and_once(self, client, ana):
        ask_for_code(client, "ana@example.org")
        code = sent_code()
        elsewhere = Client()
        elsewhere.post(CONFIRM, {"code": code})
        assert "_auth_user_id" not in elsewhere.session
        client.post(CONFIRM, {"code": code})
        client.post("/sign-out/")
        client.post(CONFIRM, {"code": code})
        assert "_auth_user_id" not in client.session

    def test_no_password_opens_a_patients_record(self, client, ana):
        ana.user.set_password(PASSWORD)
        ana.user.save()
        for guess in ("", "password", PASSWORD):
            client.post(STAFF, {"login": "ana@example.org", "password": guess})
        assert "_auth_user_id" not in client.session


class TestStrangersLearnNothing:
    def test_known_unknown_and_staff_addresses_get_the_same_answer(self, rosa, ana):
        answers = []
        for email in ("ana@example.org", "nobody@example.org", rosa.email):
            client = Client()
            first = ask_for_code(client, email)
            page = client.get(first.url).content.decode().replace(email, "ADDRESS")
            answers.append((first.status_code, first.url, re.sub(r'value="[^"]+"', "", page)))
        assert answers[0] == answers[1] == answers[2]

    def test_everybody_gets_one_mail_and_the_patient_alone_a_code(self, rosa, ana):
        User.objects.create_user("gone@example.org", is_active=False)
        for email in ("ana@example.org", "nobody@example.org", rosa.email, "gone@example.org"):
            ask_for_code(Client(), email)
        bodies = {message.to[0]: message.body for message in mail.outbox}
        assert len(bodies) == len(mail.outbox) == 4
        having = [to for to, body in bodies.items() if re.search(r"\d{3} \d{3}", body)]
        assert having == ["ana@example.org"]

    @pytest.mark.parametrize("email", ["a@example.org\r\nBcc: b@example.org", "a@b", "", "\x00"])
    def test_a_strange_address_is_an_error_on_the_form(self, client, db, email):
        assert ask_for_code(client, email).status_code == 200
        assert mail.outbox == []

    def test_nobody_signs_up(self, client, db):
        client.post("/sign-up/", {"email": "new@example.org"})
        assert not User.objects.exists()

    def test_a_disabled_person_stays_out(self, client, ana):
        User.objects.update(is_active=False)
        ask_for_code(client, "ana@example.org")
        assert "_auth_user_id" not in client.session

    def test_pages_send_the_unknown_to_the_door(self, client, db):
        assert client.get("/").url == "/sign-in/?next=/"


def test_a_mail_server_that_is_away_tells_nobody_apart(ana, settings, caplog):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    answers = {ask_for_code(Client(), email).url for email in (ana.email, "nobody@example.org")}
    assert len(answers) == 1
    assert "could not be sent" in caplog.text
    assert ana.email not in caplog.text


def test_signing_out_takes_a_button_not_a_link(rosa):
    client = signed_in(rosa)
    client.get("/sign-out/")
    assert "_auth_user_id" in client.session
    client.post("/sign-out/")
    assert "_auth_user_id" not in client.session


def test_the_process_says_that_it_is_up(client):
    assert client.get("/healthz").content == b"ok\n"


class TestSpanish:
    """The patients' doors speak the language that the browser asks for."""

    def words(self, client: Client, page: str) -> str:
        return client.get(page, headers={"accept-language": "es-MX,es;q=0.9"}).content.decode()

    def test_from_the_door_to_the_offer_of_a_passkey(self, client, ana):
        assert "¿Cuál es su dirección de correo?" in self.words(client, "/sign-in/")
        ask_for_code(client, ana.user.email)
        page = self.words(client, CONFIRM)
        assert '<html lang="es">' in page
        assert "Mantener mi sesión abierta en este dispositivo" in page
        client.post(CONFIRM, {"code": sent_code()})
        assert "¿Entrar más rápido la próxima vez?" in self.words(client, "/my/sign-in/faster/")

    def test_no_word_of_theirs_is_missing(self):
        with (LOCALE / "django.po").open("rb") as file:
            spanish = read_po(file, locale="es")
        for name in PATIENTS_PAGES:
            for words in _messages(TEMPLATES / name):
                assert spanish.get(*words), words

    def test_other_pages_stay_in_english(self, client, db):
        assert '<html lang="en' in self.words(client, "/sign-in/staff/")

    def test_the_answer_says_that_it_depends_on_the_language(self, client, db):
        assert "Accept-Language" in client.get("/sign-in/")["Vary"]
