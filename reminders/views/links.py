"""The pages behind the links in mails. They ask nobody to sign in, and act only on a POST.

The link is the right to act: it is signed, says whose mails are meant, and reaches nobody else.
So these pages look at no cookie at all, and show and do the same whoever is signed in. That is
also why they are free of CSRF checks: such an attack borrows what a browser sends by itself, and
here that counts for nothing; who can make a browser post to the link has the link, and could as
well post to it alone. Mail programs, which carry no cookie, could not post at all with the check.
"""

import datetime as dt
from http import HTTPStatus
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from ocrevus_tracker.accounts.access import link_holders
from reminders import choices, helpers, links
from reminders.forms import StopForm
from reminders.models import PATIENT, Helper, MailChoices, Preference, Topic
from schedules.models import Patient
from schedules.views.access import page


@link_holders("GET", "POST")
@csrf_exempt
@never_cache
def stop(request: HttpRequest, token: str) -> HttpResponse:
    """Fewer mails, none of one topic, or none at all, to the one person that the link is for."""
    now = timezone.now()
    patient, helper, topic = _meant(token)
    with translation.override(patient.language):
        # RFC 8058: a mail program posts this when its own button is pressed.
        if request.POST.get("List-Unsubscribe") == "One-Click":
            choices.stop_topic(patient=patient, helper=helper, topic=topic, now=now)
            return HttpResponse(_("Done.") + "\n", content_type="text/plain; charset=utf-8")
        form = _stop_form(
            request.POST if request.method == "POST" else None, patient, helper, topic
        )
        told = ""
        if form.is_valid():
            told = _save(form.cleaned_data["choice"], patient, helper, topic, now)
            patient, helper, topic = _meant(token)
            form = _stop_form(None, patient, helper, topic)
        has_left = helper is not None and not (helper.gets_copies and helper.removed_at is None)
        facts = {"form": form, "told": told, "has_left": has_left, "helper": helper}
        return _page(request, "mail/stop.html", patient, now, **facts)


@link_holders("GET", "POST")
@csrf_exempt
@never_cache
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """A person who was asked to help says yes or no."""
    now = timezone.now()
    helper = _asked(token)
    with translation.override(helper.patient.language):
        answer = request.POST.get("answer")
        if answer == "yes":
            helpers.accept_invitation(helper=helper, now=now)
        elif answer == "no" and helper.accepted_at is None:
            helpers.remove_helper(helper=helper, now=now)
        if answer:
            helper.refresh_from_db()
        state = _state(helper, now)
        gone = state in {"removed", "too-old"} and answer != "no"
        facts = {"helper": helper, "state": state, "said_no": answer == "no"}
        status = HTTPStatus.GONE if gone else HTTPStatus.OK
        return _page(request, "mail/invitation.html", helper.patient, now, status=status, **facts)


def _meant(token: str) -> tuple[Patient, Helper | None, Topic]:
    """Whose mails the link is about, whose copies of them if not their own, and which.

    Raises:
        Http404: we did not write this link, or there is no such person any more.
    """
    try:
        meant = links.read_stop(token)
    except links.BadLink:
        raise Http404 from None
    patient = get_object_or_404(Patient.objects.select_related("clinic"), pk=meant.patient_id)
    if meant.recipient == PATIENT:
        return patient, None, Topic(meant.topic)
    for helper in patient.helpers.all():
        if helper.recipient == meant.recipient:
            return patient, helper, Topic(meant.topic)
    raise Http404


def _asked(token: str) -> Helper:
    """The person that the link is for. Raises Http404 as `_meant`."""
    try:
        pk = links.read_invitation(token)
    except links.BadLink:
        raise Http404 from None
    return get_object_or_404(Helper.objects.select_related("patient__clinic"), pk=pk)


def _stop_form(
    data: QueryDict | None, patient: Patient, helper: Helper | None, topic: Topic
) -> StopForm:
    chosen: MailChoices = helper or Preference.of(patient)
    wants_any = helper is not None or patient.wants_reminders
    return StopForm(data, topic=topic, choices=chosen, wants_any=wants_any)


def _save(
    choice: str, patient: Patient, helper: Helper | None, topic: Topic, now: dt.datetime
) -> str:
    """Do it; returns what to tell."""
    if choice == "topic":
        choices.stop_topic(patient=patient, helper=helper, topic=topic, now=now)
        return _("Done. We will not send you these emails: {topic}.").format(topic=topic.label)
    if choice == "fewer":
        choices.want_fewer(patient=patient, helper=helper, topic=topic, now=now)
        return _("Done. We will email you only when something needs to be done.")
    if choice == "on":
        choices.want_all(patient=patient, helper=helper, now=now)
        return _("Done. We will email you again.")
    if helper:
        helpers.stop_copies(helper=helper, now=now)
        return _("Done. We will not send you any more copies.")
    choices.stop_all(patient=patient, now=now)
    return _("Done. We will not email reminders. Your clinic will call you instead.")


def _state(helper: Helper, now: dt.datetime) -> str:
    """Where the invitation stands."""
    if helper.removed_at:
        return "removed"
    if helper.accepted_at:
        return "accepted"
    return "open" if helpers.has_time_left(helper, now) else "too-old"


def _page(
    request: HttpRequest,
    template: str,
    patient: Patient,
    now: dt.datetime,
    **facts: Any,  # noqa: ANN401 - whatever the template shows
) -> HttpResponse:
    # Nobody is signed in here as far as the page is concerned, so it names nobody.
    return page(request, template, clinic=patient.clinic, now=now, user=None, **facts)
