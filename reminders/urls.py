"""The addresses of what was sent."""

from django.urls import path

from . import views

app_name = "reminders"
urlpatterns = [
    path("staff/patients/<int:pk>/mails/", views.mails, name="mails"),
]
