"""Whom the peers write to, and what."""

import datetime as dt

from django.template.loader import render_to_string

from .models import Person

SPARE = 20  # people more than are written to in a round: to warm up with
DUE_ON = dt.date(2026, 9, 14)
CLINIC = {"name": "Bench Clinic", "phone": "(555) 010-0142", "hours": "Monday to Friday, 8 to 5"}


def fill(count: int) -> None:
    """So many people to write to, and the spare ones."""
    Person.objects.bulk_create(
        Person(name="Made", email=f"p{number}@example.org", due_on=DUE_ON)
        for number in range(count + SPARE)
    )


def first(count: int) -> list[Person]:
    return list(Person.objects.order_by("pk")[:count])


def context(person: Person) -> dict[str, object]:
    return {
        "first_name": person.name,
        "due_on": person.due_on,
        "clinic": CLINIC,
        "site_name": "Clinic Visits",
        "url": f"https://visits.example.org/patient/{person.pk}/",
    }


def rendered(person: Person) -> tuple[str, str, str]:
    """Subject, text and HTML."""
    about = context(person)
    about["subject"] = render_to_string("peers/mail.subject.txt", about).strip()
    text = render_to_string("peers/mail.txt", about)
    return str(about["subject"]), text, render_to_string("peers/mail.html", about)
