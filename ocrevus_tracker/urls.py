"""Every address of the service."""

from allauth.account.decorators import secure_admin_login
from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from ocrevus_tracker.accounts.views import favicon, healthz, home
from reminders.readiness import readyz

handler500 = "ocrevus_tracker.errors.broken"

urlpatterns = [
    path("", home, name="home"),
    path("favicon.ico", favicon),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("", include("schedules.urls")),
    path("", include("reminders.urls")),
    path("", include("ocrevus_tracker.accounts.urls")),
]

if settings.DJANGO_ADMIN:
    # Behind the same door: its own asks for a password alone. The second step is the middleware's.
    admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
    urlpatterns.append(path("admin/", admin.site.urls))
