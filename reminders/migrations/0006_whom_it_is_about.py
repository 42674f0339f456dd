from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('reminders', '0005_patients_of_reminders'),
    ]

    operations = [
        migrations.AddConstraint(
            model_name='reminder',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('course', None), ('kind', 'digest'), ('member__isnull', False), ('patient', None)), models.Q(('course', None), ('kind', 'helper-invite'), ('member', None), ('patient__isnull', False)), models.Q(models.Q(('kind__in', ['helper-invite', 'digest']), _negated=True), ('course__isnull', False), ('member', None), ('patient__isnull', False)), _connector='OR'), name='reminder_knows_whom_it_is_about'),
        ),
    ]
