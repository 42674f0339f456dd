"""Shim until merge."""


def relay_says(_ids):
    return set()
