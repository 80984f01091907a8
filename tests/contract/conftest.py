"""Where the tests of a backend make their tensors."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch


@pytest.fixture(autouse=True)
def device_of_the_backend(request: pytest.FixtureRequest) -> Iterator[None]:
    """For a backend on a GPU, new tensors are on the GPU."""
    backend = request.node.callspec.params.get("backend", "") if hasattr(request.node, "callspec") else ""
    if not backend.endswith(":cuda"):
        yield
        return
    torch.set_default_device("cuda")
    try:
        yield
    finally:
        torch.set_default_device(None)
