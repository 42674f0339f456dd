"""Hands for the doors' tests: who types what where."""

import re
import time

from django.core import mail
from django.test import Client

from ocrevus_tracker.accounts import factors
from tests.cast import PASSWORD

REQUEST = "/sign-in/"
CONFIRM = "/sign-in/code/"
STAFF = "/sign-in/staff/"
SECOND = "/sign-in/staff/second-step/"
WAYS = "/my/sign-in/"
APP = "MADEUPSECRETMADEUPSECRETMADEUPSE"


def ask_for_code(client: Client, email: str, **data):
    return client.post(REQUEST, {"email": email} | data)


def sent_code() -> str:
    """The code in the newest mail."""
    [code] = re.findall(r"\b\d{3} ?\d{3}\b", mail.outbox[-1].body)
    return code


def sent_link() -> str:
    """The path of the link in the newest mail."""
    [link] = re.findall(r"http://127\.0\.0\.1:8000(/\S+)", mail.outbox[-1].body)
    return link


def come_in(client: Client, email: str, **data):
    """Sign in with a code by e-mail."""
    ask_for_code(client, email)
    return client.post(CONFIRM, {"code": sent_code()} | data)


def give_app(user) -> None:
    factors.enrol_app(user=user, secret=APP)


def app_code(later: int = 0) -> str:
    """What the app shows now, or so many periods later."""
    return factors.code_at(APP, time.time() + later * factors.period())


def give_password(client: Client, user, password: str = PASSWORD, **extra):
    return client.post(STAFF, {"login": user.email, "password": password}, **extra)


def is_in(client: Client) -> bool:
    """Whether the client's session belongs to somebody and opens their first page."""
    return client.get("/").url in {"/home/", "/staff/"}
