"""What a clinic decides for itself; everybody there sees it, few may change it."""

import contextlib
import datetime as dt
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ocrevus_tracker.accounts.access import Duty, staff
from ocrevus_tracker.accounts.models import Clinic
from schedules import actions, public_holidays
from schedules.clinic_calendar import visits_on_closed_days
from schedules.engine.screening import CHECKS, Check
from schedules.forms.base import CleanForm
from schedules.forms.clinic import (
    ChecksForm,
    ClosureForm,
    KeepingForm,
    RulesForm,
    comes_back,
    may_decide,
)
from schedules.models import CheckInterval, ClinicRules, Closure
from schedules.views import seeing
from schedules.views.access import chosen_clinic, page, user_of

HOLIDAYS_SHOWN = 10
VISITS_SHOWN = 25


@staff(Duty.SEE, "GET")
def show(request: HttpRequest) -> HttpResponse:
    """Treatments, open days, closures and checks of one clinic."""
    now = timezone.now()
    clinic = chosen_clinic(request)
    rules = ClinicRules.of(clinic)
    today = clinic.local_date(now)
    closed = visits_on_closed_days(clinic, now)
    shown = [visit.course.patient for visit, _why in closed[:VISITS_SHOWN]]
    seeing.lists(request, shown)
    return page(
        request,
        "staff/clinic.html",
        clinic=clinic,
        now=now,
        rules=rules,
        may_change=actions.decides_for(user_of(request), clinic),
        weekdays=[
            name for number, name in WEEKDAYS.items() if str(number + 1) in rules.open_weekdays
        ],
        closures=clinic.closures.filter(last_day__gte=today),
        checks=_checks(clinic),
        closed_visits=closed[:VISITS_SHOWN],
        closed_count=len(closed),
        more_closed=max(0, len(closed) - VISITS_SHOWN),
        **_holidays(rules, today),
    )


@staff(Duty.DECIDE, "GET", "POST")
def change(request: HttpRequest) -> HttpResponse:
    """Treatments, label, open days and holidays."""
    now = timezone.now()
    clinic = chosen_clinic(request)
    data = request.POST if request.method == "POST" else None
    form = RulesForm.of(ClinicRules.of(clinic), data, today=clinic.local_date(now))
    if form.is_valid():
        with _no_access_for_others():
            actions.change_rules(clinic=clinic, actor=user_of(request), now=now, **form.facts())
        messages.success(request, _("Saved."))
        return _back_to(clinic)
    return _form_page(request, clinic, form, title=_("Change the clinic's rules"), now=now)


@staff(Duty.DECIDE, "GET", "POST")
def change_keeping(request: HttpRequest) -> HttpResponse:
    """How long records are kept, and why."""
    now = timezone.now()
    clinic = chosen_clinic(request)
    data = request.POST if request.method == "POST" else None
    form = KeepingForm.of(ClinicRules.of(clinic), data, today=clinic.local_date(now))
    if form.is_valid():
        with _no_access_for_others():
            actions.change_rules(clinic=clinic, actor=user_of(request), now=now, **form.facts())
        messages.success(request, _("Saved."))
        return _back_to(clinic)
    return _form_page(request, clinic, form, title=_("How long records are kept"), now=now)


@staff(Duty.DECIDE, "GET", "POST")
def add_closure(request: HttpRequest) -> HttpResponse:
    """Days on which the clinic is closed."""
    now = timezone.now()
    clinic = chosen_clinic(request)
    data = request.POST if request.method == "POST" else None
    form = ClosureForm(data, today=clinic.local_date(now))
    if form.is_valid():
        try:
            actions.add_closure(clinic=clinic, actor=user_of(request), now=now, **form.cleaned_data)
        except actions.UnableToChangeClinic as refusal:
            form.add_error("last_day", str(refusal))
        else:
            told = _("Saved. Due dates stay as they are, and so do booked visits.")
            messages.success(request, told)
            return _back_to(clinic)
    return _form_page(request, clinic, form, title=_("Add a closure"), now=now)


@staff(Duty.DECIDE, "POST")
def remove_closure(request: HttpRequest, closure_pk: int) -> HttpResponse:
    """Open on those days after all. A second tap finds it gone, which is as good."""
    clinic = chosen_clinic(request)
    closure = Closure.objects.filter(clinic=clinic, pk=closure_pk).first()
    if closure:
        with _no_access_for_others():
            actions.remove_closure(closure=closure, actor=user_of(request), now=timezone.now())
    messages.success(request, _("The closure is removed."))
    return _back_to(clinic)


@staff(Duty.DECIDE, "GET", "POST")
def change_checks(request: HttpRequest) -> HttpResponse:
    """Which checks the clinic asks for, and how often they come back."""
    now = timezone.now()
    clinic = chosen_clinic(request)
    data = request.POST if request.method == "POST" else None
    form = ChecksForm(data, today=clinic.local_date(now), settings=_settings(clinic))
    if form.is_valid():
        with _no_access_for_others(), transaction.atomic():
            for code, in_use, months in form.decisions():
                actions.set_check_interval(
                    clinic=clinic,
                    actor=user_of(request),
                    now=now,
                    check_code=code,
                    in_use=in_use,
                    every_months=months,
                )
        messages.success(request, _("Saved."))
        return _back_to(clinic)
    return _form_page(request, clinic, form, title=_("Change the checks"), now=now)


@contextlib.contextmanager
def _no_access_for_others() -> Iterator[None]:
    """Who may change the clinic no longer, since this request began, has no access either."""
    try:
        yield
    except actions.UnableToChangeClinic as refusal:
        raise PermissionDenied from refusal


def _back_to(clinic: Clinic) -> HttpResponse:
    return redirect(f"{reverse('staff:clinic')}?{urlencode({'clinic': clinic.slug})}")


def _form_page(
    request: HttpRequest, clinic: Clinic, form: CleanForm, *, title: str, now: dt.datetime
) -> HttpResponse:
    return page(
        request, "staff/clinic_form.html", clinic=clinic, now=now, form=form, form_title=title
    )


def _settings(clinic: Clinic) -> dict[str, CheckInterval]:
    return {one.check_code: one for one in clinic.check_intervals.all()}


def _checks(clinic: Clinic) -> list[tuple[str, str]]:
    """Each check that the clinic may decide about, with what holds there."""
    settings = _settings(clinic)
    return [
        (check.title, _when(check, settings.get(check.code)))
        for check in CHECKS
        if may_decide(check)
    ]


def _when(check: Check, setting: CheckInterval | None) -> str:
    """When `check` is asked for, in words."""
    if setting and not setting.in_use:
        return _("Not at this clinic") if check.per_site else _("Before the first dose only")
    if comes_back(check):
        usual = check.monitoring.months if check.monitoring else None
        months = (setting.every_months if setting else None) or usual
        return _every(months) if months else _("As the guideline says")
    by_choice = check.by_choice and setting is None
    every_dose = check.before == "each" and not by_choice
    return _("Before every dose") if every_dose else _("Before the first dose")


def _every(months: int) -> str:
    return ngettext("Every {n} month", "Every {n} months", months).format(n=months)


def _holidays(rules: ClinicRules, today: dt.date) -> dict[str, Any]:
    """The place whose holidays count, whether anybody knows it, and the next ones."""
    country, state = rules.holiday_country, rules.holiday_subdivision
    return {
        "country": public_holidays.countries().get(country, country),
        "place_known": public_holidays.is_known(country, state),
        "holidays": public_holidays.coming(country, state, today=today, count=HOLIDAYS_SHOWN),
    }
