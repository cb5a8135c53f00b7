"""The ledger of a training step: what its samples, features and attention take, each by its formula."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lift_core.model.padding import MULTIPLE
from lift_core.profiling.ledger import batch_bytes, pyramid_bytes, sample_bytes, score_bytes, token_bytes, window_pairs
from lift_core.training.config import Precision
from lift_core.training.step_memory import Step

_DTYPES: Mapping[Precision, str] = {"32-true": "float32", "bf16-mixed": "bfloat16", "16-mixed": "float16"}


@dataclass(frozen=True)
class StepLedger:
    """Bytes by formula; the activations of a trace contain the features and tokens, and much that leads to them.

    Attributes:
        sample: pictures in float32, and what is known of their times.
        batch: all samples of one forward pass.
        features: of a batch, by scale: at 4 and 8 of the two references, at 16 of every frame.
        tokens: of a batch, one for each 32x32 pixels of every frame.
        scores: of all attention layers of a batch, were they written out, which fused attention does not do.
    """

    sample: int
    batch: int
    features: Mapping[int, int]
    tokens: int
    scores: int


def step_ledger(step: Step) -> StepLedger:
    """Count the parts of one forward pass; features, tokens and scores in the numbers of the step's precision."""
    model, frames, dtype = step.model, step.model.context, _DTYPES[step.precision]
    height, width = (-(-side // MULTIPLE) * MULTIPLE for side in step.size)
    features = pyramid_bytes(frames, model.widths, height, width, dtype)
    places = height * width // MULTIPLE**2
    # Every second layer is shifted; at the end both references look at every frame.
    pairs = (
        sum(window_pairs(frames, model.window, shifted=layer % 2 == 1) for layer in range(model.layers)) + 2 * frames
    )
    return StepLedger(
        sample=sample_bytes(frames, *step.size),
        batch=batch_bytes(step.batch, frames, *step.size),
        features={scale: step.batch * size for scale, size in features.items()},
        tokens=token_bytes(frames, model.token_width, height, width, step.batch, dtype),
        scores=score_bytes(pairs, places, model.heads, step.batch, dtype),
    )
