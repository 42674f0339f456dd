from django.apps import AppConfig


class RemindersConfig(AppConfig):
    name = "reminders"

    def ready(self) -> None:
        """Listen to what mail services report, call the worker after each change, and put mails
        that did not get through on the staff's list.
        """
        from anymail.signals import tracking  # noqa: PLC0415 - see below

        from schedules.announcing import when_changed  # noqa: PLC0415 - likewise

        from . import unreached  # noqa: PLC0415 - likewise
        from .wakeup import bell  # noqa: PLC0415 - likewise
        from .webhooks import on_tracking  # noqa: PLC0415 - it imports models

        tracking.connect(on_tracking, dispatch_uid="reminders")
        when_changed(bell.ring)
        unreached.register()
