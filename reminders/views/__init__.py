"""The pages about mail: the staff's, the patient's own, and those behind a link in a mail."""

from .staff import LOOKS, mails

__all__ = ["LOOKS", "mails"]
