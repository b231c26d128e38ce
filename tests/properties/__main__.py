"""The campaign: ``python -m tests.properties [--pushes N] [--minutes M] [--seed S]``."""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sys
import tempfile
from pathlib import Path

from tests.conftest import home_environment, reduced


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.properties", description=__doc__)
    parser.add_argument("--pushes", type=int, default=10_000, help="how many (default: %(default)s)")
    parser.add_argument("--minutes", type=float, default=60.0, help="at most so long (default: %(default)s)")
    parser.add_argument(
        "--seed", type=int, help="of the first round (default: a random one, which is printed)"
    )
    parser.add_argument(
        "--switches", action="store_true", help="switch rules off, one by one: is it noticed?"
    )
    chosen = parser.parse_args()
    place = Path(tempfile.mkdtemp(prefix="lfci-pushes-"))
    kept = reduced(os.environ)
    os.environ.clear()
    os.environ.update(kept, **home_environment(place / "home"))
    try:
        return _campaign(chosen, place)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _campaign(chosen: argparse.Namespace, place: Path) -> int:
    from tests.properties import campaign, switches
    from tests.properties.player import Statistics

    first = random.SystemRandom().randrange(1, 1 << 31) if chosen.seed is None else chosen.seed
    print(f"seed {first}", flush=True)
    if chosen.switches:
        return switches.run(place, first, chosen.minutes * 60)
    failed = False

    def tell(so_far: Statistics) -> None:
        print(f"{so_far.pushes} pushes, {so_far.accepted} accepted", flush=True)

    with campaign.stage_at(place) as stage:
        try:
            campaign.run(stage, first, chosen.pushes, seconds=chosen.minutes * 60, smaller=True, tell=tell)
        except AssertionError as error:
            failed = True
            print(error)
        for line in stage.statistics.lines():
            print(line)
        missing = sorted(campaign.FORETOLD - set(stage.statistics.codes))
        print("never seen: " + (", ".join(missing) or "nothing"))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
