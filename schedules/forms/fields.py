"""Answers that need more than one box: a date in three parts, a day, a dose."""

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any, Literal, cast

from django import forms
from django.forms.boundfield import BoundField
from django.forms.utils import ErrorList
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from schedules.forms.reading import Boxes, read_day, read_mg, wrong

Limit = Literal["past", "future", "any"]
SubWidgets = dict[str, forms.Widget | type[forms.Widget]]
MONTH_AND_DAY = _("F j")


class BoxesBoundField(BoundField):
    """Knows which of its boxes are wrong, so that an error can lead to the first of them."""

    @property
    def bad_boxes(self) -> tuple[int, ...]:
        errors = self.errors.as_data() if isinstance(self.errors, ErrorList) else []
        return tuple(box for error in errors for box in (error.params or {}).get("boxes", ()))

    @property
    def error_target(self) -> str:
        """The id of the first wrong box, or of the first radio button."""
        widget = cast("BoxesWidget", self.field.widget)
        return widget.box_id(self.auto_id, min(self.bad_boxes, default=0))

    def as_widget(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - Django's own signature
        cast("BoxesWidget", self.field.widget).bad_boxes = self.bad_boxes
        return super().as_widget(*args, **kwargs)


class BoxesWidget(forms.MultiWidget):
    """Labelled boxes; only the wrong ones are marked as wrong."""

    bad_boxes: tuple[int, ...] = ()
    labels: Sequence[Any] = ()

    def box_id(self, auto_id: str, box: int) -> str:
        return f"{auto_id}_{box}"

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:  # noqa: ANN401 - Django's own signature
        shared = {key: attr for key, attr in (attrs or {}).items() if key != "aria-invalid"}
        context = super().get_context(name, value, shared)
        boxes = context["widget"]["subwidgets"]
        for box, (part, label) in enumerate(zip(boxes, self.labels, strict=True)):
            part["label"] = label
            if box in self.bad_boxes:
                _mark_wrong(part)
        context["widget"]["boxes"] = boxes[1:]
        return context


def _mark_wrong(part: dict[str, Any]) -> None:
    part["attrs"]["aria-invalid"] = "true"
    for _group, options, _index in part.get("optgroups", ()):
        for option in options:
            option["attrs"]["aria-invalid"] = "true"


def _box(css_class: str, **attrs: str) -> forms.TextInput:
    return forms.TextInput({"class": f"form-control {css_class}", **attrs})


def _day_boxes() -> SubWidgets:
    # Month first: the US order. A month may be typed as a word, so it has no number keypad.
    return {
        "month": _box("month"),
        "day": _box("day", inputmode="numeric"),
        "year": _box("year", inputmode="numeric"),
    }


DAY_LABELS = (_("Month"), _("Day"), _("Year"))


class DayPartsWidget(BoxesWidget):
    template_name = "bootstrap5/widgets/day_parts.html"
    labels = DAY_LABELS

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(_day_boxes(), attrs)

    def decompress(self, value: dt.date | None) -> Boxes:
        return [str(value.month), str(value.day), str(value.year)] if value else [None] * 3


class DayField(forms.Field):
    """A day that may have to lie in the past or the future of the form's `today`.

    `subject` opens the error messages: "The date given".
    """

    today: dt.date | None = None

    def __init__(self, *, subject: Any, limit: Limit = "past", **kwargs: Any) -> None:  # noqa: ANN401 - a str or a lazy one
        self.subject = subject
        self.limit = limit
        super().__init__(**kwargs)

    def set_today(self, today: dt.date) -> None:
        """Tell the field which day it is at the clinic."""
        self.today = today

    def get_bound_field(self, form: forms.BaseForm, field_name: str) -> BoundField:
        return BoxesBoundField(form, self, field_name)

    def known_today(self) -> dt.date:
        """The clinic's date.

        Raises:
            TypeError: the form was made without `today`.
        """
        if self.today is None:
            raise TypeError("A form with a day field needs today=…")
        return self.today

    def read(self, boxes: Boxes, *, first_box: int) -> dt.date:
        """The day that the three boxes name, within the limit.

        Raises:
            ValidationError: it is no real date or lies on the wrong side of today.
        """
        day = read_day(boxes, subject=str(self.subject), first_box=first_box)
        every_box = range(first_box, first_box + 3)
        if self.limit == "past" and day > self.known_today():
            raise wrong(gettext("{subject} must be today or in the past"), self.subject, every_box)
        if self.limit == "future" and day < self.known_today():
            raise wrong(
                gettext("{subject} must be today or in the future"), self.subject, every_box
            )
        return day


class DayPartsField(DayField):
    """A date in three boxes, month, day and year; returns a date."""

    widget = DayPartsWidget

    def to_python(self, value: Any) -> dt.date | None:  # noqa: ANN401 - Django's own signature
        if value is None or isinstance(value, dt.date):
            return value
        if not any(_typed(value)):
            if self.required:
                raise wrong(str(self.error_messages["required"]), self.subject, range(3))
            return None
        return self.read(value, first_box=0)


class ChoiceAndBoxesWidget(BoxesWidget):
    """Radio buttons; the last one stands for what the boxes below it say."""

    def box_id(self, auto_id: str, box: int) -> str:
        return f"{auto_id}_{box}" if box else f"{auto_id}_0_0"

    @property
    def radios(self) -> forms.RadioSelect:
        return cast("forms.RadioSelect", self.widgets[0])


class DayChoiceWidget(ChoiceAndBoxesWidget):
    template_name = "bootstrap5/widgets/day_choice.html"
    labels = ("", *DAY_LABELS)
    today: dt.date | None = None

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"choice": forms.RadioSelect(), **_day_boxes()}, attrs)

    def set_today(self, today: dt.date) -> None:
        yesterday = today - dt.timedelta(days=1)
        self.today = today
        self.radios.choices = [
            ("today", gettext("Today, {date}").format(date=_month_and_day(today))),
            ("yesterday", gettext("Yesterday, {date}").format(date=_month_and_day(yesterday))),
            ("other", gettext("Another date")),
        ]

    def decompress(self, value: dt.date | None) -> Boxes:
        if value is None or self.today is None:
            return [None] * 4
        names = {0: "today", 1: "yesterday"}
        if choice := names.get((self.today - value).days):
            return [choice, None, None, None]
        return ["other", str(value.month), str(value.day), str(value.year)]


class DayChoiceField(DayField):
    """Today, yesterday or another date in three boxes; returns a date. Needs `today`."""

    widget = DayChoiceWidget

    def set_today(self, today: dt.date) -> None:
        super().set_today(today)
        cast("DayChoiceWidget", self.widget).set_today(today)

    def to_python(self, value: Any) -> dt.date | None:  # noqa: ANN401 - Django's own signature
        if value is None or isinstance(value, dt.date):
            return value
        choice, *boxes = value
        days_ago = {"today": 0, "yesterday": 1}.get(choice)
        if days_ago is not None:
            day = self.known_today() - dt.timedelta(days=days_ago)
            self._refuse_contradiction(day, boxes)
            return day
        # A date in the boxes is an answer, whether or not its radio button was chosen too.
        return self.read(boxes, first_box=1) if choice == "other" or any(_typed(boxes)) else None

    def _refuse_contradiction(self, day: dt.date, boxes: Boxes) -> None:
        """A typed date next to another choice would be lost in silence; ask instead."""
        if any(_typed(boxes)) and self.read(boxes, first_box=1) != day:
            raise wrong(
                gettext("{subject} has two answers. Choose “Another date” or empty its boxes"),
                self.subject,
                [0],
            )


class DoseChoiceWidget(ChoiceAndBoxesWidget):
    template_name = "bootstrap5/widgets/dose_choice.html"
    labels = ("", _("Amount in mg"))

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        boxes: SubWidgets = {
            "choice": forms.RadioSelect(),
            "mg": _box("mg", inputmode="numeric"),
        }
        super().__init__(boxes, attrs)

    def decompress(self, value: int | None) -> Boxes:
        offered = [key for key, _label in self.radios.choices]
        if value is None:
            return [None, None]
        return [str(value), None] if str(value) in offered else ["other", str(value)]


class DoseChoiceField(forms.Field):
    """The dose in mg: the expected one, another usual one, or a typed amount; returns an int."""

    widget = DoseChoiceWidget
    default_error_messages = {"required": _("Choose a dose")}

    def __init__(self, *, offered_mg: Iterable[int], most_mg: int = 2000, **kwargs: Any) -> None:  # noqa: ANN401 - Django's own options
        self.offered_mg = tuple(offered_mg)
        self.most_mg = most_mg
        super().__init__(**kwargs)
        self.expect(None)

    def expect(self, expected_mg: int | None) -> None:
        """Put the planned dose first and say that it is the expected one."""
        others = [mg for mg in self.offered_mg if mg != expected_mg]
        choices = [(str(mg), gettext("{mg} mg").format(mg=mg)) for mg in others]
        if expected_mg:
            label = gettext("{mg} mg (expected)").format(mg=expected_mg)
            choices.insert(0, (str(expected_mg), label))
        widget = cast("DoseChoiceWidget", self.widget)
        widget.radios.choices = [*choices, ("other", gettext("Other"))]

    def get_bound_field(self, form: forms.BaseForm, field_name: str) -> BoundField:
        return BoxesBoundField(form, self, field_name)

    def to_python(self, value: Any) -> int | None:  # noqa: ANN401 - Django's own signature
        if value is None or isinstance(value, int):
            return value
        choice, typed = value
        radios = cast("DoseChoiceWidget", self.widget).radios
        if choice in {key for key, _label in radios.choices} - {"other"}:
            self._refuse_contradiction(int(choice), typed)
            return int(choice)
        return self.read(typed) if choice == "other" or any(_typed([typed])) else None

    def read(self, typed: str | None) -> int:
        """The typed amount in mg.

        Raises:
            ValidationError: it is no whole number from 1 to `most_mg`.
        """
        return read_mg(typed, most_mg=self.most_mg, box=1)

    def _refuse_contradiction(self, chosen_mg: int, typed: str | None) -> None:
        if any(_typed([typed])) and self.read(typed) != chosen_mg:
            raise wrong(gettext("Choose “Other” to use the amount you typed, or empty it"), "", [0])


def _typed(boxes: Boxes) -> list[str]:
    return [text for box in boxes if (text := (box or "").strip())]


def _month_and_day(day: dt.date) -> str:
    return date_format(day, str(MONTH_AND_DAY))
