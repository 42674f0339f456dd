"""What somebody had typed when their session ended.

It waits in the database, in the new anonymous session of the same browser, and is shown again
to the same person on the same page and to nobody else. The form comes back without its
`entry_key`, and none of ours saves without one: it is filled in again, never sent by itself.
"""

from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest, QueryDict
from django.utils.datastructures import MultiValueDict

KEY = "draft"
LONGEST = 64_000  # characters
KEPT_SECONDS = 24 * 60 * 60
NOT_KEPT = ("csrfmiddlewaretoken", "entry_key")


def is_form(data: QueryDict) -> bool:
    """Whether this was sent by one of our forms, which know a form that comes back."""
    return "entry_key" in data


def keep(session: SessionBase, *, user_pk: int, path: str, data: QueryDict, now: float) -> None:
    """Keep what `user_pk` sent to `path`, in place of an earlier draft."""
    kept = data.copy()
    for name in NOT_KEPT:
        kept.pop(name, None)
    text = kept.urlencode()
    if len(text) <= LONGEST:
        session[KEY] = {"user": user_pk, "path": path, "data": text, "at": now}
        session.set_expiry(KEPT_SECONDS)


def bring_back(request: HttpRequest, user_pk: int, now: float) -> bool:
    """If the person left a draft of this page, let the view see it as if it came again now."""
    draft = request.session.get(KEY)
    if not draft or (draft["user"], draft["path"]) != (user_pk, request.get_full_path()):
        return False
    del request.session[KEY]
    if now - draft["at"] > KEPT_SECONDS:
        return False
    request.method = request.META["REQUEST_METHOD"] = "POST"
    request.POST = QueryDict(draft["data"], mutable=False)
    request._files = MultiValueDict()  # type: ignore[attr-defined]  # noqa: SLF001 - else the empty body would be read over it
    return True
