"""Who wants to hear that something changed on which mails hang.

`schedules` knows nobody who does: others register here. What is told is only that there is
something new; the rows say what. Whoever misses it finds it a minute later.
"""

from collections.abc import Callable

from django.db import transaction

Listener = Callable[[], None]
_listeners: list[Listener] = []


def when_changed(listener: Listener) -> None:
    """Call `listener` after each transaction that changed something. It must not take long, nor
    fail: a nurse waits for her page.
    """
    if listener not in _listeners:
        _listeners.append(listener)


def announce() -> None:
    """Something changed, once the transaction that is open now has come to its end."""
    for listener in _listeners:
        transaction.on_commit(listener, robust=True)
