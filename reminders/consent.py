"""Who wants which mail: each recipient's own choices, as conditions of a query.

A patient and each helper choose for themselves: what one of them stops, the others still get.
Whether a patient wants any mail at all is part of the stop rule, see `reminders.stopping`.
"""

from django.db.models import Exists, OuterRef, Q

from . import rules
from .models import Helper, HelperQuerySet, MailChoices, Preference, Topic

# The kinds that each choice keeps away, by the field of `MailChoices` that holds it.
KEPT_AWAY = {
    topic.field: frozenset(kind for kind in rules.TOPICS if rules.TOPICS[kind] == topic)
    for topic in Topic
} | {"only_needed": frozenset(rules.TOPICS) - rules.NEEDED}


def refuses(kind: str) -> Q:
    """The condition on a Preference or a Helper: no mail of `kind` is wanted."""
    refusal = Q(pk__in=[])
    for field, kinds in KEPT_AWAY.items():
        if kind in kinds:
            refusal |= Q(**{field: True})
    return refusal


def refused_kinds(choices: MailChoices) -> set[str]:
    """The kinds of mail that this recipient does not want."""
    return {kind for field, kinds in KEPT_AWAY.items() if getattr(choices, field) for kind in kinds}


def wanted_by_patient(kind: str) -> Q:
    """The condition on a course or on a patient's reminder: its patient wants mails of `kind`."""
    refusal = Preference.objects.filter(refuses(kind), patient=OuterRef("patient_id"))
    return ~Q(Exists(refusal))


def helpers_wanting(kind: str) -> HelperQuerySet:
    """The helpers who said yes and get copies of mails of `kind`."""
    return Helper.objects.helping().exclude(refuses(kind))


def is_wanted() -> Q:
    """The condition on a reminder of any kind, to anybody: its recipient wants such a mail.

    Correlated subqueries, not joins, as in `is_true_on`. Each asks only about the few people who
    have chosen to get less.
    """
    refused = Q()
    for field, kinds in KEPT_AWAY.items():
        patient = Preference.objects.filter(patient=OuterRef("patient_id"), **{field: True})
        helper = Helper.objects.filter(pk=OuterRef("helper_id"), **{field: True})
        to_patient = Q(Exists(patient), helper=None)
        refused |= Q(kind__in=kinds) & (to_patient | Q(Exists(helper)))
    return ~refused
