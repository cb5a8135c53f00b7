"""The log of a run: every value by name, to a CSV file and to TensorBoard."""

from __future__ import annotations

import csv
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

from lift_core.training.validation import Validation
from lift_core.viz.frame_weights import frame_weight_figure

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
        self._last: tuple[int, float] | None = None

    def scalars(self, step: int, seconds: float, values: dict[str, float]) -> None:
        """Log ``values`` by name at ``step``, ``seconds`` into the run."""
        for name, value in values.items():
            self._rows.writerow((step, f"{seconds:.1f}", name, f"{value:.6g}"))
            self._board.add_scalar(name, value, step)
        self._file.flush()

    def speed(self, step: int, seconds: float, samples: int) -> None:
        """Log samples per second since the last call, from the step, its time and the samples of one step."""
        if self._last is not None and seconds > self._last[1]:
            rate = samples * (step - self._last[0]) / (seconds - self._last[1])
            self.scalars(step, seconds, {"train/samples_per_s": rate})
        self._last = step, seconds

    def validation(self, step: int, seconds: float, result: Validation) -> None:
        """Log a validation: its figures, and to TensorBoard its pictures and how much each frame counted."""
        figures = {"psnr": result.psnr, "ssim": result.ssim, "psnr_blend": result.psnr_blend}
        self.scalars(step, seconds, {f"val/{name}": value for name, value in figures.items()})
        for name, image in (("truth_prediction_blend", result.sheet), ("flow_0_flow_1_visibility", result.flows)):
            self._board.add_image(f"val/{name}", image.clamp(0.0, 1.0), step)
        self._board.add_figure("val/frame_weights", frame_weight_figure(result.frame_weights.tolist()), step)

    def close(self) -> None:
        """Flush and close both files."""
        self._file.close()
        self._board.close()
