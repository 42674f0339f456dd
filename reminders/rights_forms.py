"""What a patient asks for, and what the clinic answers."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from schedules.forms.base import CleanForm

LONG = _("Use %(limit_value)d characters or fewer")


def _words(**options: Any) -> forms.CharField:  # noqa: ANN401 - Django's own options
    messages = {"required": _("Write a few words"), "max_length": LONG}
    return forms.CharField(widget=forms.Textarea({"rows": 4}), error_messages=messages, **options)


class AskForm(CleanForm):
    """In the patient's own words."""

    entry_key = None  # type: ignore[assignment]  # one open request of a kind is all there can be
    words = _words(label=_("What is not right, and what would be right?"), max_length=2000)

    def __init__(self, *args: Any, may_be_empty: bool, **kwargs: Any) -> None:  # noqa: ANN401 - Django's own options
        super().__init__(*args, **kwargs)
        if may_be_empty:
            self.fields["words"].required = False
            self.fields["words"].label = _("Is there anything we should know?")


class AnswerForm(CleanForm):
    """What the patient is told."""

    entry_key = None  # type: ignore[assignment]  # a request is answered once
    words = _words(label=_("Your answer"), help_text=_("The patient reads this."), max_length=500)


class SureForm(CleanForm):
    """A tick, because there is no way back."""

    entry_key = None  # type: ignore[assignment]  # what is deleted is deleted
    sure = forms.BooleanField(
        label=_("I have read what is deleted. It cannot be brought back."),
        error_messages={"required": _("Tick the box to delete")},
    )
