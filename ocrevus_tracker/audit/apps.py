from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "ocrevus_tracker.audit"
    label = "audit"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Hear of sign-ins; accounts know nothing of the trail."""
        from ocrevus_tracker.accounts import events  # noqa: PLC0415 - models are ready only now

        from .sign_ins import record_sign_in  # noqa: PLC0415 - see above

        events.listen(record_sign_in)
