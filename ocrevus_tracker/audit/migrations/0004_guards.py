from django.db import migrations, models

from ocrevus_tracker.audit import guards


def install(apps, schema_editor):
    guards.install(schema_editor.connection)


def uninstall(apps, schema_editor):
    guards.uninstall(schema_editor.connection)


class Migration(migrations.Migration):

    dependencies = [('audit', '0003_sign_what_is_there')]

    operations = [
        migrations.RemoveField('entry', 'reason'),
        migrations.AlterField('entry', 'digest', models.CharField(max_length=64, unique=True)),
        migrations.RemoveIndex('entry', 'audit_by_clinic_and_time'),
        migrations.AddIndex('entry', models.Index(fields=['clinic', 'id'], name='audit_by_clinic')),
        migrations.AddIndex('entry', models.Index(fields=['actor', 'at'], name='audit_by_actor')),
        migrations.AddIndex(
            'entry',
            models.Index(
                condition=models.Q(('patient_id__isnull', False)),
                fields=['patient_id', 'id'],
                name='audit_by_patient',
            ),
        ),
        migrations.AddIndex(
            'entry',
            models.Index(
                condition=models.Q(('act', 'view'), _negated=True),
                fields=['subject', 'at'],
                name='audit_changes_by_subject',
            ),
        ),
        # Last: SQLite makes a table anew to change it, and the old one's triggers go with it.
        migrations.RunPython(install, uninstall),
    ]
