"""What is answered when something is broken on our side."""

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.views.defaults import server_error

RETRY_SECONDS = "10"


def broken(request: HttpRequest) -> HttpResponse:
    """Django's own page; 503 while the database is away, which is over soon and nobody's fault.

    Called while the error is being handled.
    """
    response = server_error(request)
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        response.status_code = 503
        response["Retry-After"] = RETRY_SECONDS
    return response
