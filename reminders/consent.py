"""Who wants which mail: each recipient's own choices, as conditions of a query.

A copy is a copy: what the patient stops goes to no helper either, and what a helper stops the
others still get. Whether a patient wants any mail at all is part of the stop rule, see
`reminders.stopping`.
"""

from django.db.models import CharField, Exists, ExpressionWrapper, OuterRef, Q

from . import rules
from .models import Helper, MailChoices, Preference, Topic

# The kinds that each choice keeps away, by the field of `MailChoices` that holds it.
KEPT_AWAY = {
    topic.field: frozenset(kind for kind in rules.TOPICS if rules.TOPICS[kind] == topic)
    for topic in Topic
} | {"only_needed": frozenset(rules.TOPICS) - rules.NEEDED}


def refused_by(kind: str) -> frozenset[str]:
    """The choices that keep mails of `kind` away, by field of `MailChoices`."""
    return frozenset(field for field, kinds in KEPT_AWAY.items() if kind in kinds)


def refuses(kind: str) -> Q:
    """The condition on a Preference or a Helper: no mail of `kind` is wanted."""
    refusal = Q(pk__in=[])
    for field in refused_by(kind):
        refusal |= Q(**{field: True})
    return refusal


def refused_kinds(choices: MailChoices) -> set[str]:
    """The kinds of mail that this recipient does not want."""
    return {kind for field, kinds in KEPT_AWAY.items() if getattr(choices, field) for kind in kinds}


def wanted_by_patient(kind: str) -> Q:
    """The condition on a course or on a patient's reminder: its patient wants mails of `kind`."""
    refusal = Preference.objects.filter(refuses(kind), patient=OuterRef("patient_id"))
    return ~Q(Exists(refusal))


def is_wanted() -> Q:
    """The condition on a reminder of any kind, to anybody: such a mail is wanted.

    One look at each table by its key; subqueries and not joins, as in `is_true_on`.
    """
    kind = ExpressionWrapper(OuterRef("kind"), output_field=CharField())
    refusal = Q()
    for field, kinds in KEPT_AWAY.items():
        refusal |= Q(mail_kind__in=kinds, **{field: True})
    patient = Preference.objects.filter(patient=OuterRef("patient_id"))
    helper = Helper.objects.filter(pk=OuterRef("helper_id"))
    return ~(
        Q(Exists(patient.alias(mail_kind=kind).filter(refusal)))
        | Q(Exists(helper.alias(mail_kind=kind).filter(refusal)))
    )
