"""Replay of a function as one CUDA graph; on a CPU the function is called directly."""

from collections.abc import Callable

import torch

# Calls before the capture: libraries choose their kernels and allocate workspaces.
WARM_UP = 3


class Replay:
    """A function whose inputs and outputs are tensors that it reads and writes in place.

    It must launch the same kernels with the same shapes at every call, and must neither
    synchronise nor draw random numbers. On a GPU its first calls run as usual; then it is
    captured, and every later call launches the graph: one launch instead of hundreds.
    """

    def __init__(self, function: Callable[[], None], device: torch.device, on: bool = True):
        self.function = function
        self.on = on and device.type == "cuda"
        self.calls = 0
        self.graph: torch.cuda.CUDAGraph | None = None

    def __call__(self) -> None:
        if not self.on:
            self.function()
        elif self.calls < WARM_UP:
            self._warm_up()
        else:
            if self.graph is None:
                self.graph = torch.cuda.CUDAGraph()
                with torch.cuda.graph(self.graph):
                    self.function()
            self.graph.replay()
        self.calls += 1

    def _warm_up(self) -> None:
        """Call the function on a stream of its own, as before a capture."""
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            self.function()
        torch.cuda.current_stream().wait_stream(stream)
