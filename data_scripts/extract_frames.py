"""Turn videos into sequences of images in the Vimeo layout, split at scene cuts; the same as `lift extract`."""

from __future__ import annotations

import argparse
import sys

from lift_core.commands import extract
from lift_core.errors import LiftError


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    extract.configure(parser)
    try:
        return extract.run(parser.parse_args(arguments))
    except LiftError as error:
        print(f"extract_frames: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
