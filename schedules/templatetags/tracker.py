"""How pages say dates, times and statuses. Everything here gets its `today` from the view."""

import datetime as dt
import re
from functools import cache
from typing import Any

from django import forms, template
from django.template.loader import get_template, render_to_string
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, ngettext, pgettext

register = template.Library()

DAYS_IN_A_MONTH = 365.25 / 12
FIRST_DAY_IN_WEEKS = 14
FIRST_WEEK_IN_MONTHS = 9

# What a status looks like besides its word. The classes are in app.css.
STATUS_ICONS = {
    "booked": "calendar-check",
    "time-to-book": "calendar-plus",
    "book-now": "clock",
    "late": "exclamation-triangle-fill",
    "paused": "pause-fill",
    "stopped": "square-fill",
    "saved": "check-lg",
    "done": "check-lg",
    "neutral": "info-circle",
}


@register.filter
def long_date(day: dt.date | None) -> str:
    """Say a date like "Tuesday, March 10, 2026"; an aware datetime in the current time zone."""
    if not day:
        return ""
    return date_format(_local(day), pgettext("a date format of Django", "l, F j, Y"))


@register.filter
def clock(moment: dt.datetime | None) -> str:
    """Say the time of an aware datetime, in the current time zone: "9:00 a.m.", "noon"."""
    if not moment:
        return ""
    local = timezone.localtime(moment)
    words = {(0, 0): gettext("midnight"), (12, 0): gettext("noon")}
    word = words.get((local.hour, local.minute))
    return word or date_format(local, pgettext("a time format of Django", "g:i a"))


@register.filter
def in_words(day: dt.date | None, today: dt.date) -> str:
    """Say how far a date is: "today", "tomorrow", "in 3 weeks", "12 days ago".

    Days below 14, then the nearest week below 9, then the nearest month.
    """
    if not day:
        return ""
    days = (_local(day) - today).days
    near = {0: gettext("today"), 1: gettext("tomorrow"), -1: gettext("yesterday")}
    if days in near:
        return near[days]
    pattern = gettext("in {length}") if days > 0 else gettext("{length} ago")
    return pattern.format(length=_length(abs(days)))


def _length(days: int) -> str:
    weeks = round(days / 7)
    if days < FIRST_DAY_IN_WEEKS:
        return ngettext("{n} day", "{n} days", days).format(n=days)
    if weeks < FIRST_WEEK_IN_MONTHS:
        return ngettext("{n} week", "{n} weeks", weeks).format(n=weeks)
    months = round(days / DAYS_IN_A_MONTH)
    return ngettext("{n} month", "{n} months", months).format(n=months)


@register.filter
def duration(minutes: int) -> str:
    """Say a length of time: "45 minutes", "5 hours", "5 hours 45 minutes"."""
    hours, left = divmod(minutes, 60)
    parts = [
        ngettext("{n} hour", "{n} hours", hours).format(n=hours) if hours else "",
        ngettext("{n} minute", "{n} minutes", left).format(n=left) if left else "",
    ]
    return " ".join(part for part in parts if part)


def _local(day: dt.date) -> dt.date:
    return timezone.localtime(day).date() if isinstance(day, dt.datetime) else day


@register.filter
def tel(phone: str) -> str:
    """A phone number as a `tel:` link wants it: digits, without an extension."""
    number = re.split(r"[a-zA-Z;,#]", phone, maxsplit=1)[0]
    return ("+" if number.strip().startswith("+") else "") + re.sub(r"\D", "", number)


@register.filter
def sentence(words: str) -> str:
    """The words with one full stop at their end: "8 a.m. to 5 p.m." has one already."""
    return words if words.endswith(".") else f"{words}."


@register.simple_tag
def icon(name: str) -> SafeString:
    """The drawing templates/icons/<name>.svg, hidden from screen readers: put a word beside it."""
    return _drawing(name)


@cache
def _drawing(name: str) -> SafeString:
    return mark_safe(get_template(f"icons/{name}.svg").render().strip())  # noqa: S308 - our own files


@register.simple_tag
def status_tag(kind: str, word: str) -> SafeString:
    """A status: word, icon and border shape together. `kind` is a key of STATUS_ICONS."""
    drawing = _drawing(STATUS_ICONS[kind])
    return format_html('<p class="status status-{}">{} {}</p>', kind, drawing, word)


@register.simple_tag
def error_summary(*candidates: Any) -> SafeString:  # noqa: ANN401 - a page may have no form
    """Say "There is a problem", with a link to each wrong field; nothing when all is well."""
    items = [
        item for form in candidates if isinstance(form, forms.BaseForm) for item in _problems(form)
    ]
    html = render_to_string("bootstrap5/error_summary.html", {"items": items}).strip()
    return mark_safe(html)  # noqa: S308 - rendered by Django


def _problems(form: forms.BaseForm) -> list[dict[str, str]]:
    problems = [{"text": str(error), "target": ""} for error in form.non_field_errors()]
    for name in form.fields:  # the order of the page; errors come in that of the checks
        if name in form.errors:
            target = _target(form[name])
            problems += [{"text": str(error), "target": target} for error in form.errors[name]]
    return problems


def _target(field: forms.BoundField) -> str:
    """The id of the element that the reader has to change."""
    if field.is_hidden:
        return ""
    first_box = getattr(field, "error_target", "")
    return first_box or field.id_for_label or f"{field.auto_id}_0"
