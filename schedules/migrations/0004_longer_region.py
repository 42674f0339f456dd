from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("schedules", "0003_ended_by"),
    ]

    operations = [
        migrations.AlterField(
            model_name="clinicrules",
            name="holiday_subdivision",
            field=models.CharField(blank=True, max_length=40, verbose_name="state or region"),
        ),
    ]
