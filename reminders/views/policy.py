"""Which mails a clinic sends, and when: looked at, tried out, checked, saved, brought back."""

import datetime as dt
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from ocrevus_tracker.accounts.access import Duty, staff
from ocrevus_tracker.accounts.models import Clinic, Membership
from reminders import digests, policies, policy_rules, rules, unreached
from reminders.models import Kind, Level, Policy
from reminders.policy_effects import effects
from reminders.previews import MadeUp, send_test
from reminders.staff_forms import PolicyForm
from schedules.actions import decides_for
from schedules.views.access import chosen_clinic, page, user_of

VERSIONS_SHOWN = 20


@staff(Duty.SEE, "GET", "POST", post=Duty.DECIDE)
def policy(request: HttpRequest) -> HttpResponse:
    """The clinic's policy: everybody there sees it, few may change it."""
    now = timezone.now()
    clinic = chosen_clinic(request)
    if request.method != "POST":
        return _editor(request, clinic, _form_to_read(request, clinic), now)
    form = _form(clinic, request.POST)
    act = request.POST.get("act", "")
    if not form.is_valid() or act == "back":
        return _editor(request, clinic, form, now)
    if act == "save":
        return _save(request, clinic, form, now)
    if act == "check":
        return _check(request, clinic, form, now)
    if "test" in request.POST:
        _send_test(request, clinic, form, now)
    return _editor(request, clinic, form, now)


@staff(Duty.SEE, "POST")
def choose_digest(request: HttpRequest) -> HttpResponse:
    """Whether the signed-in person gets the morning's mail."""
    clinic = chosen_clinic(request)
    wanted = request.POST.get("wanted") == "1"
    membership = Membership.objects.get(user=user_of(request), clinic=clinic)
    digests.choose_digest(membership=membership, wanted=wanted)
    told = _("Saved. You get it on weekdays when there is something on the lists.")
    messages.success(request, told if wanted else _("Saved. You do not get it any more."))
    return _back_to(clinic)


@staff(Duty.BOOK, "POST")
def digest_seen(request: HttpRequest, mail_pk: int) -> HttpResponse:
    """Somebody took care of a mail to one of the clinic's own people."""
    clinic = chosen_clinic(request)
    mail = unreached.failed_digests(clinic).filter(pk=mail_pk).first()
    if mail:  # a second tap finds it gone
        unreached.take_off_list(reminder=mail, actor=user_of(request), now=timezone.now())
    messages.success(request, _("Saved. It is off the list."))
    return _back_to(clinic)


def _form(clinic: Clinic, data: Any = None) -> PolicyForm:  # noqa: ANN401 - a QueryDict or a copy of one
    newest = policies.newest(clinic)
    rows = policies.policy_of(clinic)
    return PolicyForm(data, clinic=clinic, rows=rows, seen=newest.version if newest else 0)


def _form_to_read(request: HttpRequest, clinic: Clinic) -> PolicyForm:
    """The policy in force, or the earlier version that the address names."""
    if "version" not in request.GET:
        return _form(clinic)
    number = request.GET["version"]
    if not number.isdecimal() or len(number) > 9:  # noqa: PLR2004 - what a database can look up
        raise Http404
    earlier = get_object_or_404(Policy, clinic=clinic, version=int(number))
    newest = policies.newest(clinic)
    return PolicyForm(
        clinic=clinic,
        rows=earlier.rows,
        seen=newest.version if newest else 0,
        restores=earlier.version,
    )


def _editor(
    request: HttpRequest, clinic: Clinic, form: PolicyForm, now: dt.datetime, *, status: int = 200
) -> HttpResponse:
    user = user_of(request)
    return page(
        request,
        "staff/policy.html",
        clinic=clinic,
        now=now,
        status=status,
        form=form,
        may_change=decides_for(user, clinic),
        versions=_versions(clinic),
        wants_digest=digests.wants_digest(user, clinic),
        failed_digests=unreached.failed_digests(clinic),
        restores=form["restores"].value(),
        **_preview(clinic, form, now),
    )


def _preview(clinic: Clinic, form: PolicyForm, now: dt.datetime) -> dict[str, Any]:
    """What the form's rows mean for a made-up patient; of a form with errors, the policy in
    force.
    """
    made_up = MadeUp.at(clinic, now)
    policy = policies.rules_of(clinic, _rows_shown(clinic, form))
    return {
        "made_up": made_up,
        "due_lines": made_up.lines(policy, "due"),
        "second_lines": [
            line
            for line in made_up.lines(policy, "due", "initial-2")
            if line.kind == Kind.SECOND_VISIT
        ],
        "visit_lines": made_up.lines(policy, "visit"),
        "samples": list(made_up.samples(policy)),
        "first_hour": rules.FIRST_HOUR,
    }


def _rows_shown(clinic: Clinic, form: PolicyForm) -> dict[str, int]:
    if form.is_bound:
        return form.rows() if form.is_valid() else policies.policy_of(clinic)
    return form.rows_at_first


def _versions(clinic: Clinic) -> list[Policy]:
    found = Policy.objects.filter(clinic=clinic).select_related("made_by")
    return list(found[:VERSIONS_SHOWN])


def _check(
    request: HttpRequest, clinic: Clinic, form: PolicyForm, now: dt.datetime
) -> HttpResponse:
    """What the new rows would change, before they are saved."""
    newest = policies.newest(clinic)
    if newest and newest.version != form.cleaned_data["seen"]:
        return _clash(request, clinic, now, policies.who_was_first(newest, now))
    rows, in_force = form.rows(), policies.policy_of(clinic)
    if rows == in_force:
        messages.success(request, _("Nothing to save: these are the rows in force."))
        return _back_to(clinic)
    return page(
        request,
        "staff/policy_check.html",
        clinic=clinic,
        now=now,
        effects=effects(clinic=clinic, rows=rows, now=now),
        changes=[
            (Kind(kind).label, in_words(kind, in_force), in_words(kind, rows))
            for kind in policy_rules.LIMITS
            if rows.get(kind) != in_force.get(kind)
        ],
        kept=[(name, value) for name, value in request.POST.items() if name in form.fields],
    )


def _save(request: HttpRequest, clinic: Clinic, form: PolicyForm, now: dt.datetime) -> HttpResponse:
    actor, rows = user_of(request), form.rows()
    seen, version = form.cleaned_data["seen"], form.cleaned_data["restores"]
    earlier = Policy.objects.filter(clinic=clinic, version=version).first() if version else None
    try:
        if earlier and earlier.rows == rows:
            policies.restore_policy(
                clinic=clinic, version=earlier.version, actor=actor, now=now, seen=seen
            )
        else:
            policies.save_policy(clinic=clinic, rows=rows, actor=actor, now=now, seen=seen)
    except policies.PolicyHasChanged as refusal:
        return _clash(request, clinic, now, str(refusal))
    except policies.UnableToSavePolicy as refusal:
        form.add_error(None, str(refusal))
        return _editor(request, clinic, form, now)
    messages.success(request, _("Saved. It starts tomorrow."))
    return _back_to(clinic)


def _clash(request: HttpRequest, clinic: Clinic, now: dt.datetime, words: str) -> HttpResponse:
    """Somebody was first: show what they saved, and keep what was typed."""
    data = request.POST.copy()
    newest = policies.newest(clinic)
    data["seen"] = str(newest.version if newest else 0)
    again = _form(clinic, data)
    again.full_clean()
    again.add_error(None, words)
    return _editor(request, clinic, again, now)


def _send_test(request: HttpRequest, clinic: Clinic, form: PolicyForm, now: dt.datetime) -> None:
    kind, _colon, level = request.POST["test"].partition(":")
    policy = {rule.kind: rule for rule in policies.rules_of(clinic, form.rows())}
    if kind not in policy or kind not in policy_rules.LIMITS or level not in Level.values:
        messages.error(request, _("This email is not sent under these rows."))
        return
    user = user_of(request)
    try:
        send_test(sample=MadeUp.at(clinic, now).sample(policy[kind], level), user=user)
    except OSError:
        messages.error(request, _("We could not send the test. Try again in a few minutes."))
    else:
        messages.success(request, _("Sent to {email}.").format(email=user.email))


def in_words(kind: str, rows: policy_rules.Rows) -> str:
    """As in "42 days before"."""
    if kind not in rows:
        return _("Not sent")
    told = _("{n} days after") if kind in policy_rules.LATE_STEPS else _("{n} days before")
    return told.format(n=abs(rows[kind]))


def _back_to(clinic: Clinic) -> HttpResponse:
    return redirect(f"{reverse('reminders:policy')}?{urlencode({'clinic': clinic.slug})}")
