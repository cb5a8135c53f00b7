"""The errors that lift_core raises for causes a user can mend: what went wrong, where, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class LiftError(Exception):
    """Base class of every error that a user can cause and mend.

    Args:
        what: one sentence that says what went wrong.
        where: the place: a clip, a frame, a file, an option.
        fix: what to do about it.

    The three parts are kept as attributes and joined into the message.
    """

    def __init__(self, what: str, *, where: object = None, fix: str | None = None) -> None:
        self.what = what
        self.where = None if where is None else str(where)
        self.fix = fix
        super().__init__(what, self.where, fix)

    def __str__(self) -> str:
        parts = [self.what if self.where is None else f"{self.what} [{self.where}]"]
        if self.fix is not None:
            parts.append(self.fix)
        return " ".join(parts)

    def __reduce__(self) -> tuple[object, ...]:
        # The default would call the class with positional arguments, which `where` and `fix` refuse;
        # an error raised in a loader's worker process must survive the way back.
        return (_rebuild, (type(self), self.what, self.where, self.fix))


def _rebuild(cls: type[LiftError], what: str, where: str | None, fix: str | None) -> LiftError:
    return cls(what, where=where, fix=fix)


class ConfigError(LiftError):
    """An option or a configuration that cannot be used."""


class WindowError(LiftError):
    """A window of frames that a clip cannot serve."""


class SourceError(LiftError):
    """A clip that cannot be opened: missing, empty, or of no known kind."""


class FrameReadError(LiftError):
    """One frame of a clip that cannot be read: missing, truncated, of another size."""


class DatasetError(LiftError):
    """A folder or a list that holds no usable samples."""


class LoaderError(LiftError):
    """A loader that cannot go on: one of its worker processes is gone."""


class WeightsError(LiftError):
    """Weights that are missing, damaged, or made for another model."""


class CheckpointError(LiftError):
    """A training checkpoint that is missing, damaged, or of another version."""


class TrainingError(LiftError):
    """A training run that cannot go on."""


class FetchError(LiftError):
    """A file that cannot be fetched: no connection, no such file, a broken transfer, another checksum."""


class ArchiveError(LiftError):
    """An archive that is damaged, or that would write where or what it must not."""


class OutputError(LiftError):
    """A result that cannot be written where it was asked for."""


class ShapeError(LiftError):
    """A tensor whose shape, dtype or range the called function does not take."""


class MissingDependencyError(LiftError):
    """A package or a program that this feature needs and the machine lacks."""


@contextmanager
def os_errors_as(
    kind: type[LiftError],
    what: str,
    *,
    where: object = None,
    fix: str = "Check the place, its rights and free space.",
) -> Iterator[None]:
    """Raise an OSError of the block as an error of this ``kind``: ``what``, and the system's own reason."""
    try:
        yield
    except OSError as error:
        raise kind(f"{what}: {error.strerror or error}", where=where, fix=fix) from error
