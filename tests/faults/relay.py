"""`python relay.py FOLDER`: says which of the Message-IDs on its input the mail server has taken.

It stands for a look into a mail relay's log, by the record of `tests.faults.sink`.
"""

import json
import sys
from pathlib import Path


def main(folder: Path) -> None:
    lines = (folder / "accepted").read_text().splitlines()
    taken = {json.loads(line)["id"].split("@")[0] for line in lines if line.endswith("}")}
    for line in sys.stdin:
        if line.strip() in taken:
            print(line.strip())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
