"""The cache holds JSON, so reading it can run nothing."""

import base64
import pickle

import pytest
from celery import current_app
from django.conf import settings as real_settings
from django.core.cache import cache
from django.db import connection
from kombu.exceptions import ContentDisallowed
from kombu.serialization import dumps, loads

from ocrevus_tracker import json_cache
from ocrevus_tracker.celery import app

pytestmark = pytest.mark.django_db


class Trap:
    """Unpickled, it would run a command."""

    def __reduce__(self):
        return (pytest.fail, ("a pickle was read",))


def rows() -> list[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT cache_key, value FROM cache")
        return cursor.fetchall()


def test_what_is_kept_is_json():
    cache.set("tries", [1.5, {"n": None}, "é"])
    assert rows() == [(":1:tries", '[1.5, {"n": null}, "\\u00e9"]')]
    assert cache.get("tries") == [1.5, {"n": None}, "é"]


def test_a_pickle_in_the_table_is_not_read():
    cache.set("tries", 1)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE cache SET value = %s", [base64.b64encode(pickle.dumps(Trap())).decode()]
        )
    assert cache.get("tries", "absent") == "absent"
    assert "tries" not in cache


def test_what_json_cannot_say_is_refused():
    with pytest.raises(TypeError):
        cache.set("tries", Trap())


def test_the_first_to_add_a_key_has_it(time_machine):
    time_machine.move_to("2026-03-12T15:00:00Z", tick=False)
    assert cache.add("mark", 1, timeout=60) is True
    assert cache.add("mark", 2, timeout=60) is False
    assert cache.get("mark") == 1
    time_machine.move_to("2026-03-12T15:01:00Z", tick=False)
    assert cache.get("mark") is None
    assert cache.add("mark", 3, timeout=60) is True
    assert cache.get("mark") == 3


def test_it_keeps_as_long_as_it_is_told(time_machine):
    time_machine.move_to("2026-03-12T15:00:00Z", tick=False)
    cache.set("short", 1, timeout=60)
    cache.set("long", 1, timeout=None)
    cache.set("none", 1, timeout=0)
    assert cache.touch("short", 120) is True
    assert cache.touch("absent", 120) is False
    time_machine.move_to("2026-03-12T15:01:59Z", tick=False)
    assert cache.get_many(["short", "long", "none"]) == {"short": 1, "long": 1}
    time_machine.move_to("2027-03-12T15:02:00Z", tick=False)
    assert cache.get_many(["short", "long"]) == {"long": 1}


def test_it_forgets_what_it_is_told_to():
    cache.set_many({"a": 1, "b": 2})
    assert cache.delete("a") is True
    assert cache.delete("a") is False
    assert cache.get("b") == 2
    assert cache.incr("b") == 3
    cache.clear()
    assert rows() == []
    assert cache.get_many([]) == {}


def test_a_flood_of_keys_washes_no_limit_away(time_machine):
    time_machine.move_to("2026-03-12T15:00:00Z", tick=False)
    cache.set("limit", 1, timeout=600)
    for number in range(400):  # Django's own starts to throw things away at 300
        cache.set(f"flood-{number}", 1, timeout=10)
    assert cache.get("limit") == 1


def test_what_has_expired_is_thrown_away_now_and_then(time_machine, monkeypatch):
    time_machine.move_to("2026-03-12T15:00:00Z", tick=False)
    cache.set("old", 1, timeout=10)
    cache.set("new", 1, timeout=600)
    time_machine.move_to("2026-03-12T15:01:00Z", tick=False)
    monkeypatch.setattr(json_cache.random, "random", lambda: 0.0)
    cache.set("newest", 1, timeout=600)
    assert sorted(key for key, _value in rows()) == [":1:new", ":1:newest"]


def test_tasks_and_sessions_speak_json_too():
    assert app.conf.accept_content == ["json"]
    assert app.conf.result_accept_content == ["json"]
    assert app.conf.task_serializer == app.conf.result_serializer == "json"
    assert real_settings.SESSION_SERIALIZER.endswith("JSONSerializer")
    assert current_app.conf.accept_content == ["json"]


def test_a_pickled_task_is_refused():
    content_type, encoding, body = dumps({"a": 1}, serializer="pickle")
    with pytest.raises(ContentDisallowed):
        loads(body, content_type, encoding, accept=app.conf.accept_content)
