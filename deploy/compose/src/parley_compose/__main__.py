"""``python -m parley_compose DIRECTORY``: the job `secrets` of docker-compose.yml."""

import argparse
from pathlib import Path

from parley_compose.handout import hand_out
from parley_compose.layout import Uids


def main() -> None:
    parser = argparse.ArgumentParser(prog="parley-compose", description=hand_out.__doc__)
    parser.add_argument("directory", type=Path, help="holds one mounted volume for each consumer")
    hand_out(parser.parse_args().directory, Uids())


if __name__ == "__main__":
    main()
