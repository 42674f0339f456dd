"""E-mail backends with a fault each, as a provider's might have."""

from django.core.mail.backends.base import BaseEmailBackend


class Boom(BaseEmailBackend):
    def send_messages(self, email_messages):
        raise RuntimeError("lost the answer for ana@example.org")


class Nothing(BaseEmailBackend):
    def send_messages(self, email_messages):
        return 0


class Closed(BaseEmailBackend):
    def open(self):
        raise ConnectionRefusedError
