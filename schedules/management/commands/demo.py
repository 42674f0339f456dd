"""`manage.py demo`: a made-up clinic to look around in."""

import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from ocrevus_tracker.accounts.models import Clinic
from schedules import demo
from schedules.models import Patient

# Shown on every start: one person for each thing worth seeing first.
TOUR = ("Ana", "Ben", "Carla", "Dev", "Ella")


class Command(BaseCommand):
    help = "Make the made-up Harbor Clinic, with about 40 patients in every state."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--fresh", action="store_true", help="make it anew, with dates counted from today"
        )
        parser.add_argument(
            "--codes", action="store_true", help="only print the staff's codes of this moment"
        )

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002
        self._refuse_real_patients()
        if options["codes"]:
            self.stdout.write("\n".join(self._codes()))
            return
        if options["fresh"]:
            demo.remove()
        if not Clinic.objects.filter(slug=demo.SLUG).exists():
            demo.build(timezone.now())
            self.stdout.write(f"Made Harbor Clinic with {len(demo.STORIES)} made-up patients.")
        self.stdout.write(self._who_can_sign_in())

    def _refuse_real_patients(self) -> None:
        if not settings.DEBUG:
            raise CommandError(
                "The demo is for a machine of your own: its password is public. "
                "Run it where DEBUG is on."
            )
        if Patient.objects.exclude(clinic__slug=demo.SLUG).exists():
            raise CommandError(
                "This database holds patients of another clinic. The demo stays out of it: "
                "give it a database of its own with DATABASE_URL."
            )

    def _who_can_sign_in(self) -> str:
        lines = [
            "",
            "Staff sign in with a password, then a code:",
            f"  {demo.NURSE:32} {demo.PASSWORD}   (nurse)",
            f"  {demo.PRESCRIBER:32} {demo.PASSWORD}   (prescriber)",
            f"  {demo.ADMIN:32} {demo.PASSWORD}   (admin: people, audit trail)",
            "Codes of this moment; print new ones with: .venv/bin/python manage.py demo --codes",
            *self._codes(),
            "Patients type their address and get a code by e-mail, for example:",
        ]
        lines += [
            f"  {story.email:32} {story.about}"
            for story in demo.STORIES
            if story.given_name in TOUR
        ]
        return "\n".join(lines)

    def _codes(self) -> list[str]:
        """What each app shows now, and a recovery code for who comes too late for that."""
        steps = demo.second_steps(time.time())
        return [
            f"  {email:32} {code[:3]} {code[3:]}   (or once, at any time: {spare[0]})"
            if spare
            else f"  {email:32} {code[:3]} {code[3:]}"
            for email, (code, spare) in steps.items()
        ]
