"""The addresses of what was sent."""

from django.urls import path

from . import views, webhooks

app_name = "reminders"
urlpatterns = [
    path("staff/patients/<int:pk>/mails/", views.mails, name="mails"),
    path("mail/events/", webhooks.plain, name="events"),
    path("mail/events/<slug:name>/", webhooks.service, name="service_events"),
]
