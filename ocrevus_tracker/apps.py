from django.apps import AppConfig


class TrackerConfig(AppConfig):
    name = "ocrevus_tracker"
    label = "tracker"

    def ready(self) -> None:
        """Register the system checks."""
        from . import checks  # noqa: F401, PLC0415 - registering is what importing it does
