"""A patient asks for a correction or for deletion; somebody at the clinic answers."""

import datetime as dt

from django.db import transaction

from ocrevus_tracker.accounts.models import User
from ocrevus_tracker.audit import trail
from schedules.models import Patient, PatientRequest, RequestKind

from .shared import UnableTo


class UnableToAnswer(UnableTo):
    """The request has been answered already."""


def ask(
    *, patient: Patient, actor: User, now: dt.datetime, kind: RequestKind, words: str
) -> PatientRequest:
    """Keep what the patient asks for. The same kind again, while the first one is open, is the
    first one, with the newer words.
    """
    with transaction.atomic():
        Patient.objects.select_for_update().get(pk=patient.pk)
        open_one = PatientRequest.objects.filter(patient=patient, kind=kind, closed_at=None).first()
        if open_one and open_one.words == words:
            return open_one
        asked = open_one or PatientRequest(patient=patient, kind=kind, asked_at=now)
        asked.words = words
        asked.save()
        trail.record(
            at=now, actor=actor, clinic=patient.clinic, act=f"ask for {kind}", subject=asked
        )
    return asked


def answer(*, request: PatientRequest, actor: User, now: dt.datetime, words: str) -> None:
    """Close the request with what the patient is told.

    Raises:
        UnableToAnswer: somebody else was first.
    """
    with transaction.atomic():
        still_open = PatientRequest.objects.filter(pk=request.pk, closed_at=None)
        if not still_open.update(closed_at=now, closed_by=actor, answer=words):
            raise UnableToAnswer("This was answered already.")
        trail.record(
            at=now,
            actor=actor,
            clinic=request.patient.clinic,
            act=f"answer {request.kind}",
            subject=request,
        )
