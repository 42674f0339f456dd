from django.db import migrations
from django.db.models import OuterRef, Subquery


def know_the_patient(apps, _schema_editor):
    """A row that is there already is about the patient of its course."""
    course = apps.get_model('schedules', 'Course').objects.filter(pk=OuterRef('course_id'))
    rows = apps.get_model('reminders', 'Reminder').objects.filter(patient=None)
    rows.update(patient_id=Subquery(course.values('patient_id')))


class Migration(migrations.Migration):
    # By itself: PostgreSQL alters no table whose rows have just been changed.

    dependencies = [
        ('reminders', '0004_whole_outbox'),
    ]

    operations = [
        migrations.RunPython(know_the_patient, migrations.RunPython.noop, elidable=True),
    ]
