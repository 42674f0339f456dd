"""Secrets that the database keeps but must not be able to tell: codes and second steps."""

from base64 import urlsafe_b64encode
from functools import cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings


def seal(text: str) -> str:
    """`text`, readable only with SECRET_KEY; the same text looks different each time."""
    return _box(settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS).encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """What was sealed, with SECRET_KEY or one of SECRET_KEY_FALLBACKS.

    Raises:
        InvalidToken: sealed with a key that is in neither, or changed since.
    """
    return _box(settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS).decrypt(sealed).decode()


def reseal(sealed: str) -> str:
    """The same secret, sealed with the newest key: after a key was rotated."""
    box = _box(settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    return box.rotate(sealed).decode()


@cache
def _box(*keys: str) -> MultiFernet:
    return MultiFernet([Fernet(_derived(key)) for key in keys])


def _derived(key: str) -> bytes:
    """32 bytes that are used for nothing else, as Fernet wants them."""
    kdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"accounts.sealing")
    return urlsafe_b64encode(kdf.derive(key.encode()))


__all__ = ["InvalidToken", "reseal", "seal", "unseal"]
