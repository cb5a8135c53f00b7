"""Turn videos into sequences of images in the Vimeo layout, split at scene cuts; the same as `lift extract`."""

from __future__ import annotations

import argparse
import sys

from lift_core.commands import extract
from lift_core.program import exit_code


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    extract.configure(parser)
    args = parser.parse_args(arguments)
    return exit_code("extract_frames", lambda: extract.run(args))


if __name__ == "__main__":
    sys.exit(main())
