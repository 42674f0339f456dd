"""Who works at a clinic: for its admins to see and change."""

from collections.abc import Callable
from typing import ParamSpec
from urllib.parse import urlencode
from uuid import uuid4

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from ocrevus_tracker.accounts.access import Duty, View, staff
from ocrevus_tracker.accounts.factors import again_who_you_are
from ocrevus_tracker.accounts.models import Clinic, Membership, StaffInvitation
from schedules import actions
from schedules.forms.base import CleanForm
from schedules.forms.staffing import InviteStaffForm, RemoveForm, RoleForm
from schedules.views.access import chosen_clinic, page, user_of

P = ParamSpec("P")


def managing(view: Callable[P, HttpResponseBase]) -> View:
    """A page on which people are given a role or lose one: for admins, who say again who they are
    unless they have just done so.
    """
    return staff(Duty.MANAGE, "GET", "POST")(again_who_you_are(view))


@staff(Duty.MANAGE, "GET")
def people(request: HttpRequest) -> HttpResponse:
    """Everybody who works at the clinic, and who was asked to."""
    clinic, now = chosen_clinic(request), timezone.now()
    members = Membership.objects.filter(clinic=clinic).select_related("user")
    invited = StaffInvitation.objects.unanswered().filter(clinic=clinic)
    return page(
        request,
        "staff/people.html",
        clinic=clinic,
        now=now,
        members=members.order_by("user__name", "user__email"),
        # Each with the key of the form that sends it again.
        invited=[(one, one.expires_at > now, uuid4()) for one in invited.order_by("email")],
    )


@managing
def invite_staff(request: HttpRequest) -> HttpResponse:
    """Ask somebody to work here."""
    clinic = chosen_clinic(request)
    form = InviteStaffForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        actor, now = user_of(request), timezone.now()
        try:
            actions.invite_staff(clinic=clinic, actor=actor, now=now, **form.cleaned_data)
        except actions.UnableToChangeStaff as refusal:
            form.add_error("email", str(refusal))
        else:
            told = _("Saved. An invitation goes to {email} within a minute.")
            messages.success(request, told.format(email=form.cleaned_data["email"]))
            return _back_to(clinic)
    return page(request, "staff/invite_staff.html", clinic=clinic, now=timezone.now(), form=form)


@staff(Duty.MANAGE, "POST")
def withdraw_staff_invitation(request: HttpRequest, invitation_pk: int) -> HttpResponse:
    """The link that somebody was sent works no more. A second tap finds it so, which is as good."""
    clinic = chosen_clinic(request)
    invitation = get_object_or_404(StaffInvitation, clinic=clinic, pk=invitation_pk)
    actions.withdraw_staff_invitation(
        invitation=invitation, actor=user_of(request), now=timezone.now()
    )
    messages.success(request, _("The invitation does not work any more."))
    return _back_to(clinic)


@managing
def codes_by_email(request: HttpRequest) -> HttpResponse:
    """Whether patients may sign in with a code by e-mail."""
    clinic, now = chosen_clinic(request), timezone.now()
    if request.method != "POST":
        return page(request, "staff/codes_by_email.html", clinic=clinic, now=now)
    allowed = request.POST.get("allowed") == "1"
    actions.allow_codes_by_email(clinic=clinic, allowed=allowed, actor=user_of(request), now=now)
    told = _("Saved. Patients may sign in with a code by email.")
    messages.success(request, told if allowed else _("Saved. Patients need a passkey now."))
    return _back_to(clinic)


@managing
def change_role(request: HttpRequest, member_pk: int) -> HttpResponse:
    """Another role for somebody."""
    clinic, member = _member(request, member_pk)
    data = request.POST if request.method == "POST" else None
    form = RoleForm(data, initial={"role": member.role})
    if form.is_valid():
        actor, now = user_of(request), timezone.now()
        try:
            actions.change_role(membership=member, actor=actor, now=now, **form.cleaned_data)
        except actions.UnableToChangeStaff as refusal:
            form.add_error("role", str(refusal))
        else:
            member.refresh_from_db()
            told = _("Saved. {name} is now: {role}.")
            name, role = member.user.get_short_name(), member.get_role_display()
            messages.success(request, told.format(name=name, role=role))
            return _back_to(clinic)
    return _form_page(request, "staff/change_role.html", clinic, member, form)


@managing
def remove(request: HttpRequest, member_pk: int) -> HttpResponse:
    """Somebody does not work here any more."""
    clinic, member = _member(request, member_pk)
    form = RemoveForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        actor, now = user_of(request), timezone.now()
        try:
            actions.remove_member(membership=member, actor=actor, now=now, **form.cleaned_data)
        except actions.UnableToChangeStaff as refusal:
            form.add_error("reason", str(refusal))
        else:
            told = _("{name} does not work at {clinic} any more, and sees nothing of it.")
            name = member.user.get_short_name()
            messages.success(request, told.format(name=name, clinic=clinic.name))
            return _back_to(clinic)
    return _form_page(request, "staff/remove_member.html", clinic, member, form)


def _member(request: HttpRequest, member_pk: int) -> tuple[Clinic, Membership]:
    """Somebody who works at the clinic that the page is about. Raises Http404."""
    clinic = chosen_clinic(request)
    members = Membership.objects.filter(clinic=clinic).select_related("user")
    return clinic, get_object_or_404(members, pk=member_pk)


def _back_to(clinic: Clinic) -> HttpResponse:
    return redirect(f"{reverse('staff:people')}?{urlencode({'clinic': clinic.slug})}")


def _form_page(
    request: HttpRequest, template: str, clinic: Clinic, member: Membership, form: CleanForm
) -> HttpResponse:
    return page(request, template, clinic=clinic, now=timezone.now(), member=member, form=form)
