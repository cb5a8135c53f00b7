"""`lift start`: copies labs to the student's folder, and starts one over without losing the earlier copy."""

from __future__ import annotations

import argparse

from lift_core.course.labs import all_labs, copy_lab, find_lab, set_aside
from lift_core.errors import ConfigError
from lift_core.workspace import repository_root, work_folder

HELP = "copy labs to my_labs/ without opening them, or start one over"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("labs", nargs="*", metavar="LAB", help="number or name; the first lab by default")
    parser.add_argument("--all", action="store_true", help="copy every lab")
    parser.add_argument("--again", action="store_true", help="start over; your copy is kept as NAME.before-1.ipynb")


def run(args: argparse.Namespace) -> int:
    folder, work = repository_root() / "labs", work_folder()
    if args.all and args.labs:
        raise ConfigError("labs are named, and all are asked for.", where="--all", fix="Leave out one of the two.")
    named = [find_lab(folder, name) for name in args.labs or [None]]
    labs = all_labs(folder) if args.all else [lab for lab in named if lab is not None]
    if not labs:
        raise ConfigError("there are no labs yet.", where=folder, fix="Build them: make labs")
    for lab in dict.fromkeys(labs):
        copy = work / lab.name
        if args.again and copy.exists():
            print(f"Your earlier copy is kept: {set_aside(copy)}")
        print(copy_lab(lab, work))
    return 0
