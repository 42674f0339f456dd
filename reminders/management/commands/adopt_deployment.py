"""`manage.py adopt_deployment`: take this database over on purpose."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from reminders import guards


class Command(BaseCommand):
    help = "Let the deployment that DEPLOYMENT_ID names send this database's mails from now on."

    def handle(self, **_options: Any) -> None:
        guards.adopt()
        self.stdout.write(f"This database belongs to “{settings.DEPLOYMENT_ID}” now.")
