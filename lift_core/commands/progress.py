"""`lift progress`: prints which exercises of which labs are done, and what comes next."""

from __future__ import annotations

import argparse

HELP = "show which exercises are done, and what comes next"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--predictions", action="store_true", help="list what you guessed and what was measured")


def run(args: argparse.Namespace) -> int:
    from lift_core.course.labs import all_labs
    from lift_core.course.predictions import latest_predictions
    from lift_core.course.progress import prediction_table, progress_of, table
    from lift_core.workspace import repository_root, work_folder

    if args.predictions:
        print(prediction_table(latest_predictions()))
    else:
        print(table(progress_of(all_labs(repository_root() / "labs"), work_folder())))
    return 0
