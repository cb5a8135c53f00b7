"""DevicePrefetcher: batches on their device as floats, the next one on its way while the current one is used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count

import torch
from torch import Tensor

from lift_core.data.sample import Batch, to_device
from lift_core.errors import ConfigError


class DevicePrefetcher:
    """Iterates batches as ``to_device`` gives them: on ``device``, pictures float32 in [0, 1], in reused buffers.

    On a GPU the next batch is moved and converted on a stream of its own while the current one is used; that needs
    batches in page-locked memory (``LoaderSettings.pin_memory``). The price is one batch more in the GPU's memory.
    Elsewhere each batch is converted when it is asked for.

    Args:
        batches: a Loader, or any other batches; iterated anew each time.
        device: where to.
        held: batches that are valid at one time. With 1 a batch is valid until the next one is taken; who gathers
            several before using them (for gradient accumulation, say) names their number.

    Raises:
        ConfigError: ``held`` below 1.
    """

    def __init__(self, batches: Iterable[Batch], device: torch.device | str, *, held: int = 1) -> None:
        if held < 1:
            raise ConfigError(f"a prefetcher holds at least 1 batch, not {held}", fix="Choose 1 or more.")
        self._batches = batches
        self._device = torch.device(device)
        on_gpu = self._device.type == "cuda"
        self._buffers: list[dict[str, Tensor]] = [{} for _ in range(held + on_gpu)]
        self._stream = torch.cuda.Stream(self._device) if on_gpu else None

    def __iter__(self) -> Iterator[Batch]:
        return self._converted() if self._stream is None else self._ahead(self._stream)

    def _converted(self) -> Iterator[Batch]:
        for number, batch in zip(count(), self._batches, strict=False):
            yield to_device(batch, self._device, buffers=self._buffers[number % len(self._buffers)])

    def _ahead(self, stream: torch.cuda.Stream) -> Iterator[Batch]:
        coming: tuple[Batch, torch.cuda.Event] | None = None
        for number, batch in zip(count(), self._batches, strict=False):
            started = self._start(batch, stream, self._buffers[number % len(self._buffers)])
            if coming is not None:
                yield self._arrived(*coming)
            coming = started
        if coming is not None:
            yield self._arrived(*coming)

    def _start(
        self, batch: Batch, stream: torch.cuda.Stream, buffers: dict[str, Tensor]
    ) -> tuple[Batch, torch.cuda.Event]:
        """Set a batch on its way, once the work that was asked of the buffers' last batch is done."""
        stream.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(stream):
            moved = to_device(batch, self._device, buffers=buffers)
        return moved, stream.record_event()

    def _arrived(self, batch: Batch, event: torch.cuda.Event) -> Batch:
        """The batch, for work on the caller's stream."""
        current = torch.cuda.current_stream(self._device)
        current.wait_event(event)
        for value in batch.values():
            if isinstance(value, Tensor):
                # Made on the other stream: without this its memory could be given out there while it is read here.
                value.record_stream(current)
        return batch
