"""A patient's own pages about mail: what they get, and what was sent."""

import datetime as dt
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.cache import never_cache

from ocrevus_tracker.accounts.access import signed_in
from ocrevus_tracker.audit import trail
from reminders import choices
from reminders.ahead import next_mails
from reminders.forms import MailsForm, TopicForm
from reminders.models import PATIENT, DeadAddress, Preference, Reminder, State, Topic
from reminders.trial import UnableToSendTest, send_test
from schedules.models import Patient
from schedules.templatetags.tracker import long_date
from schedules.views import seeing
from schedules.views.access import page, user_of

P = ParamSpec("P")
OfRecord = Callable[Concatenate[HttpRequest, Patient, P], HttpResponse]

# What became of a mail, in a patient's words, with a kind of `status_tag`. What never left is
# not listed.
SHOWN = {
    State.ON_WIRE: ("neutral", pgettext_lazy("an email", "On its way")),
    State.IN_DOUBT: ("neutral", pgettext_lazy("an email", "On its way")),
    State.ACCEPTED: ("done", pgettext_lazy("an email", "Sent")),
    State.DELIVERED: ("done", pgettext_lazy("an email", "Arrived")),
    State.BOUNCED: ("late", pgettext_lazy("an email", "Came back")),
    State.FAILED: ("late", pgettext_lazy("an email", "Could not be sent")),
}
PAGE = 50


def of_own_record(view: OfRecord[P]) -> Callable[..., HttpResponse]:
    """Give the view the signed-in person's record, the one that `?record=` names where there are
    several; the page is in that person's language. Anybody else's record is a 404.
    """

    @never_cache
    @wraps(view)
    def inner(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        now, user = timezone.now(), user_of(request)
        own = Patient.objects.visible_to(user).filter(user=user).select_related("clinic")
        records = list(own.order_by("given_name", "family_name", "pk"))
        wanted = request.GET.get("record")
        if wanted is not None:
            records = [one for one in records if str(one.pk) == wanted]
            if not records:
                raise Http404
        if not records:
            return page(request, "patient/nothing.html", clinic=None, now=now, status=404)
        with translation.override(records[0].language):
            if len(records) > 1:
                seeing.lists(request, records, role=trail.PATIENT)
                return page(request, "mail/choose.html", clinic=None, now=now, records=records)
            seeing.opens(request, records[0], role=trail.PATIENT)
            return view(request, records[0], *args, **kwargs)

    return inner


@signed_in("GET", "POST")
@of_own_record
def settings(request: HttpRequest, patient: Patient) -> HttpResponse:
    """Which mails, in which words and language."""
    now = timezone.now()
    form = MailsForm(request.POST if request.method == "POST" else None, patient=patient)
    if form.is_valid():
        answers = form.cleaned_data
        choices.choose_mails(patient=patient, actor=user_of(request), now=now, **answers)
        seen = Patient.objects.visible_to(user_of(request)).select_related("clinic")
        patient = seen.get(pk=patient.pk)
        with translation.override(patient.language):
            messages.success(request, _saved(patient, now))
        return redirect(address_of("settings", patient))
    return own_page(request, "mail/settings.html", patient, now, form=form)


@signed_in("GET")
@of_own_record
def sent(request: HttpRequest, patient: Patient) -> HttpResponse:
    """What was sent, in the words in which it was sent, and what comes next."""
    now = timezone.now()
    rows = Reminder.objects.filter(patient=patient, recipient=PATIENT, state__in=SHOWN)
    newest = rows.order_by("-dated_at", "-pk")[:PAGE]
    stopped = Preference.of(patient).stopped_topics
    return own_page(
        request,
        "mail/sent.html",
        patient,
        now,
        mails=[(row, *SHOWN[State(row.state)]) for row in newest],
        ahead=next_mails(patient, now=now),
        topics=[(topic, topic in stopped) for topic in Topic],
    )


@signed_in("POST")
@of_own_record
def stop_topic(request: HttpRequest, patient: Patient) -> HttpResponse:
    """No more mails of one topic."""
    topic = _topic(request)
    choices.stop_topic(patient=patient, topic=topic, actor=user_of(request), now=timezone.now())
    told = _("Done. We will not send you these emails: {topic}.")
    messages.success(request, told.format(topic=topic.label))
    return redirect(address_of("sent", patient))


@signed_in("POST")
@of_own_record
def resume_topic(request: HttpRequest, patient: Patient) -> HttpResponse:
    """Mails of one topic again."""
    topic = _topic(request)
    choices.resume_topic(patient=patient, topic=topic, actor=user_of(request), now=timezone.now())
    told = _("Done. We will send you these emails again: {topic}.")
    messages.success(request, told.format(topic=topic.label))
    return redirect(address_of("sent", patient))


@signed_in("POST")
@of_own_record
def test_mail(request: HttpRequest, patient: Patient) -> HttpResponse:
    """One mail at once, to see whether mails arrive."""
    try:
        send_test(patient=patient, now=timezone.now())
    except UnableToSendTest as refusal:
        messages.error(request, str(refusal))
    else:
        told = _("We sent a test to {email}. Look in your spam folder too.")
        messages.success(request, told.format(email=patient.email))
    return redirect(address_of("settings", patient))


def _saved(patient: Patient, now: dt.datetime) -> str:
    """What to tell after the choices are saved."""
    if not patient.wants_reminders:
        return _("Saved. We will stop emails. Your clinic may still call you about your care.")
    ahead = next_mails(patient, now=now)
    if not ahead:
        return _("Saved.")
    told = _("Saved. Your next email will be on or after {date}.")
    return told.format(date=long_date(ahead[0].on))


def _topic(request: HttpRequest) -> Topic:
    """The topic of a button. Raises Http404 for one that no button of ours has."""
    form = TopicForm(request.POST)
    if not form.is_valid():
        raise Http404
    return Topic(form.cleaned_data["topic"])


def address_of(name: str, patient: Patient) -> str:
    """The address of one of these pages, about this record."""
    return f"{reverse(f'reminders:{name}')}?{urlencode({'record': patient.pk})}"


def own_page(
    request: HttpRequest,
    template: str,
    patient: Patient,
    now: dt.datetime,
    **facts: Any,  # noqa: ANN401 - whatever the template shows
) -> HttpResponse:
    """The page, for one of maybe several records of the signed-in person."""
    dead = DeadAddress.objects.filter(patient=patient).values_list("email", flat=True)
    return page(
        request,
        template,
        clinic=patient.clinic,
        now=now,
        patient=patient,
        query=urlencode({"record": patient.pk}),
        dead=set(dead),
        **facts,
    )
