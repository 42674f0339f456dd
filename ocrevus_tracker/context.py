"""What every page knows without asking."""

from django.conf import settings
from django.http import HttpRequest


def site(_request: HttpRequest) -> dict[str, str]:
    """The service's neutral name."""
    return {"site_name": settings.SITE_NAME}
