"""Where the tests of a backend make their tensors."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch


@pytest.fixture(autouse=True)
def device_of_the_backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """For a backend on a GPU, new tensors are on the GPU and the engine adds up in a fixed order."""
    backend = request.node.callspec.params.get("backend", "") if hasattr(request.node, "callspec") else ""
    if not backend.endswith(":cuda"):
        yield
        return
    from legged_gym_ext.sim import warp_model

    monkeypatch.setattr(warp_model, "DETERMINISM", warp_model.mjw.DeterminismType.ALL)
    torch.set_default_device("cuda")
    try:
        yield
    finally:
        torch.set_default_device(None)
