"""How treatment goes on after a lapse: a prescriber's choice."""

from typing import cast

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from ocrevus_tracker.accounts.models import User
from schedules.engine import history as engine

from .course import Course


class RestartChoice(models.TextChoices):
    """The two ways on after a lapse; the software never chooses (R13)."""

    SINGLE = "single", _("One full dose")
    SPLIT = "split", _("A first dose in two parts again")


class Restart(models.Model):
    """Somebody's choice on a local date; the next infusion uses it up."""

    course = models.ForeignKey(Course, on_delete=models.CASCADE, related_name="restarts")
    chosen_on = models.DateField()
    choice = models.CharField(max_length=10, choices=RestartChoice.choices)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    chosen_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()
    voided_at = models.DateTimeField(null=True, blank=True)
    entry_key = models.UUIDField(unique=True, null=True, editable=False)

    class Meta:
        ordering = ["chosen_on", "pk"]
        constraints = [
            models.UniqueConstraint(
                "course",
                "chosen_on",
                condition=Q(voided_at=None),
                name="one_restart_per_course_and_day",
            ),
            models.CheckConstraint(
                condition=Q(choice__in=RestartChoice.values), name="restart_choice_known"
            ),
        ]

    def __str__(self) -> str:
        return f"restart {self.pk}"

    def as_chosen(self) -> engine.Restart:
        """The same choice in the engine's terms."""
        return engine.Restart(self.chosen_on, cast("engine.Choice", self.choice))
