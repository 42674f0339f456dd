from django.apps import AppConfig


class RemindersConfig(AppConfig):
    name = "reminders"

    def ready(self) -> None:
        """Listen to what mail services report."""
        from anymail.signals import tracking  # noqa: PLC0415 - see below

        from .webhooks import on_tracking  # noqa: PLC0415 - it imports models

        tracking.connect(on_tracking, dispatch_uid="reminders")
