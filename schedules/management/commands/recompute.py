"""`manage.py recompute`: every stored next dose computed anew."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from tqdm import tqdm

from ocrevus_tracker.accounts.models import Clinic
from schedules.actions.recomputing import Recomputed, recompute_courses
from schedules.models import Course


class Command(BaseCommand):
    help = (
        "Compute the next dose of every open course anew, after a change of rules or a restored "
        "backup. Writes only what differs; can be stopped and run again at any time."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--clinic", metavar="SLUG", help="only the courses of this clinic")
        parser.add_argument("--batch", type=int, default=1000, help="courses at a time")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do one clinic after the other.

        Raises:
            CommandError: an unknown clinic, a batch below 1; or courses whose history cannot be
                true, named once all others are done.
        """
        if options["batch"] < 1:
            raise CommandError("--batch must be 1 or more.")
        clinics = _clinics(options["clinic"])
        now = timezone.now()
        total = Recomputed()
        courses = Course.objects.open().filter(patient__clinic__in=clinics)
        # disable=None: a bar on a terminal, silence in a log.
        with tqdm(total=courses.count(), unit=" courses", disable=None) as bar:
            for clinic in clinics:
                for done in recompute_courses(clinic=clinic, now=now, batch=options["batch"]):
                    total.read += done.read
                    total.changed += done.changed
                    total.refused += done.refused
                    bar.update(done.read)
        self.stdout.write(f"{total.read} courses, {total.changed} changed.")
        if total.refused:
            ids = ", ".join(map(str, total.refused))
            raise CommandError(f"The history of these courses cannot be true; correct it: {ids}")


def _clinics(slug: str | None) -> list[Clinic]:
    clinics = list(Clinic.objects.filter(slug=slug) if slug else Clinic.objects.order_by("pk"))
    if slug and not clinics:
        known = ", ".join(Clinic.objects.order_by("slug").values_list("slug", flat=True))
        raise CommandError(f"No clinic is called {slug}. Known: {known or 'none yet'}.")
    return clinics
