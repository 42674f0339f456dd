"""What pages know without asking."""

from django.urls import reverse

from tests.cast import make_clinic

CODE = "account_confirm_login_code"


def door(client) -> str:
    return client.get(reverse("account_request_login_code")).content.decode()


def test_the_only_clinics_phone_is_on_the_door(client, harbor):
    assert "010-0142" in door(client)


def test_with_two_clinics_nobody_is_sent_to_the_wrong_one(client, harbor):
    make_clinic("Hill Clinic")
    assert "010-0142" not in door(client)


def test_a_page_that_does_not_exist_says_whom_to_call(client, harbor):
    assert b"010-0142" in client.get("/nowhere/").content


def test_a_demo_says_where_its_mail_is(client, ana, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = "/dev/null/nowhere"

    for debug, told in ((True, True), (False, False)):
        settings.DEBUG = debug
        page = client.get(reverse("account_request_login_code"))
        assert bool(page.context["demo_mail_dir"]) is told
