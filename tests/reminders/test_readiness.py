"""`/readyz`: what is wrong, in words, and never a 500."""

import datetime as dt
import socket
import time

import pytest
from django.db import OperationalError

from reminders import guards, readiness
from reminders.models import Deployment, Heartbeat
from tests.cast import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture(autouse=True)
def _at_work(db):
    Heartbeat.beat(planned_at=NOW, delivered_at=NOW)


def reasons(client) -> list[str]:
    response = client.get("/readyz")
    lines = response.content.decode().splitlines()
    assert response["Content-Type"] == "text/plain"
    assert response.status_code == (200 if lines == ["ok"] else 503)
    return lines


def test_all_is_well(client):
    assert reasons(client) == ["ok"]


def test_it_is_never_kept(client):
    assert "no-store" in client.get("/readyz")["Cache-Control"]


@pytest.mark.parametrize("which", ["planned_at", "delivered_at"])
def test_a_worker_that_is_away(client, which):
    Heartbeat.beat(**{which: NOW - dt.timedelta(seconds=300)})
    assert reasons(client) == ["ok"]
    Heartbeat.beat(**{which: NOW - dt.timedelta(seconds=301)})
    assert reasons(client) == ["worker: last worked 301 seconds ago"]


def test_a_worker_that_never_was(client):
    Heartbeat.objects.all().delete()
    assert reasons(client) == ["worker: has never worked"]


def test_one_that_only_plans(client):
    Heartbeat.objects.update(delivered_at=None)
    assert reasons(client) == ["worker: has never worked"]


def test_sending_that_was_stopped_with_the_way_on(client):
    Deployment.objects.create(pk=1, halted_at=NOW, halted_for=guards.JOURNAL_AHEAD)
    [reason] = reasons(client)
    assert reason.startswith("sending: stopped (journal-ahead)")
    assert "after_restore" in reason


def test_another_deployments_database(client):
    Deployment.objects.create(pk=1, deployment_id="another")
    [reason] = reasons(client)
    assert "adopt_deployment" in reason
    assert "another" not in reason.replace("another deployment", "")


def test_without_a_database_it_still_answers(client, monkeypatch):
    def away(*_args, **_more):
        raise OperationalError("secret details")

    monkeypatch.setattr("django.db.models.query.QuerySet.first", away)
    assert reasons(client) == ["database: does not answer (OperationalError)"]


class TestTheBroker:
    def test_absent(self, client, settings, tmp_path):
        settings.CELERY_BROKER_URL = f"redis+socket://{tmp_path}/none.sock"
        [reason] = reasons(client)
        assert reason.startswith("broker: ")

    def test_refusing(self, settings):
        settings.CELERY_BROKER_URL = "redis://127.0.0.1:1/0"
        assert not readiness.broker_answers()

    def test_silent(self, settings):
        with socket.create_server(("127.0.0.1", 0)) as silent:
            settings.CELERY_BROKER_URL = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
            began = time.perf_counter()
            assert not readiness.broker_answers()
            assert time.perf_counter() - began < 5

    def test_there(self):
        assert readiness.broker_answers()


def test_it_is_only_for_reading(client):
    assert client.post("/readyz").status_code == 405
