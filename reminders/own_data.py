"""All that is on record about one patient, for that patient: complete, in words, nobody else's.

Who at the clinic wrote or read something is told by role, never by name. What only a machine
needs (keys, leases, hashes) is left out.
"""

import csv
import datetime as dt
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import ForeignKey, Model
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ocrevus_tracker.audit.models import Entry
from schedules.models import (
    Appointment,
    Correction,
    Course,
    DateMove,
    Grant,
    Hold,
    Infusion,
    Patient,
    PatientInvitation,
    PatientRequest,
    Restart,
    Screening,
)

from .models import PATIENT, DeadAddress, DeliveryEvent, Helper, Preference, Reminder

Facts = dict[str, Any]

# Each with the way from its rows to the patient.
SECTIONS: tuple[tuple[Any, type[Model], str], ...] = (
    (gettext_lazy("You"), Patient, "pk"),
    (gettext_lazy("Courses of treatment"), Course, "patient"),
    (gettext_lazy("Infusions"), Infusion, "course__patient"),
    (gettext_lazy("Corrections"), Correction, "infusion__course__patient"),
    (gettext_lazy("Dates that moved"), DateMove, "course__patient"),
    (gettext_lazy("Visits"), Appointment, "course__patient"),
    (gettext_lazy("Holds and pauses"), Hold, "course__patient"),
    (gettext_lazy("Choices how to restart"), Restart, "course__patient"),
    (gettext_lazy("Checks and vaccines"), Screening, "patient"),
    (gettext_lazy("What you asked for"), PatientRequest, "patient"),
    (gettext_lazy("Which emails you want"), Preference, "patient"),
    (gettext_lazy("People who help you"), Helper, "patient"),
    (gettext_lazy("People who see your dates"), Grant, "patient"),
    (gettext_lazy("Invitations to see your dates here"), PatientInvitation, "patient"),
    (gettext_lazy("Emails"), Reminder, "patient"),
    (gettext_lazy("What became of emails"), DeliveryEvent, "reminder__patient"),
    (gettext_lazy("Addresses that do not work"), DeadAddress, "patient"),
    (gettext_lazy("Who did what with your record"), Entry, "patient_id"),
)
# For machines: they say nothing about anybody.
LEFT_OUT = {
    "id",
    "entry_key",
    "seed",
    "unplanned",
    "due_version",
    "revision",
    "attempt",
    "owner",
    "lease_until",
    "tries",
    "doubt",
    "next_at",
    "not_after",
    "event_id",
    "message_id",
    "nonce",
    "details",
    "digest",
    "shown",
    "patient_id",
}
# A cell that begins like this is a formula to a spreadsheet.
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "\0")


def own_data(patient: Patient, *, now: dt.datetime) -> Facts:
    """Everything, by section; dates are ISO 8601, times are UTC."""
    return {
        _("What this is"): _("All that {clinic} has on record here about {name}.").format(
            clinic=patient.clinic.name, name=patient.full_name
        ),
        _("Made"): now.isoformat(timespec="seconds"),
        **{str(title): list(_rows(model, way, patient)) for title, model, way in SECTIONS},
    }


def as_json(facts: Facts) -> str:
    """For another program, and still readable."""
    return json.dumps(facts, indent=2, ensure_ascii=False) + "\n"


def as_csv(facts: Facts) -> str:
    """For a spreadsheet: section, number, what it is, what it says; one fact a line."""
    file = io.StringIO()
    table = csv.writer(file)
    table.writerow([_("Section"), _("Number"), _("What"), _("Says")])
    for section, rows in facts.items():
        for number, what, says in _lines(rows):
            table.writerow([harmless(one) for one in (section, number, what, says)])
    return "\ufeff" + file.getvalue()  # so that a spreadsheet takes it for UTF-8


def harmless(cell: Any) -> str:  # noqa: ANN401 - whatever a fact is
    """A cell as text, which no spreadsheet computes."""
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.startswith(FORMULAS) else text


def _lines(rows: str | list[Facts]) -> Iterator[tuple[Any, str, Any]]:
    if isinstance(rows, str):
        yield "", "", rows
        return
    for number, row in enumerate(rows, 1):
        for what, says in row.items():
            yield number, what, says


def _rows(model: type[Model], way: str, patient: Patient) -> Iterator[Facts]:
    found = model._default_manager.filter(**{way: patient.pk}).order_by("pk")  # noqa: SLF001 - public by Django's word
    if model is Reminder:
        found = found.filter(recipient=PATIENT)
    for row in found:
        yield dict(_facts(row))


def _facts(row: Model) -> Iterable[tuple[str, Any]]:
    for field in row._meta.concrete_fields:  # noqa: SLF001 - likewise
        if isinstance(field, ForeignKey) or field.name in LEFT_OUT:
            continue
        shown = getattr(row, f"get_{field.name}_display", None)
        value = shown() if shown else getattr(row, field.name)
        yield str(field.verbose_name), _plain(value)


def _plain(value: Any) -> Any:  # noqa: ANN401 - of any field
    if isinstance(value, (dt.datetime, dt.date, dt.time)):
        return value.isoformat()
    if value is None or isinstance(value, (bool, int, dict, list)):
        return value
    return str(value)
