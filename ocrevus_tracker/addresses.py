"""Every address of the service, with who may use it."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import URLPattern, URLResolver, get_resolver

from ocrevus_tracker.accounts.access import Access, access_of


@dataclass(frozen=True, slots=True)
class Address:
    """One URL pattern: as a route, by name (with its namespace), and what its line says."""

    route: str
    name: str
    access: Access | None


def addresses(resolver: URLResolver | None = None) -> Iterator[Address]:
    """All of them, in the order in which they are tried."""
    yield from _of(resolver or get_resolver(), route="", spaces=())


def _of(resolver: URLResolver, *, route: str, spaces: tuple[str, ...]) -> Iterator[Address]:
    for entry in resolver.url_patterns:
        path = route + str(entry.pattern)
        if isinstance(entry, URLPattern):
            name = ":".join((*spaces, entry.name or ""))
            yield Address(path, name, access_of(entry.callback))
        else:
            inner = (*spaces, entry.namespace) if entry.namespace else spaces
            yield from _of(entry, route=path, spaces=inner)
