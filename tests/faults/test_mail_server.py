"""The mail server misbehaves: nothing is lost, and each copy has a doubt on record."""

import datetime as dt
import subprocess
import time
from pathlib import Path

import pytest

from .conftest import scaled
from .score import Score
from .stage import Stage

pytestmark = pytest.mark.django_db(transaction=True)

# Retries wait a minute and more; moving them forward stands for the wait.
RETRY_NOW = (
    "UPDATE reminders_reminder SET next_at = '2001-01-01 00:00:00+00:00' WHERE state = 'RETRY_WAIT'"
)
WAITS = "SELECT state, tries FROM reminders_reminder"


def drain(scene: Stage, *ends: str, seconds: float = 240) -> Score:
    """Until all is over, retries at once."""

    def over() -> bool:
        scene.change(RETRY_NOW)
        time.sleep(0.2)
        return scene.all_settled(*ends)

    scene.wait(over, "all are settled", seconds=seconds)
    score = Score(scene.rows(), scene.mails())
    score.sound()
    return score


FAULTS = {
    "connect": [(0.1, "hang up"), (0.1, "421 4.3.2 Later")],
    "EHLO": [(0.05, "hang up"), (0.05, "421 4.3.2 Later")],
    "MAIL": [(0.02, "451 4.3.0 Later"), (0.02, "hang up")],
    "RCPT": [(0.03, "450 4.2.0 Later"), (0.03, "452 4.2.2 Full"), (0.02, "hang up")],
    "DATA": [(0.02, "451 4.3.0 Later"), (0.02, "hang up")],
    "inside": [(0.02, "hang up")],
    "dot": [(0.02, "452 4.3.1 Full"), (0.02, "hang up"), (0.02, "take and hang up")],
}


@pytest.mark.parametrize(
    ("count", "sessions"),
    [(100, 8), pytest.param(scaled(6_000), scaled(2_000), marks=pytest.mark.long)],
    ids=["short", "long"],
)
def test_sessions_with_random_faults(stage, seed, figure, count, sessions):
    """E6. In doubt twice means that a person decides: such a row is on the staff's list."""
    scene = stage(count, manners={"chances": FAULTS, "seed": seed}, REMINDER_POLL_SECONDS="0")
    for _one in range(3):
        scene.worker()
    score = drain(scene, "FAILED", seconds=600)
    seen = scene.sink()["sessions"]
    listed = scene.states().get("FAILED", 0)
    figure("E6", f"{seen:,} sessions, {score}, {listed} on the staff's list")
    assert seen >= sessions
    assert scene.audit() == 0


def test_taken_and_hung_up_is_sent_once_more_at_most_under_the_same_mark(stage, figure):
    """F18."""
    scene = stage(20, manners={"script": {"dot": ["take and hang up"] * 3}})
    scene.worker()
    score = drain(scene)
    figure("F18", score)
    assert score.extra == score.doubts == 3


@pytest.mark.long
def test_taken_and_hung_up_for_ever_ends_with_a_person(stage):
    """The one copy that may be risked is risked, and no second one."""
    scene = stage(3, manners={"chances": {"dot": [[1, "take and hang up"]]}})
    scene.worker()
    score = drain(scene, "FAILED")
    assert scene.states() == {"FAILED": 3}
    assert score.extra == 3


def test_a_closed_port_is_tried_again_after_one_five_fifteen_and_sixty_minutes(stage, figure):
    """F17: two hours without a mail server; the waits are moved forward, one by one."""
    scene = stage(1, manners={"closed": True})
    scene.worker()
    waits = []
    for tries in range(1, 6):
        scene.wait(lambda tries=tries: scene.ask(WAITS)[0] == ("RETRY_WAIT", tries), "a try")
        waits.append(minutes_to_wait(scene))
        scene.change(RETRY_NOW)
    scene.sink(closed=False)
    score = drain(scene)
    figure("F17", f"waits of {waits} minutes, then {score}")
    assert waits == [1, 5, 15, 60, 60]
    assert score.extra == score.doubts == 0


def minutes_to_wait(scene: Stage) -> int:
    next_at = scene.ask("SELECT next_at FROM reminders_reminder")[0][0]
    moment = dt.datetime.fromisoformat(next_at) if isinstance(next_at, str) else next_at
    moment = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    return round((moment - dt.datetime.now(dt.UTC)).total_seconds() / 60)


def test_greylisting_costs_a_second_try_and_nothing_else(stage, figure):
    """F20. In the order in which they were first tried."""
    scene = stage(25, manners={"greylist": 1.5})
    scene.worker()
    scene.wait(lambda: scene.states() == {"RETRY_WAIT": 25}, "all are put off")
    time.sleep(1.5)
    score = drain(scene)
    figure("F20", f"greylisted: {score}")
    assert score.extra == score.doubts == 0
    order = [mail.to[0] for mail in score.mails]
    assert order == [row.email for row in sorted(score.rows, key=lambda row: row.pk)]


def test_who_is_refused_for_good_is_listed_and_the_others_get_theirs(stage):
    """550 for one recipient, and F28: one row whose mail cannot be made."""
    scene = stage(20, manners={"script": {"RCPT": ["550 5.1.1 No such user"]}})
    scene.change("UPDATE schedules_patient SET email = 'nowhere' WHERE email = 'p7@example.org'")
    scene.worker()
    score = drain(scene, "FAILED")
    assert scene.states() == {"ACCEPTED": 18, "FAILED": 2}
    assert score.extra == score.doubts == 0
    assert scene.audit() == 0


@pytest.mark.long
def test_a_provider_that_allows_ten_a_second_gets_ten(stage, figure):
    """F29, the provider's half."""
    scene = stage(35, manners={"per_second": 10})
    scene.worker()
    score = drain(scene)
    moments = [mail.began for mail in score.mails]
    most = max(sum(1 for other in moments if 0 <= other - one < 0.9) for one in moments)
    figure("F29 at 10/s", f"{score}, at most {most} in a second")
    assert score.extra == score.doubts == 0


# -- F22: secrecy ------------------------------------------------------------


@pytest.fixture
def certificate(tmp_path):
    """Makes a certificate for an address, in one file with its key."""

    def make(address: str) -> str:
        file = tmp_path / f"{address}.pem"
        command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
        names = ["-subj", f"/CN={address}", "-addext", f"subjectAltName=IP:{address}"]
        places = ["-keyout", str(file), "-out", f"{file}.crt"]
        subprocess.run([*command, *names, *places], check=True, capture_output=True)
        with file.open("a") as whole:
            whole.write(Path(f"{file}.crt").read_text())
        return str(file)

    return make


def secret_stage(stage, certificate: str, *, trusted: str = "") -> Stage:
    trust = {"SSL_CERT_FILE": f"{trusted}.crt"} if trusted else {}
    return stage(3, scheme="smtp+tls", manners={"certificate": certificate}, **trust)


def test_in_secret_when_the_certificate_is_good(stage, certificate):
    file = certificate("127.0.0.1")
    scene = secret_stage(stage, file, trusted=file)
    scene.worker()
    score = drain(scene)
    assert [mail.secret for mail in score.mails] == [True] * 3


@pytest.mark.parametrize(
    "trouble",
    [
        "stripped",
        *(pytest.param(t, marks=pytest.mark.long) for t in ("unknown issuer", "another server's")),
    ],
)
def test_never_in_clear_when_secrecy_is_asked_for(stage, certificate, trouble):
    file = (
        ""
        if trouble == "stripped"
        else certificate("127.0.0.2" if "server" in trouble else "127.0.0.1")
    )
    scene = secret_stage(stage, file, trusted=file if "server" in trouble else "")
    scene.worker()
    scene.wait(lambda: scene.states() == {"RETRY_WAIT": 3}, "all are put off")
    counts = scene.sink()
    assert scene.accepted() == counts.get("MAIL", 0) == counts.get("DATA", 0) == 0


# -- The network, by way of a proxy ------------------------------------------


def proxied(stage, count: int, **options: str) -> Stage:
    scene = stage(count, **options)
    scene.start_proxy()
    scene.worker()
    return scene


@pytest.mark.long
def test_connections_cut_again_and_again_lose_nothing(stage, figure):
    scene = proxied(stage, 60)
    for enough in (10, 25, 40):
        scene.wait(lambda enough=enough: scene.accepted() >= enough, "the drain goes on")
        scene.weather(reset=True)
        scene.weather(reset=False)
        scene.change(RETRY_NOW)
    figure("network, cut 3 times", drain(scene, "FAILED"))


@pytest.mark.long
def test_a_slow_line_repeats_nothing(stage, figure):
    scene = stage(12, REMINDER_LEASE_SECONDS="5", REMINDER_GRACE_SECONDS="8")
    scene.start_proxy()
    scene.weather(delay=0.05, rate=100_000)
    for _one in range(2):
        scene.worker()
    score = drain(scene)
    figure("network, slow", score)
    assert score.extra == score.doubts == 0


@pytest.mark.long
@pytest.mark.parametrize("fault", ["half-open", "silent at the dot"])
def test_a_line_that_goes_silent_is_given_up_in_time(stage, figure, fault):
    """EMAIL_TIMEOUT is 30 s; the lease is longer, as in the product's own settings."""
    scene = proxied(stage, 60, REMINDER_LEASE_SECONDS="40", REMINDER_GRACE_SECONDS="45")
    scene.wait(lambda: scene.accepted() >= 10, "the first mails")
    if fault == "half-open":
        scene.weather(mute=True)
        time.sleep(32)
        scene.weather(mute=False, reset=True)
        scene.weather(reset=False)
    else:
        scene.sink(script={"dot": ["stall"]})
    score = drain(scene)
    figure(f"network, {fault}", score)
    assert score.doubts <= 1
