"""``python -m parley_compose DIRECTORY``: the job `secrets` of docker-compose.yml."""

import argparse
from pathlib import Path

from parley_compose.distribution import distribute
from parley_compose.layout import Uids


def main() -> None:
    parser = argparse.ArgumentParser(prog="parley-compose", description=distribute.__doc__)
    parser.add_argument("directory", type=Path, help="holds one mounted volume for each consumer")
    distribute(parser.parse_args().directory, Uids())


if __name__ == "__main__":
    main()
