from django.db import models


class Person(models.Model):
    name = models.CharField(max_length=80)
    email = models.EmailField()
    due_on = models.DateField()
    reminded_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "peers"

    def __str__(self) -> str:
        return f"person {self.pk}"
