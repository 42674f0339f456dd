"""The doors' addresses. Of django-allauth only what is open here; those names are its own."""

from functools import partial

from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as recovery
from django.urls import path
from django.views.generic import RedirectView

from . import doors, ways
from .access import Audience, declared

# What guards these pages is theirs; here stands whom they are for.
_door = partial(declared, audience=Audience.ANYONE, methods=("GET", "POST"))
_own = partial(declared, audience=Audience.SIGNED_IN, methods=("GET", "POST"))
_to_the_door = RedirectView.as_view(pattern_name="account_request_login_code")

urlpatterns = [
    path("sign-in/", _door(doors.AskForCode.as_view()), name="account_request_login_code"),
    path("sign-in/code/", _door(doors.EnterCode.as_view()), name="account_confirm_login_code"),
    path("sign-in/link/", _door(doors.from_mail, methods=("GET",)), name="sign_in_link"),
    path("sign-in/passkey/", _door(doors.PasskeyDoor.as_view()), name="mfa_login_webauthn"),
    path("sign-in/staff/", _door(doors.StaffDoor.as_view()), name="account_login"),
    path("sign-in/staff/second-step/", _door(mfa.authenticate), name="mfa_authenticate"),
    path("sign-in/stay/", _door(doors.stay), name="stay"),
    path("sign-in/timed-out/", _door(doors.timed_out, methods=("POST",)), name="timed_out"),
    path("sign-out/", _door(doors.SignOut.as_view()), name="account_logout"),
    # How I sign in.
    path("my/sign-in/", _own(ways.Ways.as_view(), methods=("GET",)), name="mfa_index"),
    path("my/sign-in/faster/", _own(doors.offer_passkey, methods=("GET",)), name="offer_passkey"),
    path("my/sign-in/passkeys/add/", _own(ways.AddPasskey.as_view()), name="mfa_add_webauthn"),
    path(
        "my/sign-in/passkeys/<int:pk>/remove/",
        _own(ways.RemovePasskey.as_view()),
        name="mfa_remove_webauthn",
    ),
    path("my/sign-in/app/", _own(ways.SetUpApp.as_view()), name="mfa_activate_totp"),
    path("my/sign-in/app/remove/", _own(ways.RemoveApp.as_view()), name="mfa_deactivate_totp"),
    path(
        "my/sign-in/recovery-codes/",
        _own(recovery.view_recovery_codes, methods=("GET",)),
        name="mfa_view_recovery_codes",
    ),
    path(
        "my/sign-in/recovery-codes/new/",
        _own(ways.NewRecoveryCodes.as_view()),
        name="mfa_generate_recovery_codes",
    ),
    path(
        "my/sign-in/recovery-codes/download/",
        _own(recovery.download_recovery_codes, methods=("GET",)),
        name="mfa_download_recovery_codes",
    ),
    path(
        "my/sign-in/password/", _own(ways.ChangePassword.as_view()), name="account_change_password"
    ),
    # Again who you are.
    path("my/sign-in/again/", _own(ways.AgainByPassword.as_view()), name="account_reauthenticate"),
    path("my/sign-in/again/code/", _own(mfa.reauthenticate), name="mfa_reauthenticate"),
    path(
        "my/sign-in/again/passkey/",
        _own(ways.AgainByPasskey.as_view()),
        name="mfa_reauthenticate_webauthn",
    ),
    # allauth links to these; here clinics add people, so they lead back to the door.
    path("sign-up/", _door(_to_the_door), name="account_signup"),
    path("inactive/", _door(_to_the_door), name="account_inactive"),
]
