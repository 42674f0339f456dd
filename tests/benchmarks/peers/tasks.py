"""One task per mail."""

from django.core.mail import EmailMultiAlternatives
from django.utils import timezone

from . import people
from .celery_app import app
from .models import Person


@app.task
def remind(pk: int) -> None:
    """Unless it has gone already: a task may come twice."""
    one = Person.objects.get(pk=pk)
    if one.reminded_at:
        return
    subject, text, html = people.rendered(one)
    message = EmailMultiAlternatives(subject, text, to=[one.email])
    message.attach_alternative(html, "text/html")
    message.send()
    one.reminded_at = timezone.now()
    one.save(update_fields=["reminded_at"])
