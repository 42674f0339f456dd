"""How passwords are kept."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class OneLaneArgon2(Argon2PasswordHasher):
    """Argon2id as OWASP asks for (46 MiB, one pass, one lane): Django's eight lanes let one
    sign-in take every core of a small server at once.
    """

    time_cost = 1
    memory_cost = 47_104
    parallelism = 1
