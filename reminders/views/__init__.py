"""The pages about mail: the staff's, the patient's own, and those behind a link in a mail."""

from .policy import choose_digest, digest_seen, policy
from .staff import LOOKS, mails, resend, seen, trust

__all__ = [
    "LOOKS",
    "choose_digest",
    "digest_seen",
    "mails",
    "policy",
    "resend",
    "seen",
    "trust",
]
