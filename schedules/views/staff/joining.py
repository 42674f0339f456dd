"""The page behind the link of a staff invitation."""

import datetime as dt

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from ocrevus_tracker.accounts.access import link_holders
from ocrevus_tracker.accounts.models import StaffInvitation, User
from schedules import actions
from schedules.forms.staffing import JoinForm
from schedules.views.access import page


@link_holders("GET", "POST")
@never_cache
def join(request: HttpRequest, token: str) -> HttpResponse:
    """Open an account, or join with the one that the address has; looking changes nothing.

    Nobody is signed in by it: the staff's door asks for a second step.
    """
    now = timezone.now()
    links = StaffInvitation.objects.with_token(token).select_related("clinic")
    invitation = links.first()
    if invitation is None:
        raise Http404
    sent = StaffInvitation.objects.open(now).filter(clinic=invitation.clinic)
    if not sent.filter(pk=invitation.pk).exists():
        return _ended(request, now)
    account = User.objects.filter(email=invitation.email).first()
    if account and account.has_usable_password():
        return _join_as(request, account, invitation, now)
    form = JoinForm(request.POST if request.method == "POST" else None, email=invitation.email)
    if form.is_valid():
        name, password = form.cleaned_data["name"], form.cleaned_data["password"]
        if not actions.open_staff_account(
            invitation=invitation, name=name, password=password, now=now
        ):
            return _ended(request, now)
        messages.success(request, _("Done. Now sign in with your new password."))
        return redirect("account_login")
    return _page(request, invitation, now, form=form)


def _join_as(
    request: HttpRequest, account: User, invitation: StaffInvitation, now: dt.datetime
) -> HttpResponse:
    """The account has a password: whoever joins with it is signed in with it."""
    is_me = request.user == account
    if not is_me or request.method != "POST":
        return _page(request, invitation, now, known=True, is_me=is_me)
    if not actions.join_clinic(invitation=invitation, user=account, now=now):
        return _ended(request, now)
    told = _("Done. You work at {clinic} too.")
    messages.success(request, told.format(clinic=invitation.clinic.name))
    return redirect("home")


def _page(
    request: HttpRequest,
    invitation: StaffInvitation,
    now: dt.datetime,
    *,
    form: JoinForm | None = None,
    known: bool = False,
    is_me: bool = False,
) -> HttpResponse:
    return page(
        request,
        "staff/join.html",
        clinic=None,
        now=now,
        invitation=invitation,
        form=form,
        known=known,
        is_me=is_me,
    )


def _ended(request: HttpRequest, now: dt.datetime) -> HttpResponse:
    """The same for a link that is too old, used or taken back."""
    return page(request, "staff/join_ended.html", clinic=None, now=now, status=410)
