"""The audit trail in sentences (ux 2.18)."""

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from ocrevus_tracker.accounts.models import Role
from ocrevus_tracker.audit import bulk_reading, trail
from ocrevus_tracker.audit.models import ERASE, VIEW, Entry
from schedules.engine.regimens import REGIMENS, current_regimen
from schedules.engine.screening import BY_CODE
from schedules.models import Patient
from schedules.templatetags.tracker import clock, sentence

# What somebody did, after their name. The first words tell which page's filter it falls under.
ACTS: Mapping[str, Any] = {
    VIEW: gettext_lazy("opened a page"),
    trail.VIEW_LIST: gettext_lazy("looked at a list"),
    trail.EXPORT: gettext_lazy("exported data"),
    bulk_reading.ACT: gettext_lazy("opened unusually many records"),
    ERASE: gettext_lazy("erased the details of a patient from the trail"),
    "add patient": gettext_lazy("added the patient"),
    "change patient": gettext_lazy("changed the patient's details"),
    "invite patient": gettext_lazy("invited the patient to see dates online"),
    "withdraw invitation": gettext_lazy("took back the invitation to see dates online"),
    "wrong date of birth": gettext_lazy("refused a wrong date of birth"),
    "claim record": gettext_lazy("opened online access with the date of birth"),
    "end online access": gettext_lazy("ended online access"),
    "open clinic": gettext_lazy("opened the clinic"),
    "invite staff": gettext_lazy("invited a colleague"),
    "withdraw staff invitation": gettext_lazy("took back a colleague's invitation"),
    "join clinic": gettext_lazy("joined the clinic"),
    "change sign-in": gettext_lazy("changed how patients sign in"),
    "change role": gettext_lazy("gave somebody another role"),
    "remove from clinic": gettext_lazy("removed somebody from the clinic"),
    "record infusion": gettext_lazy("recorded an infusion"),
    "record infusion elsewhere": gettext_lazy("recorded an infusion given elsewhere"),
    "complete history": gettext_lazy("completed the history"),
    "decide partial infusion": gettext_lazy("decided what an infusion counts as"),
    "undo infusion": gettext_lazy("took back an infusion just recorded"),
    "correct infusion": gettext_lazy("corrected an infusion"),
    "void infusion": gettext_lazy("marked an infusion as recorded by mistake"),
    "allow short infusion": gettext_lazy("allowed the short infusion again"),
    "book visit": gettext_lazy("booked a visit"),
    "move visit": gettext_lazy("moved a visit"),
    "cancel visit": gettext_lazy("cancelled a visit"),
    "start hold": gettext_lazy("put infusions on hold"),
    "change hold": gettext_lazy("changed a hold"),
    "release hold": gettext_lazy("released a hold"),
    "void hold": gettext_lazy("marked a hold as entered by mistake"),
    "stop course": gettext_lazy("stopped infusions"),
    "reopen course": gettext_lazy("restarted treatment after a stop"),
    "restart single": gettext_lazy("chose to go on with one full dose"),
    "restart split": gettext_lazy("chose to go on with a first dose in two parts"),
    "switch regimen": gettext_lazy("changed the treatment plan"),
    "note previous treatment": gettext_lazy("noted the treatment before this"),
    "record check": gettext_lazy("recorded a check"),
    "void check": gettext_lazy("took back a check"),
    "recompute": gettext_lazy("computed the due dates anew"),
    "change clinic rules": gettext_lazy("changed the clinic's rules"),
    "add closure": gettext_lazy("added a closure"),
    "remove closure": gettext_lazy("removed a closure"),
    "set check": gettext_lazy("changed a check that the clinic asks for"),
    "change mail policy": gettext_lazy("changed which emails are sent"),
    "restore mail policy": gettext_lazy("brought back earlier rules for emails"),
    "choose mails": gettext_lazy("chose which emails to get"),
    "want all mails": gettext_lazy("asked for all emails"),
    "want fewer mails": gettext_lazy("asked for fewer emails"),
    "stop all mails": gettext_lazy("stopped all emails"),
    "stop booking mails": gettext_lazy("stopped reminders to book"),
    "stop visit mails": gettext_lazy("stopped emails about booked visits"),
    "stop record mails": gettext_lazy("stopped emails about the record"),
    "resume booking mails": gettext_lazy("asked for reminders to book again"),
    "resume visit mails": gettext_lazy("asked for emails about booked visits again"),
    "resume record mails": gettext_lazy("asked for emails about the record again"),
    "called mail spam": gettext_lazy("called our email spam"),
    "see to mail": gettext_lazy("took care of an email that did not arrive"),
    "send mail again": gettext_lazy("sent an email again"),
    "send test mail": gettext_lazy("sent a test email"),
    "delete record": gettext_lazy("deleted the patient's record"),
    "delete contact details": gettext_lazy("deleted the patient's contact details"),
    "find address dead": gettext_lazy("found that emails to an address come back"),
    "trust email address": gettext_lazy("confirmed an email address"),
    "invite helper": gettext_lazy("invited a helper"),
    "accept invitation": gettext_lazy("agreed to help"),
    "remove helper": gettext_lazy("removed a helper"),
    "put helper back": gettext_lazy("put a helper back on the list"),
    "stop copies": gettext_lazy("stopped copies of emails"),
    "sign in": gettext_lazy("signed in"),
    "sign out": gettext_lazy("signed out"),
    "time out": gettext_lazy("was signed out after a while"),
    "fail to sign in": gettext_lazy("was refused at sign-in"),
    "ask for a code": gettext_lazy("asked for a sign-in code"),
    "add a way to sign in": gettext_lazy("added a way to sign in"),
    "remove a way to sign in": gettext_lazy("removed a way to sign in"),
    "make recovery codes": gettext_lazy("made recovery codes"),
    "change the password": gettext_lazy("changed the password"),
}
DOOR = frozenset(list(ACTS)[list(ACTS).index("sign in") :])
# Said as "changed dose from 300 mg to 600 mg" and not as what was done to a record.
SAID_BY_FIELD = frozenset({"correct infusion", "change patient", "change hold"})

PAGES: Mapping[str, Any] = {
    "staff:patient": gettext_lazy("the record"),
    "staff:online": gettext_lazy("who sees the dates online"),
    "staff:packet": gettext_lazy("the papers for insurance"),
    "staff:see_as_patient": gettext_lazy("the record as the patient sees it"),
    "staff:patients": gettext_lazy("the list of patients"),
    "staff:worklist": gettext_lazy("the work list"),
    "staff:clinic": gettext_lazy("visits on closed days"),
    "staff:trail": gettext_lazy("the audit trail"),
    "reminders:mails": gettext_lazy("the emails"),
    "reminders:sent": gettext_lazy("the emails"),
    "reminders:people": gettext_lazy("the people who help"),
    "reminders:helpers": gettext_lazy("the helpers"),
    "reminders:settings": gettext_lazy("the choices about emails"),
    "patient:home": gettext_lazy("the next date"),
    "patient:looked": gettext_lazy("who has looked"),
}
SPECIAL = {
    "check_code": {code: check.title for code, check in BY_CODE.items()},
    "regimen_code": {code: current_regimen(code).title for code, _version in REGIMENS},
}


@dataclass(frozen=True, slots=True)
class Line:
    """One entry in words. `patient` is None for what is about nobody, or about a record that is
    gone.
    """

    entry: Entry
    who: str
    role: str
    did: str
    reason: str
    patient: Patient | None

    @property
    def words(self) -> str:
        """As in “Rosa changed dose from 300 mg to 600 mg. Reason: typing mistake.”"""
        said = sentence(f"{self.who} {self.did}")
        if self.entry.is_erased:
            return f"{said} {_('The details were erased.')}"
        if not self.reason:
            return said
        return f"{said} {sentence(_('Reason: {words}').format(words=self.reason))}"


def lines(entries: Iterable[Entry], patients: Mapping[int, Patient]) -> list[Line]:
    """`entries` in words, in the current time zone; `patients` by primary key."""
    return [
        Line(
            entry=one,
            who=_who(one),
            role=role_words(one.role),
            did=_did(one),
            # What was counted is no reason of anybody's.
            reason="" if one.act == bulk_reading.ACT else one.reason,
            patient=patients.get(one.patient_id or 0),
        )
        for one in entries
    ]


def role_words(role: str) -> str:
    """What somebody was, as in "Nurse"."""
    others = {trail.PATIENT: _("Patient"), trail.HELPER: _("Helper"), trail.SYSTEM: _("System")}
    return others.get(role) or str(dict(Role.choices).get(role, role))


def page_words(subject: str) -> str:
    """Which page it was, as in "the record"."""
    name = subject.removeprefix("page ")
    words = PAGES.get(name)
    return str(words) if words else _("the page “{name}”").format(name=_plain_name(name))


def _who(entry: Entry) -> str:
    if entry.actor is None:
        return _("Somebody") if entry.act in DOOR else _("The system")
    if entry.role == trail.PATIENT and entry.patient_id:
        return _("The patient")
    return entry.actor.get_short_name()


def _did(entry: Entry) -> str:
    if entry.act == VIEW:
        return _("opened {page}").format(page=page_words(entry.subject))
    if entry.act == trail.VIEW_LIST:
        people = entry.shown.count(",") - 1
        told = ngettext("looked at {page}, {n} patient", "looked at {page}, {n} patients", people)
        return told.format(page=page_words(entry.subject), n=people)
    if entry.act == trail.EXPORT:
        return _("exported data: {what}").format(what=entry.subject)
    return _did_to_record(entry)


def _did_to_record(entry: Entry) -> str:
    did = str(ACTS.get(entry.act, entry.act))
    facts = "; ".join(_change(entry, *one) for one in entry.changes)
    if entry.act == bulk_reading.ACT:
        facts = entry.reason
    if facts and entry.act in SAID_BY_FIELD:
        return _("changed {facts}").format(facts=facts)
    return f"{did}: {facts}" if facts else did


def _change(entry: Entry, name: str, old: Any, new: Any) -> str:  # noqa: ANN401 - any field's
    label, field = _label(entry, name), _field(entry, name)
    after = _value(field, name, new)
    if old is None and entry.act not in SAID_BY_FIELD and not entry.act.startswith("move"):
        return f"{label} {after}"
    before = _value(field, name, old)
    told = _("{field} from {old} to {new}")
    return told.format(field=label, old=before, new=after)


def _label(entry: Entry, name: str) -> str:
    """The field in words: "dose", not "dose in mg", whose unit stands with the number."""
    field = _field(entry, name)
    words = str(field.verbose_name) if field is not None else _plain_name(name)
    return re.sub(r" in mg$", "", words)


def _value(field: Any, name: str, value: Any) -> str:  # noqa: ANN401 - any field's
    if value in ("", None):
        return _("nothing")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if name in SPECIAL:
        return str(SPECIAL[name].get(value, value))
    if name.endswith("_mg"):
        return f"{value} mg"
    choices = dict(getattr(field, "flatchoices", ()))
    return str(choices[value]) if value in choices else _as_day(field, str(value))


def _as_day(field: Any, value: str) -> str:  # noqa: ANN401 - any field
    try:
        if isinstance(field, models.DateTimeField):
            local = timezone.localtime(dt.datetime.fromisoformat(value))
            return f"{date_format(local, 'F j, Y')}, {clock(local)}"
        if isinstance(field, models.DateField):
            return date_format(dt.date.fromisoformat(value), "F j, Y")
    except ValueError:  # written otherwise by an earlier version
        return value
    return value


def _field(entry: Entry, name: str) -> Any:  # noqa: ANN401 - a field, or None
    model = _models().get(entry.subject.partition(" ")[0])
    try:
        return model._meta.get_field(name) if model else None  # noqa: SLF001 - public by Django's word
    except FieldDoesNotExist:
        return None


@cache
def _models() -> dict[str, type[models.Model]]:
    """Every model by the name that the trail uses."""
    return {str(one._meta.model_name): one for one in apps.get_models()}  # noqa: SLF001 - see _field


def _plain_name(name: str) -> str:
    return name.rpartition(":")[2].replace("_", " ")
