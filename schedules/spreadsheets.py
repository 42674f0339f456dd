"""Tables for a spreadsheet program, whose cells are never run as formulas."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

# A cell that begins so is a formula to one program or another. Some skip spaces and marks that
# cannot be seen, so those count as well.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "'")
BOM = "\ufeff"


def safe(cell: object) -> str:
    """The cell as text that no program runs: with a `'` before what would be a formula.

    A text that begins with `'` gets another, so that `plain` gives each one back as it was.
    """
    text = str(cell)
    return f"'{text}" if text.lstrip(f" {BOM}").startswith(FORMULA) or text[:1] in FORMULA else text


def plain(cell: str) -> str:
    """What `safe` made safe, as it was."""
    return cell.removeprefix("'")


def as_csv(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """A CSV file in pieces, all of it quoted; spreadsheet programs know by the first mark that it
    is UTF-8.
    """
    yield BOM + _line(head)
    for row in rows:
        yield _line([safe(cell) for cell in row])


def _line(cells: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line, quoting=csv.QUOTE_ALL).writerow(cells)
    return line.getvalue()
