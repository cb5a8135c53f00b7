"""Getting a public data set: its archives fetched and checked, unpacked, and opened once by its reader."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lift_core.data.archive_extraction import ExtractionLimits, Unpacked, extract_archives, refuse_full_target
from lift_core.data.clip_dataset import ClipDataset
from lift_core.data.dataset_catalogue import PublicDataset, PublishedFile
from lift_core.data.fetching import Fetched, FetchProgress, FetchSettings, fetch, sha256_of
from lift_core.data.public_benchmarks import (
    snu_film,
    ucf101_triplets,
    vimeo_septuplets,
    vimeo_triplets,
    x4k_test,
    x4k_train,
)
from lift_core.errors import ConfigError, DatasetError, FetchError, FrameReadError, SourceError, os_errors_as

READERS: dict[str, Callable[[Path], ClipDataset]] = {
    "vimeo90k_triplet": vimeo_triplets,
    "vimeo90k_septuplet": vimeo_septuplets,
    "ucf101_triplets": ucf101_triplets,
    "snu_film": snu_film,
    "x4k_test": x4k_test,
    "x4k_train": x4k_train,
}


@dataclass(frozen=True)
class FetchRequest:
    """What to get, from where, to which place.

    Attributes:
        dataset: the entry of the catalogue.
        out: the data set goes to ``out/<name>``, its archives to ``out/archives/<name>``.
        urls: addresses in place of the entry's, one for each of its files; none for the entry's own.
        archives: local files in place of fetching, one for each of its files; none to fetch.
        sha256: checksums in place of the entry's, one for each of its files; none for the entry's own.
        limits: of what each archive may unpack to.
        settings: of the transfers.
    """

    dataset: PublicDataset
    out: Path
    urls: Sequence[str] = ()
    archives: Sequence[Path] = ()
    sha256: Sequence[str] = ()
    limits: ExtractionLimits = field(default_factory=ExtractionLimits)
    settings: FetchSettings = field(default_factory=FetchSettings)

    def __post_init__(self) -> None:
        count = len(self.dataset.files)
        for option, given in (("URLs", self.urls), ("archives", self.archives), ("checksums", self.sha256)):
            if given and len(given) != count:
                names = ", ".join(file.name for file in self.dataset.files)
                raise ConfigError(f"{len(given)} {option} for {count} files", fix=f"Give one for each of: {names}.")
        for text in self.sha256:
            if len(text) != 64 or set(text.lower()) - set("0123456789abcdef"):
                raise ConfigError(f"{text!r} is no SHA-256", fix="It has 64 hexadecimal digits.")

    @property
    def target(self) -> Path:
        """The folder that the data set is unpacked to."""
        return self.out / self.dataset.name


def fetch_archives(request: FetchRequest, progress: Callable[[PublishedFile], FetchProgress]) -> list[Fetched]:
    """Fetch and check every archive of a data set, or check the local ones.

    Args:
        request: what to get. progress: makes the progress of each file.

    Raises:
        OutputError: the data set's folder exists and is not empty, and as `fetch` raises it.
        FetchError: as `fetch` raises it; a file without a known address; a local file that is missing or has another
            checksum.
    """
    refuse_full_target(request.target)
    files = request.dataset.files
    if request.archives:
        checked = zip(files, request.archives, _checksums(request), strict=True)
        return [_check_local(path, known, progress(file)) for file, path, known in checked]
    folder = request.out / "archives" / request.dataset.name
    wanted = zip(files, _addresses(request), _checksums(request), strict=True)
    # Pictures and videos take about the same room packed and unpacked.
    return [
        fetch(url, folder / file.name, sha256=known, room_after=1.0, settings=request.settings, progress=progress(file))
        for file, url, known in wanted
    ]


def unpack(
    request: FetchRequest, archives: Sequence[Path], progress: Callable[[int], object] | None = None
) -> Unpacked:
    """Unpack the archives to the data set's folder; see `extract_archives`."""
    return extract_archives(archives, request.target, limits=request.limits, progress=progress)


def find_data_root(dataset: PublicDataset, target: Path) -> tuple[Path, int]:
    """The folder to give to the data set's reader, which archives put at one depth or another, and its samples there.

    Raises:
        DatasetError: the reader finds its layout nowhere: another archive, or videos that are not decoded yet.
    """
    first_error: Exception | None = None
    with os_errors_as(DatasetError, "the data set cannot be looked at", where=target, fix="Check its rights."):
        folders = [target, *(path for path in sorted(target.glob("*")) if path.is_dir())]
        folders += [path for path in sorted(target.glob("*/*")) if path.is_dir()]
        for folder in folders:
            try:
                return folder, len(READERS[dataset.name](folder))
            except (DatasetError, SourceError, FrameReadError) as error:
                first_error = first_error or error
    raise DatasetError(
        f"what was unpacked has not the layout of {dataset.name}",
        where=target,
        fix="Videos have to be decoded first (--decode)." if dataset.is_encoded else str(first_error),
    )


def _addresses(request: FetchRequest) -> list[str]:
    addresses = []
    urls: Sequence[str | None] = request.urls or [file.url for file in request.dataset.files]
    for file, url in zip(request.dataset.files, urls, strict=True):
        if url is None:
            raise FetchError(
                f"{file.name} has no address that a program can fetch",
                where=request.dataset.page,
                fix=f"Give it with --archive FILE. {request.dataset.hint}",
            )
        addresses.append(url)
    return addresses


def _checksums(request: FetchRequest) -> Sequence[str | None]:
    return request.sha256 or [file.sha256 for file in request.dataset.files]


def _check_local(path: Path, known: str | None, progress: FetchProgress) -> Fetched:
    with os_errors_as(FetchError, "cannot read the archive", where=path, fix="Check the path."):
        digest, size = sha256_of(path, progress), path.stat().st_size
    if known is not None and digest != known.lower():
        raise FetchError(f"it has the SHA-256 {digest}, not {known.lower()}", where=path, fix="Fetch it again.")
    return Fetched(path, size, digest, was_checked=known is not None, is_noted=False)
