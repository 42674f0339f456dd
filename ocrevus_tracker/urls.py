"""Every address of the service."""

from functools import partial

from allauth.account import views as account
from django.urls import include, path
from django.views.generic import RedirectView

from ocrevus_tracker.accounts.access import Audience, declared
from ocrevus_tracker.accounts.views import favicon, healthz, home, switch_clinic
from reminders.readiness import readyz

handler500 = "ocrevus_tracker.errors.broken"

door = partial(declared, audience=Audience.ANYONE, methods=("GET", "POST"))
to_the_door = RedirectView.as_view(pattern_name="account_request_login_code")

urlpatterns = [
    path("", home, name="home"),
    path("staff/switch/", switch_clinic, name="switch_clinic"),
    path("favicon.ico", favicon),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("", include("schedules.urls")),
    path("", include("reminders.urls")),
    # Of django-allauth only the doors that are open here; its names are its own.
    path("sign-in/", door(account.request_login_code), name="account_request_login_code"),
    path("sign-in/code/", door(account.confirm_login_code), name="account_confirm_login_code"),
    path("sign-in/staff/", door(account.login), name="account_login"),
    path("sign-out/", door(account.logout), name="account_logout"),
    # allauth links to a sign-up page; here clinics add people, so it leads back to the door.
    path("sign-up/", door(to_the_door), name="account_signup"),
    path("inactive/", door(to_the_door), name="account_inactive"),
]
