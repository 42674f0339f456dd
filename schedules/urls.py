"""The addresses of the patient's and the staff's pages."""

from django.urls import URLPattern, URLResolver, include, path

from .views import looked, patient
from .views import online as own
from .views.staff import (
    clinic,
    colleagues,
    corrections,
    courses,
    elsewhere,
    holding,
    infusions,
    joining,
    online,
    people,
    screening,
    trail,
    visits,
    worklist,
)

patient_pages = [
    path("home/", patient.home, name="home"),
    # Behind a link in a mail, without signing in.
    path("begin/<str:token>/", own.claim, name="claim"),
    path("my/record/looked/", looked.looked, name="looked"),
]

# What can be done with one patient's record.
record_pages = [
    path("", people.patient, name="patient"),
    path("change/", people.change_patient, name="change_patient"),
    path("online/", online.show, name="online"),
    path("online/invite/", online.invite, name="invite"),
    path("online/withdraw/", online.withdraw, name="withdraw_invitation"),
    path("online/end/", online.end, name="end_online"),
    path("as-patient/", people.see_as_patient, name="see_as_patient"),
    path("record/", infusions.record, name="record"),
    path("elsewhere/", elsewhere.elsewhere, name="elsewhere"),
    path("allow-short/", infusions.allow_short, name="allow_short"),
    path("infusions/<int:infusion_pk>/undo/", infusions.undo, name="undo"),
    path("infusions/<int:infusion_pk>/correct/", corrections.correct, name="correct"),
    path("infusions/<int:infusion_pk>/void/", corrections.void, name="void"),
    path("infusions/<int:infusion_pk>/decide/", infusions.decide, name="decide"),
    path("book/", visits.book, name="book"),
    path("hold/", holding.hold, name="hold"),
    path("holds/<int:hold_pk>/", holding.change, name="change_hold"),
    path("holds/<int:hold_pk>/release/", holding.release, name="release_hold"),
    path("holds/<int:hold_pk>/void/", holding.void, name="void_hold"),
    path("stop/", courses.stop, name="stop"),
    path("reopen/", courses.reopen, name="reopen"),
    path("restart/", courses.restart, name="restart"),
    path("switch/", courses.switch, name="switch"),
    path("previous/", courses.previous, name="previous"),
    path("packet/", courses.packet, name="packet"),
    path("screening/<slug:code>/", screening.screen, name="screen"),
    path("screening/<int:screening_pk>/void/", screening.void, name="void_screening"),
    path("visits/<int:visit_pk>/move/", visits.move, name="move"),
    path("visits/<int:visit_pk>/cancel/", visits.cancel, name="cancel"),
]

staff_pages: list[URLPattern | URLResolver] = [
    path("", worklist.worklist, name="worklist"),
    path("patients/", people.patients, name="patients"),
    path("patients/add/", people.add_patient, name="add_patient"),
    path("patients/<int:pk>/", include(record_pages)),
    path("people/", colleagues.people, name="people"),
    path("people/codes/", colleagues.codes_by_email, name="codes_by_email"),
    path("people/invite/", colleagues.invite_staff, name="invite_staff"),
    path(
        "people/invitations/<int:invitation_pk>/withdraw/",
        colleagues.withdraw_staff_invitation,
        name="withdraw_staff_invitation",
    ),
    # Behind a link in a mail, without signing in.
    path("join/<str:token>/", joining.join, name="join"),
    path("people/<int:member_pk>/role/", colleagues.change_role, name="change_role"),
    path("people/<int:member_pk>/remove/", colleagues.remove, name="remove_member"),
    path("audit/", trail.show, name="trail"),
    path("audit/export/", trail.export, name="export_trail"),
    path("clinic/", clinic.show, name="clinic"),
    path("clinic/change/", clinic.change, name="change_clinic"),
    path("clinic/keeping/", clinic.change_keeping, name="change_keeping"),
    path("clinic/checks/", clinic.change_checks, name="change_checks"),
    path("clinic/closures/add/", clinic.add_closure, name="add_closure"),
    path("clinic/closures/<int:closure_pk>/remove/", clinic.remove_closure, name="remove_closure"),
]

urlpatterns = [
    path("", include((patient_pages, "patient"))),
    path("staff/", include((staff_pages, "staff"))),
]
