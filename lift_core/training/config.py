"""TrainConfig: everything that a training run is told, stored with its checkpoints."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace
from math import inf
from pathlib import Path
from typing import Any, Literal

from lift_core.data.checked_json import parse_json
from lift_core.errors import ConfigError
from lift_core.model.config import STAGES, LiftConfig, Start, preset

CONFIG_FILE = "config.json"
CONFIG_VERSION = 1
"""Of the files that `TrainConfig.to_dict` fills; raised when a name is added, renamed or means something else."""
Precision = Literal["32-true", "bf16-mixed", "16-mixed"]


@dataclass(frozen=True)
class LossConfig:
    """Weight of each term; a term of weight 0 is not computed.

    Attributes:
        charbonnier: smooth L1 on the final frame; it holds the mean colour, to which the pyramid is blind.
        laplacian: L1 over a Laplacian pyramid of the final frame.
        census: census distance of the final frame, blind to brightness changes; dear on a CPU.
        coarse: Charbonnier on the frame before refinement.
        warped: Charbonnier on the two warped references where they are visible.
        smoothness: first differences of the flows, less across edges of the truth.
        distillation: distance from classical flow between the true middle frame and each reference.
    """

    charbonnier: float = 1.0
    laplacian: float = 1.0
    census: float = 0.0
    coarse: float = 0.5
    warped: float = 0.2
    smoothness: float = 0.002
    distillation: float = 0.02


@dataclass(frozen=True)
class TrainConfig:
    """One training run.

    Attributes:
        preset: the model, by name.
        data: folders or files of videos and frame sequences.
        pregenerated: folder of augmented variants of ``data`` that training reads in place of the clips themselves: in
            epoch k variant k, after the last the first again. None reads and augments the clips. Validation always
            reads clips.
        val_data: where validation clips come from; empty: ``val_fraction`` of the training clips, by clip group.
        out: folder of the run: config, log, checkpoints, weights.
        steps: optimizer steps; None where ``minutes`` says how long.
        minutes: wall-clock length; the learning rate then follows the clock.
        batch: samples of one forward pass, per process. Where they do not fit the memory, they are taken in parts.
        accumulate: forward passes per optimizer step.
        phase1_crop: side of the square training crop while the loaded encoder is frozen.
        phase2_crop: side of the square training crop when everything trains.
        phase1_share: share of the run that phase 1 takes; it needs weights loaded into the encoder.
        scales: sizes of the training pictures, as shares of the crop, above 0 and at most 1; each step draws one.
        strides: spacings of the training windows; stride s hides the s - 1 frames between the references.
        samples_per_clip: windows drawn at random from each clip in an epoch; 0 takes every window of every clip.
        learning_rate: peak of AdamW.
        weight_decay: of AdamW.
        warmup: share of the run over which the rate rises from 0.
        clip_norm: largest gradient norm.
        ema_decay: of the moving average of the weights, which is what is validated and exported.
        loaded_rate: share of the learning rate at which what was loaded into the encoder trains in phase 2.
        start: motion that the model's stage 3 starts from, "zero", "dis" or "quadratic"; see LiftConfig.
        encoder: stage 1, "pyramid" or "contextnet"; see LiftConfig.
        contextnet: one of RIFE's files, whose contextnet fills the trunk of a contextnet encoder; None leaves it new.
        init: weights to start from (a preset's name, a .safetensors file, or a run folder); None starts afresh.
        colour_probability: share of clips whose brightness, contrast, gamma and saturation are changed.
        loss: weights of the loss terms.
        precision: of Lightning Fabric.
        checkpointing: stages whose activations are computed again in the backward pass instead of kept, among
            "encoder", "temporal", "flow", "synthesis" and "refiner".
        accelerator: of Lightning Fabric: "auto", "cpu", "cuda", ...
        devices: processes per machine.
        num_nodes: machines.
        workers: loader workers; None lets ``recommend_settings`` choose.
        seed: of the weights, the order and the augmentation.
        val_fraction: see ``val_data``.
        val_crop: side of the centre crop of validation frames; 0 takes whole frames, None ``phase2_crop``.
        val_windows_per_clip: validation windows, spread evenly over each clip.
        val_every: steps between validations and checkpoints.
        on_nonfinite: stop at a loss or gradient that is not finite, or leave that step out, count and log it.
        on_error: stop at a clip or frame that cannot be read, or count, log and replace it.
        keep: checkpoints kept beside the best.
    """

    preset: str = "lift_tiny"
    data: tuple[str, ...] = ()
    pregenerated: str | None = None
    val_data: tuple[str, ...] = ()
    out: str = "runs/lift"
    steps: int | None = None
    minutes: float | None = None
    batch: int = 12
    accumulate: int = 1
    phase1_crop: int = 128
    phase2_crop: int = 128
    phase1_share: float = 0.2
    scales: tuple[float, ...] = (1.0,)
    strides: tuple[int, ...] = (2,)
    samples_per_clip: int = 0
    learning_rate: float = 1e-3
    weight_decay: float = 1e-4
    warmup: float = 0.03
    clip_norm: float = 1.0
    ema_decay: float = 0.998
    loaded_rate: float = 0.1
    start: Start = "zero"
    encoder: Literal["pyramid", "contextnet"] = "pyramid"
    contextnet: str | None = None
    init: str | None = None
    colour_probability: float = 0.3
    loss: LossConfig = field(default_factory=LossConfig)
    precision: Precision = "32-true"
    checkpointing: tuple[str, ...] = ()
    accelerator: str = "auto"
    devices: int = 1
    num_nodes: int = 1
    workers: int | None = None
    seed: int = 0
    val_fraction: float = 0.05
    val_crop: int | None = None
    val_windows_per_clip: int = 4
    val_every: int = 200
    on_nonfinite: Literal["raise", "skip"] = "raise"
    on_error: Literal["raise", "skip"] = "raise"
    keep: int = 2

    def __post_init__(self) -> None:
        if not self.data:
            raise ConfigError("a training run needs data", fix="Name a folder of videos or of frame sequences.")
        if (self.steps is None) == (self.minutes is None):
            raise ConfigError(
                "a training run is either so many steps or so many minutes long", fix="Give one of the two."
            )
        for name, value in (("steps", self.steps), ("minutes", self.minutes)):
            if value is not None and not 0 < value < inf:
                raise ConfigError(f"{name} must be above 0 and finite, not {value}")
        for name in ("batch", "accumulate", "devices", "num_nodes", "val_every", "val_windows_per_clip", "keep"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be at least 1, not {getattr(self, name)}")
        if not self.strides or min(self.strides) < 2:
            raise ConfigError(f"training strides must be at least 2, so that a frame is hidden, not {self.strides}")
        if not self.scales or not all(0 < scale <= 1 for scale in self.scales):
            raise ConfigError(f"scales must be above 0 and at most 1, not {self.scales}")
        if self.pregenerated is not None and self.phase1_crop != self.phase2_crop:
            raise ConfigError(
                f"pre-generated variants have one size, and the phases crop to {self.phase1_crop} and"
                f" {self.phase2_crop} pixels",
                fix="Make phase1_crop and phase2_crop the same.",
            )
        if self.contextnet is not None and (self.encoder != "contextnet" or self.init is not None):
            raise ConfigError(
                "a RIFE file fills a new contextnet encoder, and nothing else",
                fix='Set encoder to "contextnet" and leave init out, or leave contextnet out.',
            )
        unknown = sorted(set(self.checkpointing) - set(STAGES))
        if unknown:
            raise ConfigError(f"no stage is called {', '.join(unknown)}", fix=f"Choose among {', '.join(STAGES)}.")

    def model_config(self) -> LiftConfig:
        """The config of the model that is trained.

        Raises:
            ConfigError: no such preset.
        """
        return replace(preset(self.preset), start=self.start, encoder=self.encoder)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> TrainConfig:
        """Rebuild a config from ``to_dict`` or from the JSON file of a run.

        Raises:
            ConfigError: an unknown name, or a file that a newer version wrote.
        """
        version = values.get("version", CONFIG_VERSION)
        if version != CONFIG_VERSION:
            raise ConfigError(
                f"the training config is of version {version}, this package reads version {CONFIG_VERSION}",
                fix="Use the lift_core version that wrote it.",
            )
        values = {name: value for name, value in values.items() if name != "version"}
        unknown = set(values) - {item.name for item in fields(cls)}
        unknown |= set(values.get("loss", {})) - {item.name for item in fields(LossConfig)}
        if unknown:
            raise ConfigError(
                f"the training config names {sorted(unknown)}, which this version does not know",
                fix="Use the lift_core version that wrote it.",
            )
        plain: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in values.items()
        }
        plain["loss"] = LossConfig(**values.get("loss", {}))
        return cls(**plain)

    def to_dict(self) -> dict[str, Any]:
        """Plain values only, as a JSON file holds them."""
        return {"version": CONFIG_VERSION, **asdict(self)}


def read_config(path: str | Path) -> dict[str, Any]:
    """The values of a config file, as `TrainConfig.from_dict` takes them; they are not checked yet.

    Raises:
        ConfigError: a file that cannot be read, or that holds no JSON object.
    """
    try:
        stored = parse_json(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"the config cannot be read: {error}", where=path, fix="Name a run's config.json.") from error
    if not isinstance(stored, dict):
        raise ConfigError("the config is not a JSON object", where=path, fix="Name a run's config.json.")
    return stored
