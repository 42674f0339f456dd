"""Shim until merge."""
from email.utils import parseaddr

from django.conf import settings


def return_path(_message_id):
    return parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
