"""What is answered when something is broken on our side."""

import pytest
from django.db import InterfaceError, OperationalError

from tests.cast import signed_in


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_a_database_that_is_away_is_503_and_comes_back(client, monkeypatch, error):
    client.raise_request_exception = False
    monkeypatch.setattr("django.contrib.sessions.backends.db.SessionStore.load", _raises(error))
    client.cookies["sessionid"] = "a" * 32
    response = client.get("/sign-in/")
    assert response.status_code == 503
    assert response["Retry-After"] == "10"
    assert b"Nothing you saved was lost" in response.content


def test_a_mistake_of_ours_is_500(client, monkeypatch):
    client.raise_request_exception = False
    monkeypatch.setattr("django.contrib.sessions.backends.db.SessionStore.load", _raises(KeyError))
    client.cookies["sessionid"] = "a" * 32
    response = client.get("/sign-in/")
    assert response.status_code == 500
    assert "Retry-After" not in response


def _raises(error: type[Exception]):
    def fails(*_args):
        raise error

    return fails


def test_the_icon_that_browsers_ask_for_unasked_changes_no_form_token(client, django_user_model):
    signed_in(django_user_model.objects.create_user("ana@example.org"), client)
    response = client.get("/favicon.ico")
    assert (response.status_code, response["Location"]) == (302, "/static/img/icon.svg")
    assert "csrftoken" not in response.cookies
