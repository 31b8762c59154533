"""The command line of `make mutants`."""

import argparse
import difflib
import os
import signal
import sys
from collections import Counter

from tools.mutants.copies import refresh
from tools.mutants.reach import measure
from tools.mutants.rooms import rooms
from tools.mutants.runs import NOTICED, Outcome, Result, known, run
from tools.mutants.sample import Mutant, draw

_WORKERS = 2


def main() -> None:
    parser = argparse.ArgumentParser(prog="make mutants ARGS=…", description=__doc__)
    parser.add_argument("--sample", type=int, default=100, help="how many mutants (100)")
    parser.add_argument("--seed", type=int, default=1, help="which ones (1)")
    parser.add_argument("--room", action="append", help="such as notes-service; all of them")
    parser.add_argument("--known", action="store_true", help="report what is known, run nothing")
    options = parser.parse_args()
    os.nice(10)
    # So that what is under way is ended, as by Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    chosen = [room for room in rooms() if not options.room or room.name in options.room]
    if not chosen:
        parser.error(f"rooms are {', '.join(room.name for room in rooms())}")
    mutants = draw(chosen, options.sample, options.seed)
    if options.known:
        report(mutants, known(mutants))
        return
    copies = [refresh(number) for number in range(1, _WORKERS + 1)]
    report(mutants, run(mutants, measure(chosen, copies), copies))


def report(mutants: list[Mutant], results: dict[str, Result]) -> None:
    """Each survivor's diff, then a line a room; of the mutants whose result is known."""
    mutants = [mutant for mutant in mutants if mutant.id in results]
    for mutant in mutants:
        result = results[mutant.id]
        if result.outcome not in NOTICED:
            print(
                f"\n{result.outcome}: {result.tests} of the {result.reaching} tests that reach it"
            )
            print(diff(mutant))
    counts = Counter((mutant.room.name, results[mutant.id].outcome) for mutant in mutants)
    print(f"\n{'room':28}" + "".join(f"{outcome:>11}" for outcome in Outcome))
    for name in dict.fromkeys(room for room, _ in sorted(counts)):
        print(f"{name:28}" + "".join(f"{counts[name, outcome]:11}" for outcome in Outcome))
    sums = Counter(results[mutant.id].outcome for mutant in mutants)
    print(f"{'all':28}" + "".join(f"{sums[outcome]:11}" for outcome in Outcome))
    noticed = sum(sums[outcome] for outcome in NOTICED)
    print(f"\n{noticed} of {len(mutants)} noticed: {noticed / max(len(mutants), 1):.1%}")


def diff(mutant: Mutant) -> str:
    before = mutant.place.within.code.splitlines()
    after = mutant.place.code().splitlines()
    lines = difflib.unified_diff(before, after, str(mutant.file), mutant.place.kind, "", "", 2, "")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
