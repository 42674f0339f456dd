import pytest

from tests.services import CannotHaveError, broker, own_database, postgresql


@pytest.mark.parametrize(
    ("url", "own"),
    [
        ("redis+socket:///tmp/b.sock", "redis+socket:///tmp/b.sock?virtual_host=2"),
        ("redis+socket:///b?virtual_host=0", "redis+socket:///b?virtual_host=2"),
        ("redis://:secret@redis.test:6379", "redis://:secret@redis.test:6379/2"),
        ("rediss://redis.test:6379/0?timeout=5", "rediss://redis.test:6379/2?timeout=5"),
    ],
)
def test_each_test_process_has_a_database_of_its_own(url, own):
    assert own_database(url, "gw1") == own


def test_a_redis_that_does_not_answer_fails_the_run(monkeypatch):
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    with pytest.raises(CannotHaveError, match="Start it, or unset REDIS_URL"), broker():
        pass


@pytest.mark.parametrize("variable", ["TEST_DATABASE_URL", "DATABASE_URL"])
def test_a_postgresql_that_does_not_answer_fails_the_run(monkeypatch, variable):
    monkeypatch.delenv("TEST_DATABASE_URL", raising=False)
    monkeypatch.setenv(variable, "postgresql://nobody:none@127.0.0.1:1/none")
    with pytest.raises(CannotHaveError, match="Start it, or unset the variable"), postgresql():
        pass
