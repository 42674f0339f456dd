"""The addresses of what was sent, and of what people choose about it."""

from django.urls import path

from schedules.models import RequestKind

from . import views, webhooks
from .views import links, patient, people, rights

app_name = "reminders"
urlpatterns = [
    path("staff/mail-policy/", views.policy, name="policy"),
    path("staff/mail-policy/digest/", views.choose_digest, name="choose_digest"),
    path("staff/mail-policy/digests/<int:mail_pk>/seen/", views.digest_seen, name="digest_seen"),
    path("staff/patients/<int:pk>/mails/", views.mails, name="mails"),
    path("staff/patients/<int:pk>/mails/<int:mail_pk>/again/", views.resend, name="resend"),
    path("staff/patients/<int:pk>/mails/<int:mail_pk>/seen/", views.seen, name="seen"),
    path("staff/patients/<int:pk>/mails/addresses/<int:dead_pk>/", views.trust, name="trust"),
    path("staff/patients/<int:pk>/helpers/", people.helpers_of, name="helpers"),
    path("staff/patients/<int:pk>/helpers/add/", people.staff_add_helper, name="staff_add_helper"),
    path(
        "staff/patients/<int:pk>/helpers/<int:helper_pk>/remove/",
        people.staff_remove_helper,
        name="staff_remove_helper",
    ),
    path(
        "staff/patients/<int:pk>/helpers/<int:helper_pk>/undo/",
        people.staff_put_back_helper,
        name="staff_put_back_helper",
    ),
    path("my/emails/", patient.settings, name="settings"),
    path("my/emails/test/", patient.test_mail, name="test_mail"),
    path("my/emails/sent/", patient.sent, name="sent"),
    path("my/emails/stop/", patient.stop_topic, name="stop_topic"),
    path("my/emails/resume/", patient.resume_topic, name="resume_topic"),
    path("my/people/", people.people, name="people"),
    path("my/people/add/", people.add_helper, name="add_helper"),
    path("my/people/<int:helper_pk>/remove/", people.remove_helper, name="remove_helper"),
    path("my/people/<int:helper_pk>/undo/", people.put_back_helper, name="put_back_helper"),
    # What a patient may ask for, and the clinic's answers.
    path("my/data/", rights.show, name="rights"),
    path("my/data/json/", rights.download, {"kind": "json"}, name="data_as_json"),
    path("my/data/csv/", rights.download, {"kind": "csv"}, name="data_as_csv"),
    path(
        "my/data/correct/",
        rights.ask,
        {"kind": RequestKind.CORRECTION},
        name="ask_correction",
    ),
    path("my/data/delete/", rights.ask, {"kind": RequestKind.DELETION}, name="ask_deletion"),
    path("staff/patients/<int:pk>/requests/", rights.asked, name="requests"),
    path(
        "staff/patients/<int:pk>/requests/<int:request_pk>/",
        rights.answer,
        name="answer_request",
    ),
    path("staff/patients/<int:pk>/erase/", rights.erase, name="erase"),
    # Behind a link in a mail, without signing in.
    path("mail/stop/<str:token>/", links.stop, name="stop"),
    path("mail/helper/<str:token>/", links.invitation, name="invitation"),
    # What mail services report.
    path("mail/events/", webhooks.plain, name="events"),
    path("mail/events/<slug:name>/", webhooks.service, name="service_events"),
]
