"""What people can answer on the pages about mail. Every answer is safe to send twice."""

from typing import Any

from django import forms
from django.conf import settings
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from schedules.forms.base import CleanForm, OneLineField
from schedules.forms.people import ADDRESS, plain_address
from schedules.models import Patient

from .helpers import Can
from .models import Level, MailChoices, Preference, Topic

# Said again, they change nothing: no key is needed to tell a second tap.
NO_KEY = None


class MailsForm(CleanForm):
    """Which mails a patient wants, in which words and language."""

    entry_key = NO_KEY  # type: ignore[assignment]
    which = forms.ChoiceField(
        label=_("What should we email you?"),
        help_text=_("If you choose Nothing, your clinic may still call you about your care."),
        widget=forms.RadioSelect,
    )
    level = forms.ChoiceField(
        label=_("What may our emails say?"), choices=Level.choices, widget=forms.RadioSelect
    )
    language = forms.ChoiceField(
        label=_("Language"), choices=settings.LANGUAGES, widget=forms.RadioSelect
    )

    def __init__(self, data: QueryDict | None = None, *, patient: Patient) -> None:
        now = Preference.of(patient)
        initial = {
            "which": _kept(patient, now),
            "level": now.level,
            "language": patient.language,
        }
        super().__init__(data, initial=initial)
        self.fields["which"].choices = _offered(now)  # type: ignore[attr-defined]


def _kept(patient: Patient, now: Preference) -> str:
    """The answer that describes what holds now."""
    if not patient.wants_reminders:
        return "none"
    if now.only_needed:
        return "needed"
    return "some" if now.stopped_topics else "all"


def _offered(now: Preference) -> list[tuple[str, Any]]:
    answers: list[tuple[str, Any]] = [
        ("all", _("All reminders")),
        ("needed", _("Only when I need to do something")),
        ("none", _("Nothing")),
    ]
    if now.stopped_topics:
        stopped = ", ".join(str(topic.label) for topic in now.stopped_topics)
        answers.insert(1, ("some", gettext("All but these: {topics}").format(topics=stopped)))
    return answers


class StopForm(CleanForm):
    """What the reader of one mail wants instead; `topic` is what that mail was about."""

    entry_key = NO_KEY  # type: ignore[assignment]
    choice = forms.ChoiceField(label=_("What should we change?"), widget=forms.RadioSelect)

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        topic: Topic,
        choices: MailChoices,
        wants_any: bool,
    ) -> None:
        super().__init__(data, initial={"choice": _stopped(topic, choices, wants_any)})
        answers = [
            ("fewer", _("Fewer emails: only when I need to do something")),
            ("topic", gettext("Stop these: {topic}").format(topic=topic.label)),
            ("all", _("Stop all emails")),
        ]
        if choices.only_needed or choices.stopped_topics or not wants_any:
            answers.append(("on", _("Turn all emails on again")))
        self.fields["choice"].choices = answers  # type: ignore[attr-defined]


def _stopped(topic: Topic, choices: MailChoices, wants_any: bool) -> str:  # noqa: FBT001 - as StopForm
    """The answer that describes what holds now; the mildest where nothing was stopped yet."""
    if not wants_any:
        return "all"
    return "topic" if topic in choices.stopped_topics else "fewer"


class TopicForm(forms.Form):
    """One topic, from a button."""

    topic = forms.ChoiceField(choices=Topic.choices)


class HelperForm(CleanForm):
    """Whom to ask."""

    entry_key = NO_KEY  # type: ignore[assignment]
    name = OneLineField(
        label=_("Name"),
        max_length=80,
        error_messages={
            "required": _("Enter a name"),
            "max_length": _("Use %(limit_value)d characters or fewer"),
        },
    )
    email = forms.EmailField(
        label=_("Email address"),
        max_length=254,
        validators=[plain_address],
        error_messages={
            "invalid": ADDRESS,
            "required": ADDRESS,
            "max_length": _("Use %(limit_value)d characters or fewer"),
        },
    )
    can = forms.ChoiceField(
        label=_("They can"),
        help_text=_("They will not see notes or messages."),
        choices=Can.choices,
        initial=Can.DATES,
        widget=forms.RadioSelect,
    )


class StaffHelperForm(HelperForm):
    """Whom to ask, at the patient's word."""

    reason = OneLineField(
        label=_("Why do you add this person?"),
        help_text=_("For example: Asked for it on the phone"),
        max_length=200,
        error_messages={
            "required": _("Write why this person is added"),
            "max_length": _("Use %(limit_value)d characters or fewer"),
        },
    )
