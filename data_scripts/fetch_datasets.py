"""Fetch a public data set of frame interpolation, check it, and unpack it.

Without a name, the data sets are listed. An interrupted fetch goes on when it is run again.
"""

from __future__ import annotations

import argparse
import sys
import textwrap
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Never

from lift_core.data.dataset_catalogue import CATALOGUE, PublicDataset, find_dataset
from lift_core.errors import ConfigError, OutputError, os_errors_as
from lift_core.program import exit_code

if TYPE_CHECKING:
    from lift_core.data.archive_extraction import ExtractionLimits
    from lift_core.data.dataset_catalogue import PublishedFile
    from lift_core.data.dataset_fetching import FetchRequest
    from lift_core.data.fetching import Fetched, FetchProgress

_AGREES = "yes"


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="?", help="the data set: " + ", ".join(entry.name for entry in CATALOGUE))
    parser.add_argument("out", nargs="?", type=Path, default=Path("datasets"), help="folder (default: datasets)")
    parser.add_argument("--accept-licence", action="store_true", help="accept its terms without being asked")
    parser.add_argument(
        "--url", action="append", default=[], help="another address; once for each of its files, in their order"
    )
    parser.add_argument(
        "--archive", action="append", default=[], type=Path, metavar="FILE", help="a local file instead of fetching it"
    )
    parser.add_argument("--sha256", action="append", default=[], metavar="HEX", help="its checksum, where you know it")
    parser.add_argument("--max-gb", type=float, default=500.0, metavar="N", help="unpack at most N GB (default: 500)")
    parser.add_argument("--max-ratio", type=float, default=100.0, metavar="N", help="and N times the archive's size")
    parser.add_argument("--delete-archives", action="store_true", help="delete what was fetched once it is unpacked")
    parser.add_argument("--decode", action="store_true", help="X4K1000FPS: write the images that its readers take")
    return parser.parse_args(arguments)


def describe(entry: PublicDataset) -> str:
    """One entry of the catalogue as a paragraph."""
    files = [f"{file.name} ({file.size or 'size not stated'}): {file.url or 'see the note'}" for file in entry.files]
    lines = [f"page: {entry.page}", f"terms: {entry.terms}", *files, *([f"note: {entry.hint}"] if entry.hint else [])]
    body = "\n".join(
        textwrap.fill(line, 110, initial_indent="  ", subsequent_indent="    ", break_long_words=False)
        for line in lines
    )
    return f"{entry.name}: {entry.title}\n{body}"


def accept(entry: PublicDataset, accepted: bool) -> None:
    """Show the terms, and go on only where they are accepted.

    Raises:
        ConfigError: they are not, or nobody can be asked.
    """
    print(describe(entry))
    if accepted:
        return
    answer = ask(f"Do you accept these terms? Type {_AGREES}: ") if sys.stdin.isatty() else ""
    if answer.strip().lower() != _AGREES:
        raise ConfigError("the terms were not accepted", fix="Read them above, and give --accept-licence.")


def ask(question: str) -> str:
    try:
        return input(question)
    except EOFError:
        print()
        return ""


def bar_of(file: PublishedFile, open_bars: ExitStack) -> FetchProgress:
    """A progress bar for each step of one file."""
    from tqdm import tqdm

    bars: dict[str, tqdm[Never]] = {}

    def show(step: str, done: int, total: int | None) -> None:
        if step not in bars:
            bar: tqdm[Never] = tqdm(desc=f"{step} {file.name}", total=total, unit="B", unit_scale=True, initial=done)
            bars[step] = open_bars.enter_context(bar)
        bars[step].update(done - bars[step].n)
        if done == total:
            bars[step].close()

    return show


def unpack_with_bar(request: FetchRequest, archives: list[Path]) -> None:
    from tqdm import tqdm

    from lift_core.data.dataset_fetching import unpack

    with tqdm(desc="unpack", unit="B", unit_scale=True) as bar:
        done = unpack(request, archives, bar.update)
    print(f"{done.files} files, {done.bytes / 1e9:.2f} GB in {request.target}")


def limits_of(args: argparse.Namespace) -> ExtractionLimits:
    """What the options allow to unpack.

    Raises:
        ConfigError: it is no number above 0.
    """
    from lift_core.data.archive_extraction import ExtractionLimits

    for option, value in (("--max-gb", args.max_gb), ("--max-ratio", args.max_ratio)):
        if not 0 < value < float("inf"):
            raise ConfigError("this is no limit", where=f"{option} {value}", fix="Give a number above 0.")
    return ExtractionLimits(total_bytes=int(args.max_gb * 1e9), ratio=args.max_ratio)


def get(args: argparse.Namespace, entry: PublicDataset) -> int:
    from lift_core.data.dataset_fetching import FetchRequest, fetch_archives

    request = FetchRequest(entry, args.out, args.url, args.archive, args.sha256, limits_of(args))
    accept(entry, args.accept_licence)
    if entry.is_encoded and args.decode and request.target.is_dir():
        print(f"{request.target} is here already: only its videos are decoded.")
        finish(args, entry, request.target)
        return 0
    with ExitStack() as open_bars:
        fetched = fetch_archives(request, lambda file: bar_of(file, open_bars))
    for file in fetched:
        noted = ", noted for the next time" if file.is_noted else ""
        print(f"{file.path}: SHA-256 {file.sha256}{' as known' if file.was_checked else noted}")
    unpack_with_bar(request, [file.path for file in fetched])
    finish(args, entry, request.target)
    if args.delete_archives and not args.archive:
        delete_archives(fetched)
    return 0


def delete_archives(fetched: list[Fetched]) -> None:
    """Delete what was fetched.

    Raises:
        OutputError: a file cannot be deleted.
    """
    for file in fetched:
        with os_errors_as(OutputError, "cannot delete the archive", where=file.path, fix="Delete it by hand."):
            file.path.unlink()


def finish(args: argparse.Namespace, entry: PublicDataset, target: Path) -> None:
    """Make images of videos where that is asked for, and open the data set once.

    Raises:
        DatasetError: it is another one than was asked for.
    """
    from lift_core.data.dataset_fetching import find_data_root
    from lift_core.data.x4k_decoding import encoded_videos

    if entry.is_encoded and not args.decode:
        print(
            f"{len(encoded_videos(target))} videos in {target}, which VideoSequenceDataset reads;"
            " --decode writes the images that x4k readers take."
        )
        return
    if entry.is_encoded:
        decode(target, entry.name.removeprefix("x4k_"))
    root, samples = find_data_root(entry, target)
    print(f"{samples} samples; data root: {root}")


def decode(target: Path, part: str) -> None:
    from tqdm import tqdm

    from lift_core.data.x4k_decoding import decode_clips

    with tqdm(desc="decode", unit="clip") as bar:
        for done, total in decode_clips(target, part):
            bar.total = total
            bar.update(done - bar.n)


def list_or_get(args: argparse.Namespace) -> int:
    if args.name is None:
        print("\n\n".join(describe(entry) for entry in CATALOGUE))
        return 0
    return get(args, find_dataset(args.name))


def main(arguments: list[str] | None = None) -> int:
    args = parse(arguments)
    stopped = "stopped; what was fetched is kept, and the next run goes on from there"
    return exit_code("fetch_datasets", lambda: list_or_get(args), stopped=stopped)


if __name__ == "__main__":
    sys.exit(main())
