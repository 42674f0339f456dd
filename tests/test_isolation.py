"""No page asks about everybody's rows; and the guard that sees to it works."""

import ast
from pathlib import Path

import pytest
from django.http import HttpResponse
from django.urls import include, path
from django.utils import timezone

from ocrevus_tracker.accounts.access import Duty, signed_in, staff
from ocrevus_tracker.accounts.models import Membership
from schedules.models import Appointment, Course, Infusion, Patient
from schedules.views.access import staff_patient
from tests import cast
from tests.tenants import UnboundError, tenant_models

ROOT = Path(__file__).resolve().parent.parent
# A call that names one of these says whose rows it wants.
SAYS_WHOSE = {
    "clinic",
    "clinic__in",
    "course",
    "course__patient",
    "patient",
    "patient_id",
    "user",
    "membership",
}
SPELLED = {"visible_to", "of_staff", "shown_to", "with_token"}
# What a secret link names takes the place of signing in.
BY_LINK = {
    ("reminders/views/links.py", "_meant"),
    ("reminders/views/links.py", "_asked"),
    ("schedules/views/staff/joining.py", "join"),
}


@signed_in("GET")
def everybody(_request):
    return HttpResponse(", ".join(one.given_name for one in Patient.objects.all()))


@staff(Duty.SEE, "GET")
def by_id(_request, pk):
    return HttpResponse(Patient.objects.get(pk=pk).given_name)


@staff(Duty.SEE, "GET")
def first_the_patient(request, pk):
    found = staff_patient(request, pk)
    rows = Infusion.objects.filter(course__in=found.courses.all())
    return HttpResponse(Course.objects.get(pk=found.course.pk).pk * 0 + len(rows))


@staff(Duty.SEE, "GET")
def anybodys_id(request, pk):
    staff_patient(request, pk)
    return HttpResponse(Appointment.objects.filter(course_id=pk + 1).count())


@staff(Duty.SEE, "GET")
def of_another_person(request, pk):
    return HttpResponse(Patient.objects.filter(user_id=pk + 100).count())


@staff(Duty.SEE, "POST")
def changes_all(request):
    return HttpResponse(Patient.objects.update(phone=""))


@staff(Duty.SEE, "POST")
def deletes_all(request):
    return HttpResponse(Membership.objects.filter(role="nurse").delete()[0])


urlpatterns = [
    path("everybody/", everybody),
    path("by-id/<int:pk>/", by_id),
    path("first/<int:pk>/", first_the_patient),
    path("anybodys/<int:pk>/", anybodys_id),
    path("another/<int:pk>/", of_another_person),
    path("changes/", changes_all),
    path("deletes/", deletes_all),
    path("", include("ocrevus_tracker.urls")),
]


@pytest.fixture
def pages(settings):
    settings.ROOT_URLCONF = __name__


@pytest.mark.usefixtures("pages")
class TestGuard:
    @pytest.mark.parametrize("page", ["everybody/", "by-id/{}/", "another/{}/", "anybodys/{}/"])
    def test_a_question_about_everybody_fails(self, ben, rosa, page):
        with pytest.raises(UnboundError, match="without saying whose"):
            cast.signed_in(rosa).get(f"/{page.format(ben.pk)}")

    @pytest.mark.parametrize("page", ["changes/", "deletes/"])
    def test_so_does_a_change_of_everybodys_rows(self, ben, rosa, page):
        with pytest.raises(UnboundError, match="without saying whose"):
            cast.signed_in(rosa).post(f"/{page}")

    def test_what_was_reached_through_the_spelling_may_be_read_on(self, ben, rosa):
        assert cast.signed_in(rosa).get(f"/first/{ben.pk}/").content == b"1"

    def test_outside_requests_everything_may_be_read(self, ben):
        assert Patient.objects.count() == 1


def test_the_guard_knows_every_table_that_leads_to_a_clinic():
    tables = set(tenant_models())
    assert {
        "accounts_membership",
        "audit_entry",
        "reminders_deadaddress",
        "reminders_deliveryevent",
        "reminders_helper",
        "reminders_policy",
        "reminders_preference",
        "reminders_reminder",
        "reminders_staffpreference",
        "schedules_appointment",
        "schedules_checkinterval",
        "schedules_clinicrules",
        "schedules_closure",
        "schedules_correction",
        "schedules_course",
        "schedules_datemove",
        "schedules_hold",
        "schedules_infusion",
        "schedules_patient",
        "schedules_restart",
        "schedules_screening",
    } <= tables
    assert not tables & {"accounts_user", "django_session", "reminders_heartbeat"}


# -- The code of the views -------------------------------------------------------


def view_modules() -> list[Path]:
    """The modules of all pages: those in a folder or a file called views."""
    found = [*ROOT.glob("schedules/views/**/*.py"), *ROOT.glob("reminders/views/**/*.py")]
    return [*found, *ROOT.glob("ocrevus_tracker/*/views.py")]


def unspelled(source: str, where: str) -> list[str]:
    """Each reading of a clinic's rows in `source` that does not say whose they are."""
    names = {model.__name__ for model in tenant_models().values()}
    found = []
    for function in [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.FunctionDef)]:
        if (where, function.name) in BY_LINK:
            continue
        inner = [one for one in ast.walk(function) if isinstance(one, ast.Call)]
        spelled = [one for one in inner if _says_whose(one)]
        covered = {id(part) for one in spelled for part in ast.walk(one)}
        found += [
            f"{where}:{one.lineno} {one.value.id}.objects"
            for one in ast.walk(function)
            if _is_manager(one, names) and id(one) not in covered
        ]
    return found


def _is_manager(node: ast.AST, names: set[str]) -> bool:
    return (
        isinstance(node, ast.Attribute)
        and node.attr in {"objects", "_default_manager", "_base_manager"}
        and isinstance(node.value, ast.Name)
        and node.value.id in names
    )


def _says_whose(call: ast.Call) -> bool:
    named = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    return named in SPELLED or any(word.arg in SAYS_WHOSE for word in call.keywords)


def test_no_view_reads_a_clinics_rows_without_saying_whose():
    modules = view_modules()
    assert len(modules) > 15
    found = [
        line
        for module in modules
        for line in unspelled(module.read_text(), str(module.relative_to(ROOT)))
    ]
    assert found == []


@pytest.mark.parametrize(
    ("code", "refused"),
    [
        ("Patient.objects.get(pk=pk)", True),
        ("Patient.objects.all()", True),
        ("get_object_or_404(Patient.objects.select_related('clinic'), pk=pk)", True),
        ("Infusion._base_manager.filter(pk=pk).exists()", True),
        ("Patient.objects.of_staff(user).get(pk=pk)", False),
        ("Patient.objects.visible_to(user).order_by('pk')", False),
        ("Infusion.objects.filter(course__patient=patient, pk=pk)", False),
        ("get_object_or_404(Hold.objects.all(), course__patient=patient, pk=pk)", False),
        ("Heartbeat.objects.first()", False),
    ],
)
def test_what_the_reading_of_the_code_finds(code, refused):
    source = f"def view(request, pk):\n    return {code}\n"
    assert bool(unspelled(source, "made/up.py")) is refused


# -- A person at two clinics ------------------------------------------------------


@pytest.fixture
def at_two_clinics(clock, harbor, hill, rosa, nils) -> tuple[Patient, Patient]:
    """Ana is treated at both: one address, two records."""
    here = cast.make_patient(harbor, rosa, "Ana", record_number="HARBOR-CANARY")
    there = cast.make_patient(hill, nils, "Ana", record_number="HILL-CANARY")
    cast.give(here.course, rosa, cast.TODAY - cast.days(150))
    cast.give(there.course, nils, cast.TODAY - cast.days(100))
    return here, there


def test_a_patient_of_two_clinics_sees_both(at_two_clinics):
    here, there = at_two_clinics
    assert here.user == there.user
    client = cast.signed_in(here.user)
    choice = client.get("/home/").content.decode()
    assert here.clinic.name in choice
    assert there.clinic.name in choice
    for record in at_two_clinics:
        page = client.get("/home/", {"record": record.pk})
        assert page.context["patient"] == record
        assert page.context["clinic"] == record.clinic


def test_each_clinic_sees_its_own_rows_alone(at_two_clinics, rosa, nils):
    here, there = at_two_clinics
    for nurse, own, other in ((rosa, here, there), (nils, there, here)):
        client = cast.signed_in(nurse)
        found = client.get("/staff/patients/", {"q": "Ana"}).content.decode()
        assert own.record_number in found
        assert other.record_number not in found
        assert client.get(f"/staff/patients/{own.pk}/").status_code == 200
        assert client.get(f"/staff/patients/{other.pk}/").status_code == 404


@pytest.mark.parametrize("name", ["clinic", "clinic_id", "user", "is_staff", "is_superuser", "pk"])
def test_a_field_that_no_form_has_changes_nothing(clock, ben, hill, rosa, name):
    """Mass assignment: what is posted beside the form's own fields is not looked at."""
    client = cast.signed_in(rosa)
    address = f"/staff/patients/{ben.pk}/change/"
    form = client.get(address).context["form"]
    answers = {
        key: value
        for box in form
        for key, value in _boxes(box.html_name, box.value(), form)
        if value is not None
    }
    answers |= {name: str(hill.pk), "completed_at": timezone.now().isoformat(), "role": "admin"}
    before = Patient.objects.filter(pk=ben.pk).values("clinic", "user", "pk").get()
    assert client.post(address, answers).status_code == 302
    assert Patient.objects.filter(pk=ben.pk).values("clinic", "user", "pk").get() == before
    rosa.refresh_from_db()
    assert (rosa.is_staff, rosa.is_superuser) == (False, False)
    assert user_roles(rosa) == ["nurse"]


def _boxes(name, value, form):
    widget = form.fields[name].widget
    if hasattr(widget, "decompress"):
        parts = zip(widget.widgets_names, widget.decompress(value), strict=True)
        return [(f"{name}{suffix}", part) for suffix, part in parts]
    return [(name, value)]


def user_roles(user) -> list[str]:
    return list(Membership.objects.filter(user=user).values_list("role", flat=True))


def test_a_page_shows_nothing_of_a_clinic_that_the_address_names(ben, hill, rosa):
    client = cast.signed_in(rosa)
    for page in ("/staff/clinic/", "/staff/mail-policy/"):
        assert client.get(page, {"clinic": hill.slug}).status_code == 404
        assert client.get(page, {"clinic": "nowhere"}).status_code == 404
