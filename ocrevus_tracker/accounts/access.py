"""Who may open which page. Each page says it in one line above its view, and that line guards it.

What somebody may do follows from their role at a clinic; each role is a set of duties. The line
says which duty a page needs: without one at any clinic there is no way in. Whether they have it at
the clinic of the record they ask for is decided where the record is read.

`manage.py list_urls --json` prints the lines; an address without one fails the checks.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import wraps
from types import MappingProxyType
from typing import Any, ParamSpec

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_http_methods

from .models import Clinic, Membership, Role, User

P = ParamSpec("P")
View = Callable[..., HttpResponseBase]

# What a session keeps of somebody who works at several clinics: the slug of the one they chose.
SWITCHED = "clinic"


class Duty(StrEnum):
    """Something that a role may do at its clinic."""

    SEE = "see"  # records, lists, the clinic's rules
    BOOK = "book"  # visits, calls, contact details, mails sent again
    TREAT = "treat"  # infusions, holds, checks: what a date hangs on
    PRESCRIBE = "prescribe"  # overrides, restarts, another regimen
    DECIDE = "decide"  # the clinic's rules and its mail policy
    MANAGE = "manage"  # the people who work there, import, export
    AUDIT = "audit"  # read who did what


DUTIES: Mapping[str, frozenset[Duty]] = MappingProxyType(
    {
        Role.NURSE: frozenset({Duty.SEE, Duty.BOOK, Duty.TREAT}),
        Role.COORDINATOR: frozenset({Duty.SEE, Duty.BOOK}),
        Role.PRESCRIBER: frozenset({Duty.SEE, Duty.BOOK, Duty.TREAT, Duty.PRESCRIBE, Duty.DECIDE}),
        Role.ADMIN: frozenset({Duty.SEE, Duty.BOOK, Duty.DECIDE, Duty.MANAGE, Duty.AUDIT}),
        Role.AUDITOR: frozenset({Duty.AUDIT}),
    }
)


def roles_with(duty: Duty) -> list[str]:
    """The roles that `duty` belongs to."""
    return [role for role, duties in DUTIES.items() if duty in duties]


def clinics_with(user: User, duty: Duty) -> QuerySet[Clinic]:
    """The clinics where `user` has `duty` now."""
    return Clinic.objects.filter(memberships__user=user, memberships__role__in=roles_with(duty))


def has_duty(user: User, clinic: Clinic, duty: Duty) -> bool:
    """Whether `user` has `duty` at `clinic` now."""
    return clinics_with(user, duty).filter(pk=clinic.pk).exists()


class Audience(StrEnum):
    """Whom a page is for."""

    ANYONE = "anyone"  # also without signing in
    LINK = "link"  # whoever holds the secret in the address
    SERVICE = "service"  # a program that proves itself with each request
    SIGNED_IN = "signed-in"  # anybody who has signed in; they see what is theirs
    STAFF = "staff"  # people with a duty at a clinic


@dataclass(frozen=True, slots=True)
class Access:
    """What one line says: the audience, and for each method the duty it needs (staff only)."""

    audience: Audience
    methods: Mapping[str, Duty | None]

    def who(self, method: str) -> list[str]:
        """Who may use `method`: roles of staff, or the audience's own name."""
        duty = self.methods[method]
        return [self.audience.value] if duty is None else roles_with(duty)


@dataclass(frozen=True, slots=True)
class Work:
    """What the signed-in person does where, as it was when the request came."""

    user: User
    duty: Duty
    memberships: tuple[Membership, ...]
    switched_to: str = ""  # the slug of a clinic, or nothing

    @property
    def here(self) -> Clinic:
        """The clinic that lists and settings are about: the one they switched to, if they have
        the duty there, or else the first. Only where there is one.
        """
        clinics = self.clinics
        return next((one for one in clinics if one.slug == self.switched_to), clinics[0])

    @property
    def others(self) -> list[Clinic]:
        """Where they work at all, if that is more than one clinic, to switch between."""
        clinics = [one.clinic for one in self.memberships]
        return clinics if len(clinics) > 1 else []

    @property
    def clinics(self) -> list[Clinic]:
        """Where they have the duty that the page needs, in the order in which they joined."""
        return [one.clinic for one in self.memberships if self.duty in DUTIES[one.role]]

    def duties_at(self, clinic: Clinic) -> frozenset[Duty]:
        """What they may do at `clinic`; nothing where they do not work."""
        return next(
            (DUTIES[one.role] for one in self.memberships if one.clinic_id == clinic.pk),
            frozenset(),
        )


def anyone(*methods: str) -> Callable[[View], View]:
    """A page for everybody."""
    return _open(Audience.ANYONE, methods)


def link_holders(*methods: str) -> Callable[[View], View]:
    """A page for whoever holds the secret in its address; the view checks it."""
    return _open(Audience.LINK, methods)


def services(*methods: str) -> Callable[[View], View]:
    """An address for programs; the view checks what proves them."""
    return _open(Audience.SERVICE, methods)


def signed_in(*methods: str) -> Callable[[Callable[P, HttpResponseBase]], View]:
    """A page for those who have signed in; others are asked to."""

    def guard(view: Callable[P, HttpResponseBase]) -> View:
        inner = login_required(_only(methods)(view))
        return _declared(inner, Access(Audience.SIGNED_IN, dict.fromkeys(_all(methods))))

    return guard


def staff(
    duty: Duty, *methods: str, post: Duty | None = None
) -> Callable[[Callable[P, HttpResponseBase]], View]:
    """A page for those who have `duty` at a clinic (`post` instead, where POST needs another).

    Others who work at a clinic are told that they have no access; to everybody else there is no
    such page.
    """
    needed = {one: post if post and one == "POST" else duty for one in _all(methods)}

    def guard(view: Callable[P, HttpResponseBase]) -> View:
        @login_required
        @_only(methods)
        @wraps(view)
        def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:  # noqa: ANN401 - the view's own
            work = _work(request, needed[request.method or "GET"])
            if not work.memberships:
                raise Http404
            if not work.clinics:
                raise PermissionDenied
            request.work = work  # type: ignore[attr-defined]
            return view(request, *args, **kwargs)  # type: ignore[arg-type]  # as the address says

        return _declared(inner, Access(Audience.STAFF, needed))

    return guard


def work_of(request: HttpRequest) -> Work:
    """Who asks, as staff; only behind `staff`."""
    work: Work = request.work  # type: ignore[attr-defined]
    return work


def declared(view: View, *, audience: Audience, methods: tuple[str, ...]) -> View:
    """`view` of a library, which guards itself, with what it is for written down."""

    @_only(methods)
    @wraps(view)
    def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:  # noqa: ANN401 - the view's own
        return view(request, *args, **kwargs)

    return _declared(inner, Access(audience, dict.fromkeys(_all(methods))))


def access_of(view: View) -> Access | None:
    """What the line above `view` says; None where there is none."""
    found: Access | None = getattr(view, "access", None)
    return found


def _open(audience: Audience, methods: tuple[str, ...]) -> Callable[[View], View]:
    def guard(view: View) -> View:
        return _declared(_only(methods)(view), Access(audience, dict.fromkeys(_all(methods))))

    return guard


def _work(request: HttpRequest, duty: Duty) -> Work:
    user = request.user
    assert isinstance(user, User)  # noqa: S101 - login_required saw to it
    found = Membership.objects.filter(user=user).select_related("clinic").order_by("pk")
    return Work(user, duty, tuple(found), request.session.get(SWITCHED, ""))


def _all(methods: tuple[str, ...]) -> Iterator[str]:
    """HEAD is GET without the body."""
    for one in methods:
        yield one
        if one == "GET":
            yield "HEAD"


def _only(methods: tuple[str, ...]) -> Callable[[Callable[..., Any]], View]:
    return require_http_methods(list(_all(methods)))


def _declared(view: View, access: Access) -> View:
    view.access = access  # type: ignore[attr-defined]
    return view
