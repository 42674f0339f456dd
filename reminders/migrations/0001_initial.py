
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('schedules', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Heartbeat',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('planned_at', models.DateTimeField(null=True)),
                ('delivered_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='Reminder',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('book-1', 'Time to book'), ('book-2', 'Please book'), ('book-3', 'Please book, second time'), ('second-visit', 'Please book the second visit'), ('overdue-1', 'Please call us'), ('overdue-2', 'Can we help you book'), ('overdue-3', 'A nurse would like to talk'), ('prepare', 'Get ready'), ('day-before', 'Visit tomorrow'), ('recorded', 'Infusion recorded')], max_length=20)),
                ('due_on', models.DateField()),
                ('recipient', models.CharField(default='patient', max_length=40)),
                ('state', models.CharField(choices=[('PLANNED', 'Planned'), ('CLAIMED', 'Being prepared'), ('ON_WIRE', 'Being sent'), ('ACCEPTED', 'Sent'), ('DELIVERED', 'Arrived'), ('BOUNCED', "Sent back by the patient's mail service"), ('RETRY_WAIT', 'Waiting to be tried again'), ('IN_DOUBT', 'Perhaps sent; being checked'), ('CANCELLED', 'Not sent: no longer needed'), ('SUPPRESSED', 'Not sent: no email address, or no reminders wanted'), ('FAILED', 'Could not be sent'), ('EXPIRED', 'Not sent in time')], default='PLANNED', max_length=12)),
                ('due_version', models.PositiveIntegerField()),
                ('next_at', models.DateTimeField()),
                ('not_after', models.DateTimeField()),
                ('attempt', models.PositiveIntegerField(default=0)),
                ('owner', models.CharField(blank=True, max_length=32)),
                ('lease_until', models.DateTimeField(null=True)),
                ('tries', models.PositiveSmallIntegerField(default=0)),
                ('doubt', models.PositiveSmallIntegerField(default=0)),
                ('last_error', models.CharField(blank=True, max_length=40)),
                ('message_id', models.CharField(max_length=64, unique=True)),
                ('dated_at', models.DateTimeField(null=True)),
                ('accepted_at', models.DateTimeField(null=True)),
                ('subject', models.CharField(blank=True, max_length=200)),
                ('body_text', models.TextField(blank=True)),
                ('appointment', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='schedules.appointment')),
                ('course', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reminders', to='schedules.course')),
                ('infusion', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='schedules.infusion')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('state__in', ['PLANNED', 'RETRY_WAIT'])), fields=['next_at'], name='reminders_waiting'), models.Index(condition=models.Q(('state__in', ['CLAIMED', 'ON_WIRE', 'IN_DOUBT'])), fields=['state', 'lease_until'], name='reminders_in_hand'), models.Index(condition=models.Q(('state__in', ['FAILED', 'EXPIRED'])), fields=['state'], name='reminders_to_check')],
                'constraints': [models.UniqueConstraint(models.F('course'), models.F('kind'), models.F('due_on'), models.F('recipient'), name='one_reminder_per_course_kind_date_recipient'), models.CheckConstraint(condition=models.Q(('state__in', ['PLANNED', 'CLAIMED', 'ON_WIRE', 'ACCEPTED', 'DELIVERED', 'BOUNCED', 'RETRY_WAIT', 'IN_DOUBT', 'CANCELLED', 'SUPPRESSED', 'FAILED', 'EXPIRED'])), name='reminder_state_known'), models.CheckConstraint(condition=models.Q(('kind__in', ['book-1', 'book-2', 'book-3', 'second-visit', 'overdue-1', 'overdue-2', 'overdue-3', 'prepare', 'day-before', 'recorded'])), name='reminder_kind_known')],
            },
        ),
    ]
