"""A small catalogue for the labs: generated pictures of shapes, and a CSV table about them with holes in it."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from lift_core.atomic import atomic_file
from lift_core.errors import ConfigError

KINDS = ("circle", "square", "triangle")
COLUMNS = ("picture", "camera", "kind", "size", "stars", "caption")
TABLE = "catalogue.csv"

_COLOURS = {"red": (220, 60, 50), "green": (70, 190, 80), "blue": (60, 90, 225), "yellow": (235, 205, 60)}
# Camera C is new and exposes less: the pictures that a model trained on A and B has not seen the like of.
_EXPOSURES = {"A": 1.0, "B": 0.92, "C": 0.55}
_PLACES = ("", "", "near the left edge", "in the middle", "near the right edge")


def write_catalogue(
    folder: str | os.PathLike[str], count: int = 60, *, height: int = 144, width: int = 192, seed: int = 1
) -> Path:
    """Write ``catalogue.csv`` and the pictures that it names, JPEG files, into a folder.

    The table has the columns ``picture`` (file name), ``camera`` (A, B or C), ``kind`` (circle, square, triangle),
    ``size`` (the shape's width in pixels; ``NA`` in some rows), ``stars`` (1 to 5; empty in some) and ``caption`` (some
    words; empty in some). The table is written last, so where it exists the pictures do.

    Args:
        folder: made where it is missing.
        count: pictures, 1 to 9999.
        height, width: of the pictures, in pixels, 32 or more.
        seed: another seed, another catalogue.

    Returns:
        The path of the table.

    Raises:
        ConfigError: a number out of range.
        OutputError: the folder cannot be written to.
    """
    if not 1 <= count <= 9999 or min(height, width) < 32:
        raise ConfigError(f"{count} pictures of {height} x {width}", fix="Choose 1 to 9999, of 32 x 32 or more.")
    table = Path(folder) / TABLE
    rows = []
    for number in range(count):
        rng = np.random.default_rng((seed, number))
        row, picture = _entry(rng, number, height, width)
        with atomic_file(table.parent / row["picture"]) as temporary:
            temporary.write_bytes(cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes())
        rows.append(row)
    with atomic_file(table) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return table


def _entry(rng: np.random.Generator, number: int, height: int, width: int) -> tuple[dict[str, str], NDArray[np.uint8]]:
    kind, colour = str(rng.choice(KINDS)), str(rng.choice(list(_COLOURS)))
    camera, place = str(rng.choice(list(_EXPOSURES))), int(rng.integers(len(_PLACES)))
    size = float(rng.uniform(0.25, 0.7) * height)
    column = {2: 0.25, 4: 0.75}.get(place, 0.5)
    centre = (int(column * width), int(rng.uniform(0.42, 0.58) * height))
    picture = _draw(rng, kind, _COLOURS[colour], size, centre, _EXPOSURES[camera], (height, width))
    words = f"{'a large' if size > 0.48 * height else 'a small'} {colour} {kind} {_PLACES[place]}".strip()
    missing = rng.random(3)
    return {
        "picture": f"{number:04d}.jpg",
        "camera": camera,
        "kind": kind,
        "size": f"{size:.1f}" if missing[0] > 0.2 else "NA",
        "stars": str(int(rng.integers(1, 6))) if missing[1] > 0.25 else "",
        "caption": words if missing[2] > 0.15 else "",
    }, picture


def _draw(
    rng: np.random.Generator,
    kind: str,
    colour: tuple[int, int, int],
    size: float,
    centre: tuple[int, int],
    exposure: float,
    shape: tuple[int, int],
) -> NDArray[np.uint8]:
    patches = rng.integers(40, 130, (4, 5, 3), dtype=np.uint8)
    canvas = np.asarray(cv2.resize(patches, shape[::-1], interpolation=cv2.INTER_CUBIC), np.uint8)
    x, y, half = *centre, size / 2
    if kind == "circle":
        cv2.circle(canvas, (x, y), int(half), colour, -1, cv2.LINE_AA)
    else:
        corners = {"square": [(-1, -1), (1, -1), (1, 1), (-1, 1)], "triangle": [(0, -1), (1, 1), (-1, 1)]}[kind]
        outline = np.array([(x + half * a, y + half * b) for a, b in corners]).round().astype(np.int32)
        cv2.fillPoly(canvas, [outline], colour, cv2.LINE_AA)
    noisy = canvas * exposure + rng.normal(0, 4, canvas.shape)
    return np.asarray(noisy.round().clip(0, 255), np.uint8)
