"""Sign the entries that are there, and move their reasons to where they can be erased."""

import secrets

from django.conf import settings
from django.db import migrations

from ocrevus_tracker.audit.digests import (
    DETAIL_FIELDS,
    ENTRY_FIELDS,
    content_of,
    digest_of,
    values_of,
)

AT_ONCE = 500
# From what an entry is about to whose record that is part of: a table, and its column that leads
# on. The trail knows no model above it, so it asks the tables, as far as they are there.
PATHS = {
    'infusion': ('schedules_infusion', 'course_id', 'course'),
    'appointment': ('schedules_appointment', 'course_id', 'course'),
    'hold': ('schedules_hold', 'course_id', 'course'),
    'restart': ('schedules_restart', 'course_id', 'course'),
    'course': ('schedules_course', 'patient_id', 'patient'),
    'screening': ('schedules_screening', 'patient_id', 'patient'),
    'helper': ('reminders_helper', 'patient_id', 'patient'),
    'reminder': ('reminders_reminder', 'patient_id', 'patient'),
}


def sign(apps, schema_editor):
    Entry = apps.get_model('audit', 'Entry')
    last = 0
    while entries := list(Entry.objects.filter(pk__gt=last).order_by('pk')[:AT_ONCE]):
        last = entries[-1].pk
        _sign_some(apps, schema_editor.connection, entries)


def _sign_some(apps, connection, entries):
    Entry, Detail = apps.get_model('audit', 'Entry'), apps.get_model('audit', 'Detail')
    key, details = settings.AUDIT_KEYS[0], []
    for entry in entries:
        entry.role = _role_of(apps, entry)
        entry.patient_id = _patient_of(connection, *entry.subject.partition(' ')[::2])
        entry.nonce = secrets.token_hex(16)
        if entry.reason:
            detail = Detail(entry=entry, salt=secrets.token_hex(16), reason=entry.reason, changes=[])
            entry.details = digest_of(content_of('detail', values_of(detail, DETAIL_FIELDS)), key)
            details.append(detail)
        entry.digest = digest_of(content_of('entry', values_of(entry, ENTRY_FIELDS)), key)
    Entry.objects.bulk_update(entries, ['role', 'patient_id', 'nonce', 'details', 'digest'])
    Detail.objects.bulk_create(details)


def _role_of(apps, entry):
    if entry.actor_id is None:
        return 'system'
    works = apps.get_model('accounts', 'Membership').objects
    works_as = works.filter(user=entry.actor_id, clinic=entry.clinic_id)
    return works_as.values_list('role', flat=True).first() or 'patient'


def _patient_of(connection, kind, number):
    if kind == 'patient':
        return int(number)
    if kind not in PATHS:
        return None
    table, column, leads_to = PATHS[kind]
    with connection.cursor() as cursor:
        if table not in connection.introspection.table_names(cursor):
            return None
        cursor.execute(f'SELECT {column} FROM {table} WHERE id = %s', [int(number)])
        found = cursor.fetchone()
    return _patient_of(connection, leads_to, found[0]) if found and found[0] else None


class Migration(migrations.Migration):

    dependencies = [('audit', '0002_chain')]

    operations = [migrations.RunPython(sign, migrations.RunPython.noop)]
