"""What every form of ours has in common: kind errors, clean text, one key per entry."""

import datetime as dt
import re
import unicodedata
from typing import Any
from uuid import UUID, uuid4

from crispy_forms.helper import FormHelper
from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, ProhibitNullCharactersValidator
from django.forms.utils import pretty_name
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from schedules.forms.fields import DayField

LONGEST_TEXT = 2000  # characters; no answer of ours needs more

# Control characters (line feeds, returns and tabs aside), halves of characters, the marks that
# make text read in another order than it is stored, and what takes no room at all: a name must
# look like what it is. The two joiners that some scripts and emoji need are fine.
UNREADABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff"
    "\xad\u061c\u115f\u1160\u200b\u200e\u200f\u2060-\u2064\u3164\ufeff\uffa0\U000e0000-\U000e007f]"
)
LINE_BREAKS = re.compile("[\n\r\t\u2028\u2029]")


def readable(value: str) -> None:
    """Refuse characters that cannot be seen or that reorder the others.

    Raises:
        ValidationError: there is at least one.
    """
    if UNREADABLE.search(value):
        raise ValidationError(_("Take out the characters that cannot be shown"), "unreadable")


def one_line(value: str) -> None:
    """Refuse line breaks and tabs: a mail header or a table cell is one line.

    Raises:
        ValidationError: there is at least one.
    """
    if LINE_BREAKS.search(value):
        raise ValidationError(_("Write this on one line"), "one_line")


class OneLineField(forms.CharField):
    """One line of text in composed form (NFC), at most 200 characters unless told otherwise."""

    def __init__(self, *, max_length: int = 200, **kwargs: Any) -> None:  # noqa: ANN401 - Django's own options
        super().__init__(max_length=max_length, **kwargs)
        self.validators.append(one_line)

    def to_python(self, value: Any) -> str | None:  # noqa: ANN401 - Django's own signature
        text = super().to_python(value)
        return unicodedata.normalize("NFC", text) if text else text


class EntryKeyField(forms.UUIDField):
    """Names one filled-in form, so that the same one sent twice is kept once.

    The key stays the same while a form is shown again with errors. A missing or broken key is
    an error, and the form then shown carries a new one, so that sending it again works.
    """

    widget = forms.HiddenInput
    default_error_messages = {
        "required": _("This page was open for a long time. Check your answers and save again."),
        "invalid": _("This page was open for a long time. Check your answers and save again."),
    }

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401 - Django's own options
        super().__init__(initial=uuid4, **kwargs)

    def bound_data(self, data: Any, initial: Any) -> str:  # noqa: ANN401, ARG002 - Django's own signature
        try:
            return str(UUID(data))
        except (TypeError, ValueError):
            return str(uuid4())


class CleanForm(forms.Form):
    """The base of all our forms; `today` is the clinic's local date.

    Every text is stripped, bounded and readable, no `required` attribute lets a browser
    interrupt, and no default message echoes what was typed.
    """

    use_required_attribute = False
    # Fields that may be left as they are, but whose label says so, or that have an answer.
    unmarked: frozenset[str] = frozenset()
    entry_key = EntryKeyField()

    def __init__(self, *args: Any, today: dt.date | None = None, **kwargs: Any) -> None:  # noqa: ANN401 - Django's own options
        super().__init__(*args, **kwargs)
        self.today = today
        for name, field in self.fields.items():
            _speak_plainly(field, str(field.label or pretty_name(name)))
            if isinstance(field, forms.CharField) and not isinstance(field, forms.UUIDField):
                _keep_readable(field)
            if isinstance(field, DayField) and today:
                field.set_today(today)

    @property
    def helper(self) -> FormHelper:
        """For `{% crispy form %}`: fields alone. The page writes the form tag and the token."""
        helper = FormHelper()
        helper.form_tag = False
        helper.disable_csrf = True
        helper.render_hidden_fields = True
        return helper


def _keep_readable(field: forms.CharField) -> None:
    # Ours says the same as Django's null check, in words that people know.
    field.validators = [
        validator
        for validator in field.validators
        if not isinstance(validator, ProhibitNullCharactersValidator)
    ]
    field.validators.append(readable)
    if field.max_length is None:
        field.validators.append(MaxLengthValidator(LONGEST_TEXT))


def _speak_plainly(field: forms.Field, label: str) -> None:
    """Replace Django's stock messages where the form has not written its own."""
    if field.error_messages["required"] == forms.Field.default_error_messages["required"]:
        field.error_messages["required"] = _required_message(field, label)
    stock = forms.ChoiceField.default_error_messages["invalid_choice"]
    if field.error_messages.get("invalid_choice") == stock:
        field.error_messages["invalid_choice"] = gettext("Choose one of the answers")


def _required_message(field: forms.Field, label: str) -> str:
    if isinstance(field, forms.BooleanField):
        return gettext("Tick “{label}”").format(label=label)
    if isinstance(field, forms.ChoiceField):
        return gettext("Choose an answer for “{label}”").format(label=label)
    return gettext("Fill in “{label}”").format(label=label)
