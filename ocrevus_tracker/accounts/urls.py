"""The doors' addresses. Of django-allauth only what is open here; those names are its own."""

from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as recovery
from django.urls import path
from django.views.generic import RedirectView

from . import doors, ways

_to_the_door = RedirectView.as_view(pattern_name="account_request_login_code")

urlpatterns = [
    path("sign-in/", doors.AskForCode.as_view(), name="account_request_login_code"),
    path("sign-in/code/", doors.EnterCode.as_view(), name="account_confirm_login_code"),
    path("sign-in/link/", doors.from_mail, name="sign_in_link"),
    path("sign-in/passkey/", doors.PasskeyDoor.as_view(), name="mfa_login_webauthn"),
    path("sign-in/staff/", doors.StaffDoor.as_view(), name="account_login"),
    path("sign-in/staff/second-step/", mfa.authenticate, name="mfa_authenticate"),
    path("sign-in/stay/", doors.stay, name="stay"),
    path("sign-in/timed-out/", doors.timed_out, name="timed_out"),
    path("sign-out/", doors.SignOut.as_view(), name="account_logout"),
    # How I sign in.
    path("my/sign-in/", ways.Ways.as_view(), name="mfa_index"),
    path("my/sign-in/faster/", doors.offer_passkey, name="offer_passkey"),
    path("my/sign-in/passkeys/add/", ways.AddPasskey.as_view(), name="mfa_add_webauthn"),
    path(
        "my/sign-in/passkeys/<int:pk>/remove/",
        ways.RemovePasskey.as_view(),
        name="mfa_remove_webauthn",
    ),
    path("my/sign-in/app/", ways.SetUpApp.as_view(), name="mfa_activate_totp"),
    path("my/sign-in/app/remove/", ways.RemoveApp.as_view(), name="mfa_deactivate_totp"),
    path(
        "my/sign-in/recovery-codes/", recovery.view_recovery_codes, name="mfa_view_recovery_codes"
    ),
    path(
        "my/sign-in/recovery-codes/new/",
        ways.NewRecoveryCodes.as_view(),
        name="mfa_generate_recovery_codes",
    ),
    path(
        "my/sign-in/recovery-codes/download/",
        recovery.download_recovery_codes,
        name="mfa_download_recovery_codes",
    ),
    path("my/sign-in/password/", ways.ChangePassword.as_view(), name="account_change_password"),
    # Again who you are.
    path("my/sign-in/again/", ways.AgainByPassword.as_view(), name="account_reauthenticate"),
    path("my/sign-in/again/code/", mfa.reauthenticate, name="mfa_reauthenticate"),
    path(
        "my/sign-in/again/passkey/",
        ways.AgainByPasskey.as_view(),
        name="mfa_reauthenticate_webauthn",
    ),
    # allauth links to these; here clinics add people, so they lead back to the door.
    path("sign-up/", _to_the_door, name="account_signup"),
    path("inactive/", _to_the_door, name="account_inactive"),
]
