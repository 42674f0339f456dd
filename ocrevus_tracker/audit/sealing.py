"""Closing the chain over what was added to the trail, in batches, once a minute.

An entry is signed when it is written: without the key, which is not in the database, nobody adds
or changes one unnoticed, sealed or not. Sealing puts it into the chain, and from then on it can
neither go, nor change places, without breaking the chain, nor the chain be cut without the anchor
knowing more. So what somebody with the database alone can do unnoticed is to remove an entry in
the minute before it is sealed; while no worker runs, that minute is longer, and `/readyz` says so.

Nobody waits for a lock: a page adds its entry and is done. Two who seal at once write a link of
the same number, which is the primary key, so one of them finds that the other has done it.
"""

import datetime as dt
import logging
from collections.abc import Iterator

from django.db import IntegrityError, transaction

from . import anchor, bulk_reading, digests
from .models import Entry, Seal

log = logging.getLogger(__name__)

AT_ONCE = 500
# No transaction that adds an entry lives for so long: what comes later has a higher id.
OPEN_FOR = dt.timedelta(hours=1)
EVER = dt.datetime.min.replace(tzinfo=dt.UTC)


def seal(*, now: dt.datetime, thorough: bool = False) -> int:
    """Close the chain over all entries that are not in it yet; returns how many. `now` is aware.

    Twice, or by two at once, seals each entry once. `thorough` looks through the whole trail for
    what a clock that jumped has made it miss.
    """
    sealed = 0
    since = EVER if thorough else now - OPEN_FOR
    # Read before the entries: whoever seals some of them meanwhile takes this link's number.
    last = Seal.objects.last()
    for ids in _batches(_unsealed(since)):
        batch = [one for one in Entry.objects.filter(pk__in=ids).order_by("pk") if _signed(one)]
        if not batch:
            continue
        last = _add_link(last, batch, now)
        if last is None:
            break
        sealed += len(batch)
        bulk_reading.notice(batch, now=now)
    anchor.catch_up()
    return sealed


def _unsealed(since: dt.datetime) -> list[int]:
    """The ids of the entries that no link holds. An entry may become visible after others with
    higher ids, so the links `since` then are looked through; what they leave out is not sealed.
    """
    settled = Seal.objects.filter(sealed_at__lte=since).last()
    sealed = {
        pk for link in Seal.objects.filter(sealed_at__gt=since) for pk, _digest in link.entries
    }
    newer = Entry.objects.filter(pk__gt=settled.reaches if settled else 0)
    ids = newer.order_by("pk").values_list("pk", flat=True)
    return [pk for pk in ids.iterator() if pk not in sealed]


def _batches(ids: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(ids), AT_ONCE):
        yield ids[start : start + AT_ONCE]


def _signed(entry: Entry) -> bool:
    """Whether it was written by somebody who has the key; what was not is never made part of the
    chain, so that it stands out for good.
    """
    if digests.is_genuine(entry, entry.digest):
        return True
    log.error("The trail's entry %s was not written by this service", entry.pk)
    return False


def _add_link(last: Seal | None, batch: list[Entry], now: dt.datetime) -> Seal | None:
    """The link after `last`; None where somebody else has added one meanwhile."""
    link = Seal(
        number=last.number + 1 if last else 1,
        sealed_at=now,
        previous=last.hash if last else "",
        entries=[[one.pk, one.digest] for one in batch],
        reaches=max(batch[-1].pk, last.reaches if last else 0),
    )
    link.hash = digests.sign(link)
    try:
        with transaction.atomic():
            link.save(force_insert=True)
    except IntegrityError:
        return None
    return link
