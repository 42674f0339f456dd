from django.apps import AppConfig


class TrackerConfig(AppConfig):
    name = "ocrevus_tracker"
    label = "tracker"
