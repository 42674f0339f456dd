"""The page behind the link of an invitation, on which a patient claims their record."""

import datetime as dt

from allauth.account.adapter import get_adapter
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from ocrevus_tracker.accounts.access import link_holders
from schedules import actions
from schedules.forms.online import ClaimForm
from schedules.models import PatientInvitation

from .access import page


@link_holders("GET", "POST")
@never_cache
def claim(request: HttpRequest, token: str) -> HttpResponse:
    """Ask for the date of birth. Until it is right the page says neither whose record it is nor
    which clinic's; looking at it changes nothing.
    """
    now = timezone.now()
    links = PatientInvitation.objects.with_token(token).select_related("patient__clinic")
    invitation = links.first()
    if invitation is None:
        raise Http404
    with translation.override(invitation.patient.language):
        if invitation.standing(now) != "open":
            return _ended(request, now)
        data = request.POST if request.method == "POST" else None
        form = ClaimForm(data, today=invitation.patient.clinic.local_date(now))
        if form.is_valid():
            born = form.cleaned_data["born"]
            claimed = actions.claim_record(invitation=invitation, born=born, now=now)
            if claimed:
                return _welcome(request, claimed, invitation)
            invitation.refresh_from_db()
            if invitation.standing(now) != "open":
                return _ended(request, now)
            form.add_error("born", _("That date does not match. Check it and try again."))
        return page(request, "patient/claim.html", clinic=None, now=now, form=form)


def _welcome(
    request: HttpRequest, claimed: actions.Claimed, invitation: PatientInvitation
) -> HttpResponse:
    """On to the dates. Only a new account has no other door yet: whoever has one, and maybe more
    factors than a mailbox, goes through that.
    """
    if claimed.is_new:
        get_adapter(request).login(request, claimed.user)
    if request.user != claimed.user:
        messages.success(request, _("Done. Now sign in to see your dates."))
        return redirect("account_request_login_code")
    return redirect(reverse("patient:home", query={"record": invitation.patient_id}))


def _ended(request: HttpRequest, now: dt.datetime) -> HttpResponse:
    """The same for a link that is too old, used, taken back, or tried too often."""
    return page(request, "patient/claim_ended.html", clinic=None, now=now, status=410)
