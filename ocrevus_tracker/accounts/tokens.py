"""Secrets that stand in mailed links: 256 bits, opaque, of which the database keeps the SHA-256.

A token is made from a random seed and the secret key. So the mail can be written when it is
sent, and written again to the same words, although nothing that is stored would open the door:
the seed alone is worth nothing.
"""

import hmac
import secrets
from base64 import urlsafe_b64encode
from hashlib import sha256

from django.conf import settings

SEED_BYTES = 16


def new_seed() -> str:
    """128 random bits, in hex."""
    return secrets.token_hex(SEED_BYTES)


def token_of(seed: str) -> str:
    """The token that belongs to `seed`: 43 characters that need no quoting in an address."""
    key = sha256(b"accounts.tokens:" + settings.SECRET_KEY.encode()).digest()
    return urlsafe_b64encode(hmac.digest(key, seed.encode(), "sha256")).decode().rstrip("=")


def digest_of(token: str) -> str:
    """What of a token is kept, in hex; no two tokens share it."""
    return sha256(token.encode()).hexdigest()
