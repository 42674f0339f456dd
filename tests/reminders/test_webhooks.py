"""What mail services post: proven, short, understood; else nothing has changed."""

import copy
import hmac
import json
import time
from base64 import b64encode
from hashlib import sha256

import pytest
from django.urls import reverse

from reminders import webhooks
from reminders.models import DeadAddress, DeliveryEvent, Reminder, State

from .conftest import due_course
from .test_evidence import MARK, make_row

pytestmark = pytest.mark.django_db

KEY = "made-up-key"
SECRET = "clinic:passphrase"
TOKEN = "e0b5477167110d68991efc6b9f89f0a1"
PLAIN = reverse("reminders:events")
POSTMARK = reverse("reminders:service_events", args=["postmark"])
MAILGUN = reverse("reminders:service_events", args=["mailgun"])


@pytest.fixture(autouse=True)
def _keys(settings):
    settings.REMINDER_WEBHOOK_KEY = KEY
    settings.ANYMAIL = {"WEBHOOK_SECRET": SECRET}


@pytest.fixture
def mailgun(settings):
    settings.ANYMAIL = {"MAILGUN_WEBHOOK_SIGNING_KEY": KEY}


@pytest.fixture(autouse=True)
def course(harbor, rosa):
    course = due_course(harbor, rosa, due_in=60)
    make_row(course, state=State.ON_WIRE, accepted_at=None)
    return course


def state() -> str:
    return Reminder.objects.get().state


def nothing_has_changed() -> bool:
    return state() == State.ON_WIRE and not DeliveryEvent.objects.exists()


# -- Our own format ----------------------------------------------------------


def said(**fields) -> dict:
    return {
        "id": "e-1",
        "message_id": f"<{MARK}@clinic.example.org>",
        "event": "delivered",
        "at": "2026-03-12T15:01:00Z",
        "hard": False,
    } | fields


def post(client, body, *, key=KEY, age=0, **headers):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    stamp = str(int(time.time()) - age)
    signature = hmac.new(key.encode(), f"{stamp}.".encode() + body, sha256).hexdigest()
    headers = {webhooks.TIMESTAMP: stamp, webhooks.SIGNATURE: signature} | headers
    return client.post(PLAIN, body, content_type="application/json", headers=headers)


class TestPlain:
    def test_a_signed_report_is_taken(self, client):
        assert post(client, said()).status_code == 200
        assert state() == State.DELIVERED

    def test_a_replay_is_fine_and_nothing_new(self, client):
        assert [post(client, said()).status_code for _one in range(2)] == [200, 200]
        assert DeliveryEvent.objects.count() == 1

    def test_a_hard_bounce_says_that_the_address_is_no_good(self, client):
        post(client, said(event="bounced", hard=True))
        assert DeadAddress.objects.get().email == "ana@example.org"

    def test_an_unknown_mail_is_kept_for_later(self, client):
        assert post(client, said(message_id="0" * 32)).status_code == 200
        assert DeliveryEvent.objects.get().reminder is None

    @pytest.mark.parametrize(
        "how",
        [
            {"key": "another"},
            {"age": 301},
            {"age": -301},
            {webhooks.SIGNATURE: ""},
            {webhooks.SIGNATURE: "é"},
            {webhooks.TIMESTAMP: ""},
            {webhooks.TIMESTAMP: "nan"},
            {webhooks.TIMESTAMP: "9" * 30},
        ],
    )
    def test_unproven_is_refused(self, client, how):
        assert post(client, said(), **how).status_code == 401
        assert nothing_has_changed()

    @pytest.mark.parametrize("age", [299, -299])
    def test_clocks_may_differ_a_little(self, client, age):
        assert post(client, said(), age=age).status_code == 200

    def test_a_signature_is_for_these_words_and_this_time(self, client):
        stamp, body = str(int(time.time())), json.dumps(said()).encode()
        given = webhooks.signature(stamp, body)
        for other in ({webhooks.TIMESTAMP: str(int(stamp) + 1)}, {}):
            headers = {webhooks.TIMESTAMP: stamp, webhooks.SIGNATURE: given} | other
            answer = client.post(
                PLAIN, body + (b"" if other else b" "), "application/json", headers=headers
            )
            assert answer.status_code == 401

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{",
            b"[]",
            b"null",
            b'"text"',
            b"\xff",
            b"[" * 60000,
            *(said(id=value) for value in ("", 7, None, "x" * 129, "a b", "nul\0", "\ud800")),
            *(said(message_id=value) for value in ("", 7, None, "a b", "\0")),
            *(said(event=value) for value in ("opened", "", 7, None, ["delivered"])),
            *(said(at=value) for value in ("", "now", 7, None, "2026-03-12T15:01:00")),
            said(at="0001-01-01T00:00:00+14:00"),
            *(said(hard=value) for value in ("yes", 1, None)),
            said(recipient=7),
            {"id": "e-1"},
        ],
    )
    def test_what_is_not_understood_is_refused(self, client, body):
        assert post(client, body).status_code == 400
        assert nothing_has_changed()

    def test_what_is_too_long_is_not_read(self, client):
        assert post(client, b" " * (64 * 1024 + 1)).status_code == 413
        assert post(client, said(padding="x" * 60_000)).status_code == 200

    def test_it_is_only_posted_to(self, client):
        assert client.get(PLAIN).status_code == 405

    def test_without_a_key_there_is_no_such_page(self, client, settings):
        settings.REMINDER_WEBHOOK_KEY = ""
        assert post(client, said(), key="").status_code == 404
        assert nothing_has_changed()

    def test_it_needs_no_csrf_token(self):
        from django.test import Client  # noqa: PLC0415 - the one with checks

        assert post(Client(enforce_csrf_checks=True), said()).status_code == 200


# -- Postmark: as its documentation shows them, with made-up people ----------

DELIVERY = {
    "RecordType": "Delivery",
    "ServerID": 23,
    "MessageStream": "outbound",
    "MessageID": "00000000-0000-4000-8000-000000000000",
    "Recipient": "ana@example.org",
    "Tag": "",
    "DeliveredAt": "2026-03-12T15:00:41Z",
    "Details": "Test delivery webhook details",
    "Metadata": {"reminder": MARK},
}
BOUNCE = {
    "RecordType": "Bounce",
    "MessageStream": "outbound",
    "ID": 4323372036854775807,
    "Type": "HardBounce",
    "TypeCode": 1,
    "Name": "Hard bounce",
    "Tag": "",
    "MessageID": "00000000-0000-4000-8000-000000000000",
    "Metadata": {"reminder": MARK},
    "ServerID": 23,
    "Description": "The server was unable to deliver your message (ex: unknown user).",
    "Details": "smtp;550 5.1.1 The email account that you tried to reach does not exist",
    "Email": "ana@example.org",
    "From": "appointments@clinic.example.org",
    "BouncedAt": "2026-03-12T15:02:11.4183741Z",
    "DumpAvailable": True,
    "Inactive": True,
    "CanActivate": True,
    "Subject": "Time to book your clinic visit",
}
COMPLAINT = BOUNCE | {"RecordType": "SpamComplaint", "Type": "SpamComplaint", "TypeCode": 512}


def post_json(client, url, body, secret=SECRET):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Authorization": f"Basic {b64encode(secret.encode()).decode()}"} if secret else {}
    return client.post(url, body, "application/json", headers=headers)


class TestPostmark:
    def test_a_delivery(self, client):
        assert post_json(client, POSTMARK, DELIVERY).status_code == 200
        assert state() == State.DELIVERED

    def test_a_replay_is_one_though_it_has_no_id(self, client):
        for _one in range(2):
            assert post_json(client, POSTMARK, DELIVERY).status_code == 200
        assert DeliveryEvent.objects.count() == 1

    def test_a_hard_bounce(self, client):
        post_json(client, POSTMARK, BOUNCE)
        assert state() == State.BOUNCED
        assert DeadAddress.objects.get().email == "ana@example.org"

    @pytest.mark.parametrize("type_", ["SoftBounce", "VirusNotification", "DMARCPolicy"])
    def test_what_came_back_for_another_reason(self, client, type_):
        post_json(client, POSTMARK, BOUNCE | {"Type": type_})
        assert state() == State.BOUNCED
        assert not DeadAddress.objects.exists()

    def test_a_delay_is_no_bounce(self, client):
        post_json(client, POSTMARK, BOUNCE | {"Type": "Transient"})
        assert state() == State.ACCEPTED

    def test_a_complaint_stops_the_mail(self, client, course):
        post_json(client, POSTMARK, COMPLAINT)
        course.patient.refresh_from_db()
        assert not course.patient.wants_reminders

    def test_over_smtp_the_message_id_is_the_services(self, client):
        post_json(client, POSTMARK, DELIVERY | {"Metadata": {}})
        assert state() == State.ON_WIRE

    def test_who_opened_a_mail_is_not_kept(self, client):
        body = DELIVERY | {"RecordType": "Open", "ReceivedAt": "2026-03-12T15:00:41Z"}
        assert post_json(client, POSTMARK, body).status_code == 200
        assert nothing_has_changed()

    @pytest.mark.parametrize("secret", ["", "clinic:wrong", "clinic", "é:é"])
    def test_unproven_is_refused(self, client, secret):
        assert post_json(client, POSTMARK, DELIVERY, secret=secret).status_code == 401
        assert nothing_has_changed()

    def test_a_broken_proof_is_none(self, client):
        answer = client.post(
            POSTMARK, DELIVERY, "application/json", headers={"Authorization": "Basic %%%"}
        )
        assert answer.status_code == 401

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{",
            b"[]",
            b"7",
            b"\xff",
            b"[" * 60000,
            DELIVERY | {"DeliveredAt": 7},
            DELIVERY | {"DeliveredAt": "2026-99-99T00:00:00Z"},
            DELIVERY | {"Metadata": None},
            {"FromFull": {"Email": "bo@example.org"}, "MessageID": "x"},
        ],
    )
    def test_what_is_not_understood_is_refused(self, client, body):
        assert post_json(client, POSTMARK, body).status_code == 400
        assert nothing_has_changed()

    def test_what_is_too_long_is_not_read(self, client):
        assert post_json(client, POSTMARK, b" " * (64 * 1024 + 1)).status_code == 413


# -- Mailgun -----------------------------------------------------------------

FAILED = {
    "event": "failed",
    "id": "G9Bn5sl1TC6nu79C8C0bwg",
    "timestamp": 1773327662.0,
    "log-level": "error",
    "severity": "permanent",
    "reason": "suppress-bounce",
    "delivery-status": {
        "attempt-no": 1,
        "message": "",
        "code": 605,
        "description": "Not delivering to previously bounced address",
        "session-seconds": 0.0,
    },
    "flags": {"is-routed": False, "is-authenticated": True, "is-system-test": False},
    "envelope": {
        "sender": "appointments@clinic.example.org",
        "transport": "smtp",
        "targets": "ana@example.org",
    },
    "message": {
        "headers": {
            "to": "ana@example.org",
            "message-id": f"{MARK}@clinic.example.org",
            "from": "Clinic Visits <appointments@clinic.example.org>",
            "subject": "Time to book your clinic visit",
        },
        "attachments": [],
        "size": 4711,
    },
    "recipient": "ana@example.org",
    "recipient-domain": "example.org",
    "storage": {"url": "https://se.api.mailgun.test/v3/x", "key": "x"},
    "campaigns": [],
    "tags": [],
    "user-variables": {},
}
DELIVERED = FAILED | {
    "event": "delivered",
    "log-level": "info",
    "delivery-status": {"code": 250, "message": "OK", "description": ""},
}
del DELIVERED["severity"], DELIVERED["reason"]


def signed(event: dict, *, key=KEY, age=0, token=TOKEN) -> dict:
    stamp = str(int(time.time()) - age)
    signature = hmac.new(key.encode(), f"{stamp}{token}".encode(), sha256).hexdigest()
    proof = {"token": token, "timestamp": stamp, "signature": signature}
    return {"signature": proof, "event-data": copy.deepcopy(event)}


@pytest.mark.usefixtures("mailgun")
class TestMailgun:
    def post(self, client, body):
        return post_json(client, MAILGUN, body, secret="")

    def test_a_delivery_is_found_by_our_own_message_id(self, client):
        assert self.post(client, signed(DELIVERED)).status_code == 200
        assert state() == State.DELIVERED

    def test_a_hard_bounce(self, client):
        self.post(client, signed(FAILED))
        assert state() == State.BOUNCED
        assert DeadAddress.objects.exists()

    def test_a_refusal_for_another_reason(self, client):
        self.post(client, signed(FAILED | {"reason": "generic"}))
        assert state() == State.BOUNCED
        assert not DeadAddress.objects.exists()

    def test_a_failure_for_now(self, client):
        self.post(client, signed(FAILED | {"severity": "temporary"}))
        assert state() == State.ACCEPTED

    def test_over_the_api_it_is_found_by_what_we_gave_along(self, client):
        event = copy.deepcopy(DELIVERED) | {"user-variables": {"reminder": MARK}}
        event["message"]["headers"]["message-id"] = "20260312.1.ABC@mailgun.test"
        self.post(client, signed(event))
        assert state() == State.DELIVERED

    def test_a_token_counts_once(self, client):
        self.post(client, signed(DELIVERED))
        assert self.post(client, signed(FAILED)).status_code == 200
        assert state() == State.DELIVERED

    @pytest.mark.parametrize("how", [{"key": "another"}, {"age": 301}, {"age": -301}])
    def test_unproven_is_refused(self, client, how):
        assert self.post(client, signed(DELIVERED, **how)).status_code == 401
        assert nothing_has_changed()

    @pytest.mark.parametrize(
        "body",
        [b"", b"{", b"[]", b"\xff", b"[" * 60000, {"event-data": DELIVERED}, {"signature": 7}],
    )
    def test_what_has_no_signature_is_refused(self, client, body):
        assert self.post(client, body).status_code == 401
        assert nothing_has_changed()

    @pytest.mark.parametrize(
        "event", [{}, FAILED | {"timestamp": "x"}, FAILED | {"timestamp": 1e300}, {"event": []}]
    )
    def test_what_is_not_understood_is_refused(self, client, event):
        assert self.post(client, signed(event)).status_code == 400
        assert nothing_has_changed()

    def test_the_older_form_is_taken_too(self, client):
        proof = signed({})["signature"]
        form = proof | {"event": "delivered", "Message-Id": f"<{MARK}@clinic.example.org>"}
        assert client.post(MAILGUN, form).status_code == 200
        assert state() == State.DELIVERED

    def test_an_older_form_without_proof_is_not(self, client):
        assert client.post(MAILGUN, {"event": "delivered"}).status_code == 401


@pytest.mark.parametrize("name", ["mailgun", "sendgrid", "postmark2"])
def test_only_what_is_configured_has_an_address(client, name):
    url = reverse("reminders:service_events", args=[name])
    assert post_json(client, url, DELIVERY).status_code == 404
    assert nothing_has_changed()


def test_our_own_fault_is_not_theirs(client, monkeypatch):
    """The service tries again later; a 400 would make it give up."""

    def broken(*_args, **_more):
        raise ValueError("ours")

    monkeypatch.setattr(webhooks.evidence, "take", broken)
    client.raise_request_exception = False
    assert post_json(client, POSTMARK, DELIVERY).status_code == 500


def test_no_person_is_in_the_log(client, caplog):
    post_json(client, POSTMARK, BOUNCE)
    post_json(client, POSTMARK, BOUNCE, secret="clinic:wrong")
    assert "ana@" not in caplog.text.lower()
