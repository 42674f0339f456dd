"""The addresses of what was sent."""

from django.urls import path

from . import views

app_name = "reminders"
urlpatterns = [
    path("staff/mail-policy/", views.policy, name="policy"),
    path("staff/mail-policy/digest/", views.choose_digest, name="choose_digest"),
    path("staff/mail-policy/digests/<int:mail_pk>/seen/", views.digest_seen, name="digest_seen"),
    path("staff/patients/<int:pk>/mails/", views.mails, name="mails"),
    path("staff/patients/<int:pk>/mails/<int:mail_pk>/again/", views.resend, name="resend"),
    path("staff/patients/<int:pk>/mails/<int:mail_pk>/seen/", views.seen, name="seen"),
    path("staff/patients/<int:pk>/mails/addresses/<int:dead_pk>/", views.trust, name="trust"),
]
