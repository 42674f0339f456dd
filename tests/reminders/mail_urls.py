"""The product's addresses, and those that only links in mails lead to."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path

from ocrevus_tracker import urls
from reminders.urls import urlpatterns as mail_pages


def page(_request: HttpRequest, token: str) -> HttpResponse:
    return HttpResponse(token)


links = [
    path("emails/<str:token>/", page, name="stop"),
    path("invitation/<str:token>/", page, name="invitation"),
]
urlpatterns = [
    path("", include(([*links, *mail_pages], "reminders"))),
    *urls.urlpatterns,
]
