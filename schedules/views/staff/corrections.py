"""Putting a record right, and marking one as a mistake; the effect is shown first."""

import datetime as dt
from typing import Any

from django.contrib import messages
from django.db.models import prefetch_related_objects
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _

from ocrevus_tracker.accounts.access import Duty, staff
from schedules import actions
from schedules.before_saving import infusion_questions, planned_mg
from schedules.forms.corrections import WRONG_PATIENT, CorrectForm, VoidForm, WhyForm
from schedules.models import Infusion, Patient
from schedules.parts import awaited_part
from schedules.presenting.corrections import changes, effects, is_void, turns
from schedules.views.access import page, staff_patient, user_of
from schedules.views.patient import every_infusion

from .saved import saved_words

# What the check page adds to the answers of the form.
ADDED = ("answered", "fix", "tell", "tell_asked", "csrfmiddlewaretoken")


@staff(Duty.TREAT, "GET", "POST")
def correct(request: HttpRequest, pk: int, infusion_pk: int) -> HttpResponse:
    """The record as a form, then what would change by it, then the change."""
    now = timezone.now()
    infusion = _infusion(request, pk, infusion_pk)
    if infusion.voided_at and request.method != "POST":
        return _is_a_mistake(request, pk)
    form = _correct_form(request.POST if request.method == "POST" else None, infusion, now)
    if "fix" in request.POST or not form.is_valid():
        return _correct_page(request, form, now)
    facts = _facts(request, form, infusion, now) | form.changes()
    try:
        if "answered" not in request.POST:
            foreseen = actions.foresee(actions.correct_infusion, **facts)
            if foreseen.correction:
                return _check_page(request, form, foreseen, now)
        corrected = actions.correct_infusion(**facts)
    except actions.ChangedMeanwhile as refusal:
        return _clash(request, form, refusal, now)
    except actions.UnableToCorrect as refusal:
        form.add_error(None, str(refusal))
        return _correct_page(request, form, now)
    messages.success(request, _corrected_words(corrected))
    return redirect("staff:patient", pk)


@staff(Duty.TREAT, "GET", "POST")
def void(request: HttpRequest, pk: int, infusion_pk: int) -> HttpResponse:
    """The record is a mistake: it stays in the history and leaves every computation."""
    now = timezone.now()
    infusion = _infusion(request, pk, infusion_pk)
    form = VoidForm(
        request.POST if request.method == "POST" else None,
        initial={"revision": infusion.revision},
    )
    if not form.is_valid():
        return _void_page(request, infusion, form, now)
    try:
        voided = actions.void_infusion(**_facts(request, form, infusion, now))
    except actions.ChangedMeanwhile as refusal:
        form = VoidForm(_on_top_of(request, refusal.infusion))
        form.add_error(None, str(refusal))
        return _void_page(request, refusal.infusion, form, now)
    except actions.UnableToCorrect as refusal:
        messages.error(request, str(refusal))
        return redirect("staff:patient", pk)
    said = [_("The record is marked as a mistake. It stays in the history.")]
    if form.cleaned_data["why"] == WRONG_PATIENT:
        said.append(_("Record the infusion for the right patient now."))
    messages.success(request, " ".join(said if voided.correction else [_already()]))
    return redirect("staff:patient", pk)


def section(record: Patient, now: dt.datetime) -> dict[str, Any]:  # noqa: ARG001 - as every section
    """For the patient's page: each record with what was corrected in it."""
    infusions = every_infusion(record.course)
    prefetch_related_objects(infusions, "corrections__corrected_by")
    return {
        "records": [
            {
                "infusion": infusion,
                "corrections": [
                    (one, [] if is_void(one) else changes(one.before, one.after))
                    for one in infusion.corrections.all()
                ],
            }
            for infusion in infusions
        ]
    }


def _infusion(request: HttpRequest, pk: int, infusion_pk: int) -> Infusion:
    """An infusion of the patient, among the others as they were read; Http404 without one."""
    for course in staff_patient(request, pk).courses.all():
        for infusion in course.infusions.all():
            if infusion.pk == infusion_pk:
                return infusion
    raise Http404


def _facts(
    request: HttpRequest, form: WhyForm, infusion: Infusion, now: dt.datetime
) -> dict[str, Any]:
    """What both verbs take."""
    return {
        "infusion": infusion,
        "actor": user_of(request),
        "now": now,
        "revision": form.cleaned_data["revision"],
        "reason": form.reason(),
        "entry_key": form.cleaned_data["entry_key"],
        # A page that did not ask had nothing to tell when it was shown.
        "tell_patient": "tell" in request.POST or "tell_asked" not in request.POST,
    }


def _correct_form(data: QueryDict | None, infusion: Infusion, now: dt.datetime) -> CorrectForm:
    course, day = infusion.course, infusion.given_on
    return CorrectForm(
        data,
        today=course.patient.clinic.local_date(now),
        infusion=infusion,
        planned_mg=planned_mg(course, day, rest=infusion.remainder),
        may_be_rest=infusion.remainder or awaited_part(course, day) is not None,
    )


def _correct_page(
    request: HttpRequest,
    form: CorrectForm,
    now: dt.datetime,
    **more: Any,  # noqa: ANN401 - what else the template shows
) -> HttpResponse:
    infusion = form.infusion
    patient = infusion.course.patient
    return page(
        request,
        "staff/correct.html",
        clinic=patient.clinic,
        now=now,
        form=form,
        infusion=infusion,
        patient=patient,
        **more,
    )


def _check_page(
    request: HttpRequest, form: CorrectForm, foreseen: actions.Corrected, now: dt.datetime
) -> HttpResponse:
    """Before and after, and what moves by it; nothing is saved yet."""
    infusion, correction = form.infusion, foreseen.correction
    assert correction  # noqa: S101 - a form sent twice is not checked again
    patient = infusion.course.patient
    return page(
        request,
        "staff/correct_check.html",
        clinic=patient.clinic,
        now=now,
        patient=patient,
        infusion=infusion,
        reason=correction.reason,
        changes=changes(correction.before, correction.after),
        effects=effects(foreseen),
        questions=_questions(form, now) if foreseen.infusion.counts else [],
        ask_to_tell=_ask_to_tell(patient, foreseen),
        kept=[(name, value) for name, value in form.data.items() if name not in ADDED],
    )


def _questions(form: CorrectForm, now: dt.datetime) -> list[str]:
    """What is unusual about the corrected record, seen among the others."""
    infusion = form.infusion
    for one in infusion.course.infusions.all():
        if one.pk == infusion.pk:
            one.voided_at = now  # in memory only: the record as it was is not among the others
    today = infusion.course.patient.clinic.local_date(now)
    found = infusion_questions(infusion.course, form.as_given(), today)
    return [one.words for one in found if one.code != "life_threatening"]


def _ask_to_tell(patient: Patient, foreseen: actions.Corrected) -> bool:
    """Whether there is a date to take back, and an address to write to."""
    moved = foreseen.date_moved and foreseen.before.due_on and not foreseen.ended
    return bool(moved and patient.email and patient.wants_reminders)


def _clash(
    request: HttpRequest, form: CorrectForm, refusal: actions.ChangedMeanwhile, now: dt.datetime
) -> HttpResponse:
    """Somebody else's version beside what was typed; saving again goes on top of theirs."""
    theirs = refusal.infusion
    yours = form.changes()
    differing = {name: one for name, one in yours.items() if one != getattr(theirs, name)}
    form = _correct_form(_on_top_of(request, theirs), form.infusion, now)
    form.add_error(None, str(refusal))
    newer = changes({name: getattr(theirs, name) for name in differing}, differing)
    return _correct_page(request, form, now, clash=True, newer=newer)


def _on_top_of(request: HttpRequest, theirs: Infusion) -> QueryDict:
    """What was typed, now about the version that somebody else made."""
    data = request.POST.copy()
    data["revision"] = str(theirs.revision)
    return data


def _void_page(
    request: HttpRequest, infusion: Infusion, form: VoidForm, now: dt.datetime
) -> HttpResponse:
    patient = infusion.course.patient
    facts = {"infusion": infusion, "actor": user_of(request), "now": now, "reason": ""}
    try:
        foreseen = actions.foresee(actions.void_infusion, revision=infusion.revision, **facts)
    except actions.UnableToCorrect as refusal:
        messages.error(request, str(refusal))
        return redirect("staff:patient", patient.pk)
    return page(
        request,
        "staff/correct_void.html",
        clinic=patient.clinic,
        now=now,
        form=form,
        patient=patient,
        infusion=infusion,
        effects=effects(foreseen),
        ask_to_tell=_ask_to_tell(patient, foreseen),
    )


def _is_a_mistake(request: HttpRequest, pk: int) -> HttpResponse:
    told = _("This record is marked as a mistake. If the infusion was given, record it anew.")
    messages.error(request, told)
    return redirect("staff:patient", pk)


def _corrected_words(corrected: actions.Corrected) -> str:
    if corrected.correction is None:
        return _already()
    patient = corrected.infusion.course.patient
    return " ".join([saved_words(patient, corrected.forecast), *turns(corrected)])


def _already() -> str:
    return _("Already saved. We kept one copy.")
