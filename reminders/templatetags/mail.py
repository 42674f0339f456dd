"""How the words of a mail are dressed. Each mail is written once: where autoescape is on it becomes
HTML, where it is off plain text. So both forms say the same.
"""

import datetime as dt
import re

from django import template
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import pgettext

from schedules.templatetags.tracker import tel

register = template.Library()

PARAGRAPH = '<p style="margin: 0 0 16px;">{}</p>'


@register.filter(needs_autoescape=True)
def bold(words: str, autoescape: bool = True) -> str:  # noqa: FBT001, FBT002 - Django's own call
    """The words that a reader must not miss."""
    return format_html("<strong>{}</strong>", words) if autoescape else words


@register.filter(needs_autoescape=True)
def call(phone: str, autoescape: bool = True) -> str:  # noqa: FBT001, FBT002 - see above
    """A phone number, to be dialled by a tap where that can be."""
    return format_html('<a href="tel:{}">{}</a>', tel(phone), phone) if autoescape else phone


@register.filter(needs_autoescape=True)
def link(url: str, autoescape: bool = True) -> str:  # noqa: FBT001, FBT002 - see above
    """An address, written out in both forms."""
    return format_html('<a href="{}">{}</a>', url, url) if autoescape else url


@register.filter
def subject_date(day: dt.date) -> str:
    """Say a date in as few words as a subject has room for: "April 11, 2026"."""
    return date_format(day, pgettext("a date format of Django, for a subject", "F j, Y"))


@register.simple_block_tag
def paragraphs(content: str) -> SafeString:
    """Make a paragraph of each block of lines; `content` is HTML already."""
    blocks = (" ".join(block.split()) for block in re.split(r"\n\s*\n", content))
    return mark_safe("\n".join(PARAGRAPH.format(block) for block in blocks if block))  # noqa: S308
