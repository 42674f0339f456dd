"""What staff choose about mails: a clinic's policy, and why one is sent again."""

from collections.abc import Iterator, Mapping
from typing import Any

from django import forms
from django.forms.boundfield import BoundField
from django.http import QueryDict
from django.utils.html import format_html
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from ocrevus_tracker.accounts.models import Clinic
from schedules.forms.base import CleanForm, OneLineField

from . import policies, policy_rules, rules
from .models import Kind

DAYS, WEEKS = "days", "weeks"
WEEK = 7
# What the number of days counts from, and what else has to hold.
BEFORE_DUE = _("before the due date, if no visit is booked")
AFTER_DUE = _("after the due date, if no visit is booked")
BEFORE_VISIT = _("before a booked visit")
REASONS = {
    "not-arrived": _("It did not arrive"),
    "deleted": _("They cannot find it any more"),
    "asked": _("They asked for it"),
    "other": _("Another reason"),
}


class ResendForm(CleanForm):
    """Why a mail goes out once more."""

    why = forms.ChoiceField(
        label=_("Why is it sent again?"), choices=REASONS.items(), widget=forms.RadioSelect
    )
    note = OneLineField(label=_("Note"), help_text=_("Needed for another reason."), required=False)

    def clean(self) -> dict[str, Any]:
        """Another reason is told."""
        if self.cleaned_data.get("why") == "other" and not self.cleaned_data.get("note"):
            self.add_error("note", _("Say why it is sent again"))
        return self.cleaned_data

    def reason(self) -> str:
        """The valid answers as one sentence for the trail."""
        chosen = str(REASONS[self.cleaned_data["why"]])
        return ": ".join(filter(None, (chosen, self.cleaned_data["note"])))


class PolicyForm(CleanForm):
    """A row for each kind: whether it is sent, and how many days or weeks from its anchor."""

    # The version that the person had before them, and the one whose rows these are.
    seen = forms.IntegerField(min_value=0, widget=forms.HiddenInput)
    restores = forms.IntegerField(min_value=1, required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        clinic: Clinic,
        rows: Mapping[str, int],
        seen: int,
        restores: int | None = None,
    ) -> None:
        super().__init__(data, initial={"seen": seen, "restores": restores})
        self.clinic = clinic
        self.rows_at_first = dict(rows)
        # Needed where the row is on, which the form says itself.
        self.unmarked = frozenset(f"{kind}-n" for kind in policy_rules.LIMITS)
        for kind in policy_rules.LIMITS:
            self._ask(kind, rows)

    def _ask(self, kind: str, rows: Mapping[str, int]) -> None:
        label = Kind(kind).label
        self.fields[f"{kind}-on"] = forms.BooleanField(
            label=format_lazy(_("Send “{kind}”"), kind=label),
            required=False,
            initial=kind in rows,
        )
        if kind == Kind.DAY_BEFORE:
            return
        days = abs(rows.get(kind, policy_rules.DEFAULT[kind]))
        in_weeks = days >= WEEK and days % WEEK == 0
        wrong = policies.limits_words(kind)
        self.fields[f"{kind}-n"] = forms.IntegerField(
            label=_of(label, _("How many")),
            required=False,
            initial=days // WEEK if in_weeks else days,
            widget=forms.TextInput({"inputmode": "numeric", "size": 4}),
            error_messages={"invalid": wrong},
        )
        self.fields[f"{kind}-unit"] = forms.ChoiceField(
            label=_of(label, _("Days or weeks")),
            choices=[(DAYS, _("days")), (WEEKS, _("weeks"))],
            initial=WEEKS if in_weeks else DAYS,
            widget=forms.Select({"class": "form-select"}),
        )

    def clean(self) -> dict[str, Any]:
        """Each row within its limits, and later than the one before it."""
        if self.errors:
            return self.cleaned_data
        rows = self.rows()
        unfit = policy_rules.out_of_limits(rows)
        for kind in unfit:
            self.add_error(f"{kind}-n", policies.limits_words(kind))
        if not unfit:
            for kind, earlier in policies.out_of_order(self.clinic, rows):
                self.add_error(f"{kind}-n", policies.order_words(kind, earlier))
        return self.cleaned_data

    def rows(self) -> dict[str, int]:
        """The answers as a policy has them: kind -> days from the anchor."""
        return {
            kind: self._days(kind)
            for kind in policy_rules.LIMITS
            if self.cleaned_data[f"{kind}-on"]
        }

    def _days(self, kind: str) -> int:
        if kind == Kind.DAY_BEFORE:
            return policy_rules.DEFAULT[kind]
        number = self.cleaned_data[f"{kind}-n"]
        if number is None:  # as far out as nothing may be
            number = abs(policy_rules.LIMITS[kind][0]) + 1000
        days = int(number) * (WEEK if self.cleaned_data[f"{kind}-unit"] == WEEKS else 1)
        return days if kind in policy_rules.LATE_STEPS else -days

    def table(self) -> Iterator[dict[str, BoundField | str | None]]:
        """The rows for the page."""
        for kind in policy_rules.LIMITS:
            dated = f"{kind}-n" in self.fields
            yield {
                "title": str(Kind(kind).label),
                "on": self[f"{kind}-on"],
                "n": self[f"{kind}-n"] if dated else None,
                "unit": self[f"{kind}-unit"] if dated else None,
                "when": when_words(kind),
            }


def _of(kind: Any, question: Any) -> str:  # noqa: ANN401 - lazy texts
    """A label that says to the ear alone which row it is in."""
    return format_html('<span class="visually-hidden">{}: </span>{}', kind, question)


def when_words(kind: str) -> str:
    """What the days of a `kind` count from."""
    if rules.RULES[kind].anchor == "visit":
        return str(BEFORE_VISIT)
    return str(AFTER_DUE if kind in policy_rules.LATE_STEPS else BEFORE_DUE)
