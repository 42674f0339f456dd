import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0001_initial'),
        ('audit', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name='entry',
            name='clinic',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.clinic'),
        ),
        migrations.AddField('entry', 'role', models.CharField(default='', max_length=20), preserve_default=False),
        migrations.AddField('entry', 'patient_id', models.BigIntegerField(null=True)),
        migrations.AddField('entry', 'shown', models.TextField(blank=True, default=''), preserve_default=False),
        migrations.AddField('entry', 'nonce', models.CharField(default='', max_length=32), preserve_default=False),
        migrations.AddField('entry', 'details', models.CharField(blank=True, default='', max_length=64), preserve_default=False),
        migrations.AddField('entry', 'digest', models.CharField(default='', max_length=64), preserve_default=False),
        migrations.CreateModel(
            name='Detail',
            fields=[
                ('entry', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='detail', serialize=False, to='audit.entry')),
                ('salt', models.CharField(max_length=32)),
                ('reason', models.TextField(blank=True)),
                ('changes', models.JSONField(default=list)),
            ],
            options={'abstract': False},
        ),
        migrations.CreateModel(
            name='Seal',
            fields=[
                ('number', models.PositiveBigIntegerField(primary_key=True, serialize=False)),
                ('sealed_at', models.DateTimeField()),
                ('previous', models.CharField(blank=True, max_length=64)),
                ('entries', models.JSONField()),
                ('reaches', models.BigIntegerField()),
                ('hash', models.CharField(max_length=64)),
            ],
            options={'ordering': ['number']},
        ),
    ]
