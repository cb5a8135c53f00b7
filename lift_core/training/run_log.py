"""The log of a run: every value by name, to a CSV file and to TensorBoard."""

from __future__ import annotations

import csv
from pathlib import Path

from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

COLUMNS = ("step", "seconds", "name", "value")


class RunLog:
    """Appends scalars to ``log.csv`` (one row a value) and to TensorBoard's event files in ``out``.

    Each row is flushed, so a killed run loses none that was logged.
    """

    def __init__(self, out: Path) -> None:
        path = out / "log.csv"
        new = not path.exists() or path.stat().st_size == 0
        self._file = path.open("a", newline="", encoding="utf-8")
        self._rows = csv.writer(self._file)
        if new:
            self._rows.writerow(COLUMNS)
        self._board = SummaryWriter(str(out / "tensorboard"))

    def scalars(self, step: int, seconds: float, values: dict[str, float]) -> None:
        """Log ``values`` by name at ``step``, ``seconds`` into the run."""
        for name, value in values.items():
            self._rows.writerow((step, f"{seconds:.1f}", name, f"{value:.6g}"))
            self._board.add_scalar(name, value, step)
        self._file.flush()

    def picture(self, step: int, name: str, image: Tensor) -> None:
        """Log an image ``[3, H, W]`` in [0, 1] to TensorBoard."""
        self._board.add_image(name, image.clamp(0.0, 1.0), step)

    def close(self) -> None:
        """Flush and close both files."""
        self._file.close()
        self._board.close()
