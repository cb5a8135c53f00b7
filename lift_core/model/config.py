"""LiftConfig: the sizes of a LIFT model, and the presets that carry a name."""

from __future__ import annotations

from dataclasses import MISSING, asdict, dataclass, fields
from typing import Any, Literal, get_args

from lift_core.errors import ConfigError

Start = Literal["zero", "dis", "quadratic"]
"""What the motion of stage 3 starts from."""

STAGES = ("encoder", "temporal", "flow", "synthesis", "refiner")
"""The five stages by their names in a LIFT, in order."""


@dataclass(frozen=True)
class LiftConfig:
    """Sizes of the five stages.

    Attributes:
        name: the preset it came from; one spelling, with underscores.
        context: frames of context T that the preset is made for; even. A model takes any even T.
        stem_width: channels at half resolution, before the first kept scale.
        widths: channels at a quarter, an eighth and a sixteenth of the resolution (s4, s8, s16).
        encode_chunk: frames that the encoder takes at once; bounds its peak memory whatever T.
        token_width: channels of one token of the temporal transformer; a multiple of 4 and of ``heads``.
        layers: temporal attention layers.
        heads: attention heads.
        window: frames in one window of temporal attention.
        warp_widths: channels to which s8 and s4 features are reduced before they are warped.
        match_width: channels to which the warped features are reduced before they are compared.
        flow_widths: hidden channels of the flow cascade at s8 and s4.
        match_radii: reach of the local correlation at s8 and s4, in cells of that grid to each side.
        synthesis_width: hidden channels of the coarse synthesis.
        refine_feature_width: channels to which s4 features are reduced for the refiner.
        refine_width: hidden channels of the refiner; a multiple of 8.
        refine_blocks: residual blocks of the refiner.
        start: motion that stage 3 starts from unless it is given one: none (``zero``), DIS flow between the references
            (``dis``), or that flow bent by the acceleration that the frames before and after them show
            (``quadratic``). A model is trained with one of them and keeps it.
        encoder: stage 1: the package's own pyramid, or RIFE's contextnet with adapters. A contextnet has no use for
            ``stem_width``.
    """

    name: str
    context: int
    stem_width: int
    widths: tuple[int, int, int]
    encode_chunk: int
    token_width: int
    layers: int
    heads: int
    window: int
    warp_widths: tuple[int, int]
    match_width: int
    flow_widths: tuple[int, int]
    match_radii: tuple[int, int]
    synthesis_width: int
    refine_feature_width: int
    refine_width: int
    refine_blocks: int
    start: Start = "zero"
    encoder: Literal["pyramid", "contextnet"] = "pyramid"

    def __post_init__(self) -> None:
        if self.context < 2 or self.context % 2:
            raise ConfigError(f"context must be an even number of frames, at least 2, not {self.context}")
        if self.start not in get_args(Start):
            raise ConfigError(f"stage 3 cannot start from {self.start!r}", fix=f"Choose {', '.join(get_args(Start))}.")
        if self.encoder not in ("pyramid", "contextnet"):
            raise ConfigError(f"no encoder is called {self.encoder!r}", fix="Choose pyramid or contextnet.")
        if self.token_width % 4 or self.token_width % self.heads:
            raise ConfigError(f"token_width {self.token_width} must be a multiple of 4 and of heads {self.heads}")
        if self.refine_width % 8:
            raise ConfigError(
                f"refine_width must be a multiple of 8 (its group norm has 8 groups), not {self.refine_width}"
            )

    def to_dict(self) -> dict[str, Any]:
        """Plain values only, as a JSON file holds them."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> LiftConfig:
        """Rebuild a config from ``to_dict``; a name that has a default may be missing, as in an older file.

        Raises:
            ConfigError: another name is missing, or one is unknown, as in a file written by another version.
        """
        names = {field.name for field in fields(cls)}
        needed = {field.name for field in fields(cls) if field.default is MISSING}
        missing, unknown = sorted(needed - set(values)), sorted(set(values) - names)
        if missing or unknown:
            raise ConfigError(
                f"the model config does not fit this version: missing {missing}, unknown {unknown}",
                fix="Use the lift_core version that wrote it.",
            )
        plain: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in values.items()
        }
        return cls(**plain)


_FULL: dict[str, Any] = {
    "stem_width": 64,
    "widths": (128, 192, 256),
    "encode_chunk": 8,
    "token_width": 256,
    "layers": 4,
    "heads": 8,
    "window": 8,
    "warp_widths": (96, 64),
    "match_width": 32,
    "flow_widths": (128, 96),
    "match_radii": (4, 2),
    "synthesis_width": 96,
    "refine_feature_width": 32,
    "refine_width": 48,
    "refine_blocks": 3,
}

PRESETS: dict[str, LiftConfig] = {
    "lift_64": LiftConfig(name="lift_64", context=64, **_FULL),
    "lift_15": LiftConfig(name="lift_15", context=14, **_FULL),
    "lift_tiny": LiftConfig(
        name="lift_tiny",
        context=6,
        stem_width=24,
        widths=(32, 64, 96),
        encode_chunk=64,
        token_width=96,
        layers=4,
        heads=4,
        window=8,
        warp_widths=(48, 32),
        match_width=16,
        flow_widths=(72, 48),
        match_radii=(4, 2),
        synthesis_width=48,
        refine_feature_width=16,
        refine_width=24,
        refine_blocks=2,
    ),
}


def preset(name: str) -> LiftConfig:
    """The config of a preset: ``lift_64``, ``lift_15`` or ``lift_tiny``.

    Raises:
        ConfigError: no preset has that name.
    """
    if name not in PRESETS:
        raise ConfigError(f"no preset is called {name!r}", fix=f"Choose one of {', '.join(PRESETS)}.")
    return PRESETS[name]
