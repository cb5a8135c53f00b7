"""Lab 01: the exercise on the contract of a data set: a length, and sample number k."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lift_core.checks.exercise import Call, Exercise, Probe
from lift_core.checks.isolation import Raised
from lift_core.checks.probe_pictures import probe_picture
from lift_core.checks.wording import counted, with_article

Row = Mapping[str, Any]
Read = Callable[[str], NDArray[np.uint8]]


class _SpyRead:
    """Makes the picture of a name, and keeps book of what was read on each page."""

    def __init__(self, height: int, width: int) -> None:
        self._size = (height, width)
        self.pages: list[list[str]] = [[]]

    def turn_page(self) -> None:
        self.pages.append([])

    def __call__(self, name: str) -> NDArray[np.uint8]:
        self.pages[-1].append(str(name))
        return probe_picture(*self._size, *str(name).encode())


class _PictureTable:
    """Pictures that a table names; each is read when its sample is asked for."""

    def __init__(self, rows: Sequence[Row], read: Read) -> None:
        self.rows, self.read = rows, read

    def __len__(self) -> int:
        return len(self.rows)

    def row(self, index: int) -> Row:
        return self.rows[index]

    def picture(self, row: Row) -> Tensor:
        return torch.from_numpy(self.read(row["picture"])).permute(2, 0, 1)

    def __getitem__(self, index: int) -> dict[str, Any]:
        row = self.row(index)
        return {"picture": self.picture(row), "label": row["label"], "name": row["picture"]}


def _use(candidate: Callable[..., Any], rows: Sequence[Row], read: _SpyRead, asked: Sequence[int]) -> dict[str, Any]:
    data = candidate(rows, read)
    outcome: dict[str, Any] = {"length": len(data), "samples": []}
    for index in asked:
        read.turn_page()
        outcome["samples"].append(data[index])
    return outcome


def _tables() -> list[Probe]:
    def rows(count: int) -> list[dict[str, Any]]:
        # Rows 1 and 5 name the same picture, and have different labels.
        names = [f"{(7 * (1 if k == 5 else k)) % 20}.jpg" for k in range(count)]
        return [{"picture": name, "label": (5 * k + 1) % 3} for k, name in enumerate(names)]

    return [
        Probe("a table of 7 rows", (rows(7), _SpyRead(9, 13), (0, 1, 5, 6))),
        Probe("a table of 1 row, asked for twice", (rows(1), _SpyRead(11, 6), (0, 0))),
        Probe("a table of 5 rows, asked for out of order", (rows(5), _SpyRead(5, 8), (4, 1, 2))),
        Probe("an index of len(data)", (rows(4), _SpyRead(5, 8), (4,))),
        Probe("an index of len(data) + 2", (rows(3), _SpyRead(5, 8), (5,))),
    ]


_NOTHING_YET = "making the data set, and asking for its length, reads no picture"
_ITS_OWN = "data[k] reads the picture of row k once, each time it is asked for, and no other"
_TENSOR = "picture is a tensor of dtype torch.uint8"

picture_table = Exercise(
    "01.1",
    "PictureTable",
    _PictureTable,
    _tables,
    contract=(
        "len(data) is the number of rows; data[k], for k from 0, is a dict with the entries of the table above, made of"
        " row k",
        _NOTHING_YET,
        _ITS_OWN,
        _TENSOR,
        "an index of len(data) or more raises an IndexError",
    ),
    drive=_use,
)


@picture_table.prop(_NOTHING_YET)
def _reads_nothing_at_first(call: Call) -> str | None:
    read = len(call.args[1].pages[0])
    return f"{counted(read, 'picture')} had been read before a sample was asked for" if read else None


@picture_table.prop(_ITS_OWN)
def _reads_its_own(call: Call) -> str | None:
    rows, _, asked = call.probe.args
    for index, read in zip(asked, call.args[1].pages[1:], strict=False):
        wanted = [rows[index]["picture"]] if index < len(rows) else []
        if index < len(rows) and Counter(read) != Counter(wanted):
            return f"sample {index} belongs to {wanted[0]}, and read {', '.join(read) or 'nothing'}"
    return None


@picture_table.prop(_TENSOR)
def _is_a_byte_tensor(call: Call) -> str | None:
    for sample in [] if isinstance(call.outcome, Raised) else call.output["samples"]:
        picture = sample["picture"]
        if not isinstance(picture, Tensor):
            return f"picture is no tensor but {with_article(type(picture).__name__)}"
        if picture.dtype != torch.uint8:
            return f"the dtype of picture is {str(picture.dtype).removeprefix('torch.')}"
    return None


@picture_table.mistake("everything is read at the start", "Keep the rows. Read the picture in __getitem__.")
class _Eager(_PictureTable):
    def __init__(self, rows: Sequence[Row], read: Read) -> None:
        super().__init__(rows, read)
        self.pictures = [torch.from_numpy(read(row["picture"])).permute(2, 0, 1) for row in rows]

    def __getitem__(self, index: int) -> dict[str, Any]:
        row = self.rows[index]
        return {"picture": self.pictures[index], "label": row["label"], "name": row["picture"]}


@picture_table.mistake(
    "reshape in place of permute",
    "reshape keeps the order of the numbers and cuts them up anew. permute(2, 0, 1) moves the colours to the front.",
)
class _Reshaped(_PictureTable):
    def picture(self, row: Row) -> Tensor:
        pixels = torch.from_numpy(self.read(row["picture"]))
        return pixels.reshape(3, *pixels.shape[:2])


@picture_table.mistake("the colours are still last", "torch wants [3, H, W]: move the last axis to the front.")
class _ColoursLast(_PictureTable):
    def picture(self, row: Row) -> Tensor:
        return torch.from_numpy(self.read(row["picture"]))


@picture_table.mistake("height and width are exchanged", "permute names the old axes in their new order: (2, 0, 1).")
class _Transposed(_PictureTable):
    def picture(self, row: Row) -> Tensor:
        return super().picture(row).transpose(1, 2)


@picture_table.mistake("converted to decimal numbers", "Leave the bytes as they are. They are four times smaller.")
class _Floats(_PictureTable):
    def picture(self, row: Row) -> Tensor:
        return super().picture(row).float() / 255


@picture_table.mistake(
    "the index wraps round", "Without an IndexError at the end, `for sample in data` never ends. Let the list raise it."
)
class _Wrapping(_PictureTable):
    def row(self, index: int) -> Row:
        return self.rows[index % len(self.rows)]


@picture_table.mistake("None at the end", "Behind the last row raise an IndexError: `for sample in data` ends with it.")
class _NoneAtTheEnd(_PictureTable):
    def __getitem__(self, index: int) -> Any:
        return super().__getitem__(index) if index < len(self) else None


@picture_table.mistake("counted from 1", "Samples are counted from 0: data[0] is the first row.")
class _FromOne(_PictureTable):
    def row(self, index: int) -> Row:
        return self.rows[index - 1]


@picture_table.mistake("the picture is read more than once", "Read it into a variable, and use that.")
class _ReadTwice(_PictureTable):
    def picture(self, row: Row) -> Tensor:
        self.read(row["picture"])
        return super().picture(row)


@picture_table.mistake("all pictures are read for each sample", "Pick the row first, then read its picture alone.")
class _AllEachTime(_PictureTable):
    def __getitem__(self, index: int) -> dict[str, Any]:
        pictures = [self.picture(row) for row in self.rows]
        row = self.rows[index]
        return {"picture": pictures[index], "label": row["label"], "name": row["picture"]}


@picture_table.mistake("one sample too few", "The length is the number of rows: 7 rows are samples 0 to 6.")
class _OneTooFew(_PictureTable):
    def __len__(self) -> int:
        return len(self.rows) - 1
