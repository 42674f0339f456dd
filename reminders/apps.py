from django.apps import AppConfig


class RemindersConfig(AppConfig):
    name = "reminders"

    def ready(self) -> None:
        """Put mails that did not get through on the staff's list; the schedule knows no mails."""
        from . import unreached  # noqa: PLC0415 - models are there only now

        unreached.register()
