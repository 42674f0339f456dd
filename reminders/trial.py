"""A mail that a patient sends to their own address, to see whether our mails arrive."""

import datetime as dt
import logging

from django.conf import settings
from django.core.cache import cache
from django.core.mail import EmailMessage
from django.urls import reverse
from django.utils.translation import gettext as _

from ocrevus_tracker.audit import trail
from schedules.actions import UnableTo
from schedules.models import Patient

from .emails import neutral_sender

log = logging.getLogger(__name__)

EVERY = dt.timedelta(minutes=2)


class UnableToSendTest(UnableTo):
    """The mail service did not take it, or the last one has only just been sent."""


def send_test(*, patient: Patient, now: dt.datetime) -> None:
    """Send it at once, outside the outbox: nothing hangs on it and nothing is told by it.

    Raises:
        UnableToSendTest: too soon after the last one, or the mail service did not take it, or
            there is no address.
    """
    told = _("We could not send the test. Try again, or call {phone}.")
    failed = UnableToSendTest(told.format(phone=patient.clinic.phone))
    if not patient.email:
        raise failed
    mark = f"test-mail-{patient.pk}"
    if not cache.add(mark, 1, timeout=EVERY.total_seconds()):
        raise UnableToSendTest(
            _("We sent a test a moment ago. Look in your spam folder too, or wait 2 minutes.")
        )
    try:
        _message(patient.email).send()
    except Exception as error:  # noqa: BLE001 - each mail service has errors of its own
        # Its words may quote the address.
        log.error("patient %s: no test mail (%s)", patient.pk, type(error).__name__)  # noqa: TRY400
        cache.delete(mark)
        raise failed from None
    trail.record(
        at=now, actor=patient.user, clinic=patient.clinic, act="send test mail", subject=patient
    )


def _message(address: str) -> EmailMessage:
    """As neutral outside as every mail: no name, no clinic, nothing about health."""
    lines = [
        _("This is a test. You asked for it on our website."),
        _("It arrived, so our emails can reach you here. You do not need to do anything."),
        _("Change or stop emails: {url}").format(url=settings.SITE_URL + reverse("home")),
    ]
    return EmailMessage(
        subject=_("This is a test"),
        body="\n\n".join(lines) + "\n",
        from_email=neutral_sender(),
        to=[address],
        headers={"Auto-Submitted": "auto-generated"},
    )
