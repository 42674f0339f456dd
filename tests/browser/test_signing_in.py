"""The doors in a real browser: passkeys, the warning before the end, and how the pages look."""

import time

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from playwright.sync_api import Page, expect

from ocrevus_tracker.accounts import factors, sessions
from schedules.models import Infusion
from tests.accounts.doors import app_code, give_app, sent_code, sent_link
from tests.cast import PASSWORD

from .conftest import assert_accessible_in_every_look, assert_targets
from .signing_in import signed_in_page

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def security_key(page: Page) -> str:
    """A finger reader in this browser that always says yes; returns its id."""
    return add_security_key(page, verified=True)


def add_security_key(page: Page, *, verified: bool) -> str:
    if hasattr(page, "devtools"):  # the window of an earlier visitor, whose finger is gone
        page.devtools.send("WebAuthn.disable")
    devtools = page.context.new_cdp_session(page)
    page.devtools = devtools  # type: ignore[attr-defined]  # kept alive with the page
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": verified,
        "automaticPresenceSimulation": True,
    }
    return devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})[
        "authenticatorId"
    ]


def press(page: Page, role: str, name: str) -> None:
    """Press what leads to another page, and be there."""
    with page.expect_navigation():
        page.get_by_role(role, name=name).click()  # type: ignore[arg-type]  # button or link


def in_by_code(page: Page, email: str) -> None:
    page.goto("/sign-in/")
    page.get_by_label("What is your email address?").fill(email)
    page.get_by_role("button", name="Send me a code").click()
    expect(page.get_by_role("heading", name="Check your email")).to_be_visible()
    page.get_by_label("Your code").fill(sent_code())
    page.get_by_role("button", name="Sign in").click()


def in_by_password(page: Page, user) -> None:
    page.goto("/sign-in/staff/")
    page.get_by_label("Email address").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    press(page, "button", "Sign in")


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()


class TestPasskeys:
    def test_a_patient_adds_one_when_it_is_offered_and_signs_in_with_it(
        self, page, ana, security_key
    ):
        in_by_code(page, ana.user.email)
        page.get_by_role("link", name="Add a passkey").click()
        page.get_by_role("button", name="Add a passkey").click()
        expect(page.get_by_text("The passkey is added.")).to_be_visible()
        expect(page).to_have_url("/home/")
        sign_out(page)
        page.get_by_role("button", name="Use a passkey").click()
        expect(page).to_have_url("/home/")
        assert factors.recovery_codes(ana.user) == []

    def test_staff_set_one_up_and_need_no_password_then(self, page, rosa, security_key):
        in_by_password(page, rosa)
        expect(page.get_by_role("heading", name="One more step to set up")).to_be_visible()
        page.get_by_role("link", name="Add a passkey").click()
        page.get_by_role("button", name="Add a passkey").click()
        expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
        page.get_by_role("link", name="I have kept them").click()
        expect(page.get_by_role("heading", name="Work list")).to_be_visible()
        sign_out(page)
        page.goto("/sign-in/staff/?next=/staff/clinic/")
        page.get_by_role("button", name="Use a passkey").click()
        expect(page).to_have_url("/staff/clinic/")
        sign_out(page)
        in_by_password(page, rosa)
        expect(page.get_by_role("heading", name="Second step")).to_be_visible()
        page.get_by_role("button", name="Use a passkey").click()
        expect(page.get_by_role("heading", name="Work list")).to_be_visible()

    def test_one_that_asked_for_no_finger_is_refused(self, page, ana):
        add_security_key(page, verified=False)
        in_by_code(page, ana.user.email)
        page.get_by_role("link", name="Add a passkey").click()
        page.get_by_role("button", name="Add a passkey").click()
        expect(page.get_by_role("alert")).to_be_visible()
        assert not factors.has_passkey(ana.user)

    def test_removed_it_opens_nothing(self, page, ana, security_key):
        in_by_code(page, ana.user.email)
        page.get_by_role("link", name="Add a passkey").click()
        page.get_by_role("button", name="Add a passkey").click()
        page.goto("/my/sign-in/")
        page.get_by_role("link", name="Remove").click()
        page.get_by_role("button", name="Remove the passkey").click()
        expect(page.get_by_text("The passkey is removed.")).to_be_visible()
        sign_out(page)
        page.get_by_role("button", name="Use a passkey").click()
        expect(page.get_by_text("That passkey did not work.")).to_be_visible()

    def test_it_tells_again_who_somebody_is(self, page, rosa, security_key):
        in_by_password(page, rosa)
        page.get_by_role("link", name="Add a passkey").click()
        page.get_by_role("button", name="Add a passkey").click()
        expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
        long_ago = sessions.FRESH_SECONDS + 1
        move_session(rosa, began=time.time() - long_ago)
        page.goto("/my/sign-in/recovery-codes/new/")
        expect(page.get_by_role("heading", name="Is it still you?")).to_be_visible()
        page.get_by_role("link", name="Use a passkey").click()
        page.get_by_role("button", name="Use a passkey").click()
        expect(page.get_by_role("heading", name="Make new recovery codes?")).to_be_visible()

    def test_without_script_nobody_is_shown_a_dead_button(self, page_without_javascript, ana):
        page_without_javascript.goto("/sign-in/")
        expect(page_without_javascript.get_by_role("button", name="Use a passkey")).to_be_hidden()


def move_session(user, **mark) -> None:
    """Change when `user`'s session began or was last used."""
    for row in Session.objects.all():
        store = SessionStore(row.session_key)
        if store.get("_auth_user_id") == str(user.pk):
            store[sessions.MARK] = store[sessions.MARK] | mark
            store.save()


class TestTheWarning:
    def test_one_key_gives_more_time_and_the_cursor_stays(self, page, ana, rosa):
        page.clock.install()
        with signed_in_page(page, rosa):
            page.goto(f"/staff/patients/{ana.pk}/change/")
            name = page.get_by_label("First name")
            name.fill("Anna")
            name.focus()
            move_session(rosa, seen=time.time() - 1800 + 170)
            page.clock.fast_forward("27:30")
            box = page.get_by_role("dialog", name="Are you still there?")
            expect(box).to_be_visible()
            expect(box).to_contain_text("You will be signed out at")
            assert_accessible_in_every_look(page)
            with page.expect_response("**/sign-in/stay/") as answer:
                page.keyboard.press("Enter")
            assert answer.value.json()["seconds"] > 1790
            expect(box).to_be_hidden()
            expect(name).to_be_focused()
            expect(name).to_have_value("Anna")

    def test_none_while_another_page_is_used(self, page, rosa):
        page.clock.install()
        with signed_in_page(page, rosa):
            page.goto("/staff/")
            with page.expect_response("**/sign-in/stay/"):
                page.clock.fast_forward("28:00")
            expect(page.get_by_role("dialog")).to_be_hidden()

    def test_at_the_end_what_was_typed_comes_back_after_signing_in(self, page, ben, rosa):
        give_app(rosa)
        before = Infusion.objects.count()
        page.clock.install()
        with signed_in_page(page, rosa):
            page.goto(f"/staff/patients/{ben.pk}/change/")
            page.get_by_label("First name").fill("Benedict")
            move_session(rosa, seen=time.time() - 1805)
            page.clock.fast_forward("31:00")
            expect(page.get_by_role("heading", name="Clinic staff sign in")).to_be_visible()
            page.get_by_label("Email address").fill(rosa.email)
            page.get_by_label("Password").fill(PASSWORD)
            page.get_by_role("button", name="Sign in").click()
            page.get_by_label("Code").fill(app_code())
            page.get_by_role("button", name="Sign in").click()
            expect(page.get_by_label("First name")).to_have_value("Benedict")
            ben.refresh_from_db()
            assert ben.given_name == "Ben"
            assert Infusion.objects.count() == before

    def test_a_page_nobody_typed_on_goes_away_as_well(self, page, rosa):
        page.clock.install()
        with signed_in_page(page, rosa):
            page.goto("/staff/patients/")
            move_session(rosa, seen=time.time() - 1805)
            page.clock.fast_forward("31:00")
            expect(page.get_by_role("heading", name="Clinic staff sign in")).to_be_visible()


class TestTheirLook:
    def test_of_a_patients_pages(self, page, ana):
        page.goto("/sign-in/")
        page.get_by_label("What is your email address?").fill(ana.user.email)
        page.get_by_role("button", name="Send me a code").click()
        expect(page.get_by_role("heading", name="Check your email")).to_be_visible()
        checked(page)
        page.goto(sent_link())
        checked(page)
        page.get_by_label("Keep me signed in on this device").check()
        press(page, "button", "Sign in")
        checked(page)
        press(page, "link", "Add a passkey")
        checked(page)
        page.goto("/my/sign-in/")
        checked(page)
        page.context.clear_cookies()
        page.goto(sent_link())
        checked(page)

    def test_of_the_staffs_pages(self, page, rosa):
        in_by_password(page, rosa)
        checked(page)
        press(page, "link", "Set up an app")
        checked(page)
        page.context.clear_cookies()
        give_app(rosa)
        in_by_password(page, rosa)
        checked(page)
        page.get_by_label("Code").fill("000000")
        press(page, "button", "Sign in")
        checked(page)
        page.get_by_label("Code").fill(app_code())
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="Work list")).to_be_visible()
        Authenticator.objects.create(user=rosa, type="webauthn", data={"name": "key"})
        for path in ("", "recovery-codes/", "recovery-codes/new/", "password/", "app/remove/"):
            page.goto(f"/my/sign-in/{path}")
            checked(page)
        key = Authenticator.objects.get(type="webauthn")
        page.goto(f"/my/sign-in/passkeys/{key.pk}/remove/")
        checked(page)
        for path in ("again/", "again/code/"):
            page.goto(f"/my/sign-in/{path}")
            checked(page)


def checked(page: Page) -> None:
    expect(page.locator("h1")).to_have_count(1)
    assert_targets(page, 44)
    assert_accessible_in_every_look(page)
