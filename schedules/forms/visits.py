"""When a visit is."""

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils import timezone
from django.utils.formats import date_format, time_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ocrevus_tracker.accounts.models import Clinic

from .base import CleanForm, OneLineField
from .fields import DayPartsField

USUAL_TIME = dt.time(9)
NOON = 12
# A visit at "2:00" is in the afternoon, but nobody should have to guess: ask below this hour.
FIRST_PLAIN_HOUR = 7
TIME = re.compile(r"(\d{1,2})(?:[:.h]?(\d{2}))?\s*(am|pm)?")


def read_time(typed: str) -> dt.time:
    """The time of day in words like "9:00", "9:30 am", "2 p.m.", "14:30" or "noon".

    Raises:
        ValidationError: it is no time, or it could be morning or afternoon.
    """
    text = typed.lower().replace(".m", "m").strip(" .,\u00a0")
    if text == gettext("noon"):
        return dt.time(NOON)
    found = TIME.fullmatch(text)
    hour, minute = (int(found[1]), int(found[2] or 0)) if found else (-1, 0)
    half = found[3] if found else None
    if half and 1 <= hour <= NOON:
        hour = hour % NOON + (NOON if half == "pm" else 0)
    elif half or not found:
        hour = -1
    elif 1 <= hour < FIRST_PLAIN_HOUR:
        message = gettext("Add a.m. or p.m., like {hour}:{minute:02} p.m.")
        raise forms.ValidationError(message.format(hour=hour, minute=minute))
    try:
        return dt.time(hour, minute)
    except ValueError:
        raise forms.ValidationError(gettext("Enter a time, like 9:00 a.m. or 1:30 p.m.")) from None


class TimeField(OneLineField):
    """A typed time of day; returns a time."""

    def clean(self, value: Any) -> Any:  # noqa: ANN401 - Django's own signature
        text = super().clean(value)
        return read_time(text) if text else text

    def prepare_value(self, value: Any) -> Any:  # noqa: ANN401 - Django's own signature
        return time_format(value, "g:i a") if isinstance(value, dt.time) else value


class VisitForm(CleanForm):
    """Date and time of a visit, on the clinic's clock; `starts_at` is aware."""

    day = DayPartsField(
        label=_("Date"),
        subject=_("The date"),
        limit="future",
        error_messages={"required": _("Enter the date of the visit")},
    )
    time = TimeField(
        label=_("Time"),
        help_text=_("For example, 9:00 a.m. or 1:30 p.m."),
        max_length=20,
        error_messages={
            "required": _("Enter the time of the visit"),
            "max_length": _("Enter a time, like 9:00 a.m. or 1:30 p.m."),
        },
        widget=forms.TextInput({"size": 12}),
    )
    reason = OneLineField(
        label=_("Reason for a visit before the earliest date or while on hold"),
        help_text=_("A prescriber can book earlier than the plan allows. It goes on record."),
        required=False,
    )

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        today: dt.date,
        clinic: Clinic,
        shown: Mapping[str, Any] | None = None,
        may_book_early: bool = False,
    ) -> None:
        initial = {"day": None, "time": USUAL_TIME, **(shown or {})}
        super().__init__(data, today=today, initial=initial)
        self.clinic = clinic
        if not may_book_early:
            del self.fields["reason"]

    def clean(self) -> dict[str, Any]:
        """Join date and time; a time that the clinic's clock skips is none."""
        answers = self.cleaned_data
        if answers.get("day") and answers.get("time"):
            local = dt.datetime.combine(answers["day"], answers["time"])
            answers["starts_at"] = local.replace(tzinfo=self.clinic.tz)
            if _is_skipped(answers["starts_at"]):
                message = gettext("The clocks go forward that night: there is no {time} on {date}")
                time, date = date_format(local, "g:i a"), date_format(local, "F j, Y")
                self.add_error("time", message.format(time=time, date=date))
        return answers

    @property
    def reason_given(self) -> str:
        """Why the visit may be early; empty where it was not asked."""
        return str(self.cleaned_data.get("reason", ""))


def _is_skipped(moment: dt.datetime) -> bool:
    """Whether no clock in its zone ever shows this time."""
    there_and_back = moment.astimezone(dt.UTC).astimezone(moment.tzinfo)
    return there_and_back.replace(tzinfo=None) != timezone.make_naive(moment, moment.tzinfo)
