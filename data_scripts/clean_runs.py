"""Delete what trainings of this project wrote: runs/, logs/ and models/ of this clone, and nothing else.

Without --delete nothing is deleted: what would go is listed. Links are never followed, and data, sample_data and
my_labs are never touched.
"""

from __future__ import annotations

import argparse
import sys

from lift_core.cleaning import RUN_FOLDERS, RunFolder, delete, look_at
from lift_core.program import exit_code
from lift_core.workspace import repository_root


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = ", ".join(RUN_FOLDERS)
    parser.add_argument("folders", nargs="*", metavar="FOLDER", help=f"of {names} (default: all of them)")
    parser.add_argument("--delete", action="store_true", help="delete; without it, only say what would be deleted")
    return parser.parse_args(arguments)


def describe(folder: RunFolder, verb: str) -> str:
    if folder.refusal is not None:
        return f"left alone: {folder.path}: {folder.refusal}"
    return f"{verb}: {folder.path}: {folder.files} files, {folder.bytes / 1e6:.1f} MB ({folder.bytes} bytes)"


def clean(args: argparse.Namespace) -> int:
    """List, and delete where asked; 0 where nothing was refused."""
    from tqdm import tqdm

    root = repository_root()
    found = look_at(root, tuple(dict.fromkeys(args.folders)) or RUN_FOLDERS)
    with tqdm(found, desc="folders", unit="folder", disable=not args.delete) as bar:
        for folder in bar:
            if args.delete and folder.refusal is None:
                delete(root, folder)
            bar.write(describe(folder, "deleted" if args.delete else "would be deleted"))
    if not found:
        print(f"nothing to delete in {root}")
    elif not args.delete:
        print("Nothing was deleted; --delete does it.")
    return int(any(folder.refusal is not None for folder in found))


def main(arguments: list[str] | None = None) -> int:
    args = parse(arguments)
    return exit_code("clean_runs", lambda: clean(args))


if __name__ == "__main__":
    sys.exit(main())
