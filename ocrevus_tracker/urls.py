"""Every address of the service."""

from allauth.account.decorators import secure_admin_login
from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from ocrevus_tracker.accounts.views import favicon, healthz, home, switch_clinic
from reminders.readiness import readyz

handler500 = "ocrevus_tracker.errors.broken"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home, name="home"),
    path("staff/switch/", switch_clinic, name="switch_clinic"),
    path("favicon.ico", favicon),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("", include("schedules.urls")),
    path("", include("reminders.urls")),
    path("", include("ocrevus_tracker.accounts.urls")),
]


def admin_pages() -> list[URLResolver]:
    """Django's own admin, behind our door: its own asks for a password alone."""
    admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
    return [path("admin/", admin.site.urls)]


if settings.DJANGO_ADMIN:
    urlpatterns += admin_pages()
