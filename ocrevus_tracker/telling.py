"""What was done is told once, even to a hand that pressed twice."""

from django.contrib.messages.storage.session import SessionStorage
from django.utils.crypto import salted_hmac


class ToldOnceStorage(SessionStorage):
    """Keeps the first answer to a form that was sent twice before its answer was read.

    The first one says what was saved; the second could only add that it was saved already. A
    form that is sent again from a page that was read (the back button) is answered anew.
    """

    def add(self, level: int, message: str, extra_tags: str | None = "") -> None:
        """Add `message`, unless the same form has an unread one that is as grave or less.

        A success after an error is news and is told.
        """
        mark = self._mark()
        kept = self.deserialize_messages(self.request.session.get(self.session_key)) or []
        if not any(told.level <= level and mark in told.tags.split() for told in kept):
            super().add(level, message, f"{extra_tags or ''} {mark}".strip())

    def _mark(self) -> str:
        """The same for the same answers from the same page: each has a form token of its own."""
        sent = (self.request.method, self.request.get_full_path(), self.request.POST.urlencode())
        return salted_hmac(self.__class__.__qualname__, repr(sent)).hexdigest()
