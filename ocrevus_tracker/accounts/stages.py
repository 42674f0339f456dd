"""allauth's second step, for those who need one."""

from allauth.mfa.stages import AuthenticateStage
from django.http import HttpRequest


class StaffSecondStep(AuthenticateStage):  # type: ignore[misc]  # allauth ships no types
    """Asks staff who have a second step for it; those who have none are led to set one up."""

    def _should_handle(self, request: HttpRequest) -> bool:
        wanted = bool(super()._should_handle(request))
        return wanted and self.login.user.needs_second_step
