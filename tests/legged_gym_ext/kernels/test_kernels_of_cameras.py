"""Images by compiled kernels are those by tensors, whatever the number of threads; their noise is as it should be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from hypothesis import given, settings, strategies as st
from torch import Tensor

from legged_gym_ext.kernels import depth_noise as kernels
from legged_gym_ext.sensors.depth_camera import DepthCamera, DepthCameraCfg
from legged_gym_ext.sensors.depth_noise import DepthNoiseCfg, NoiseDraws, with_noise
from legged_gym_ext.terrain.blocks import BLOCK_NAMES
from legged_gym_ext.terrain.tracks import TrackCfg, build_tracks, draw_kinds, num_random
from st_rl.utils.rotations import quat_from_euler_xyz

WORLDS = 16
NOISY = DepthNoiseCfg(sky_probability=0.5, spark_probability=0.02, block_probability=0.5)


def camera(cfg: DepthCameraCfg, num_threads: int = 1) -> DepthCamera:
    return DepthCamera(cfg, WORLDS, 0.02, torch.Generator().manual_seed(0), "cpu", num_threads=num_threads)


def scene(seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Positions (N, 3), quaternions (N, 4) of robots on tracks of every block, and the boxes (N, K, 10)."""
    cfg, generator = TrackCfg(blocks=BLOCK_NAMES, num_blocks=5), torch.Generator().manual_seed(seed)

    def rand(*size: int) -> Tensor:
        return torch.rand(WORLDS, *size, generator=generator)

    made = build_tracks(cfg, draw_kinds(cfg, WORLDS, generator, "cpu"), rand(5), rand(num_random(cfg)))
    position = torch.stack((rand() * made.end[:, -1], rand() - 0.5, made.floor_height[:, 0] + rand()), dim=1)
    tilt, yaw = (rand(2) - 0.5).unbind(1), 8.0 * (rand() - 0.5)
    return position, quat_from_euler_xyz(*tilt, yaw), made.boxes


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31), far=st.floats(0.5, 6.0))
def test_rays_meet_what_rays_of_tensors_meet(seed: int, far: float) -> None:
    # An odd size, and a window that may lie anywhere on it.
    cfg = DepthCameraCfg(height=13, width=21, far=far)
    made = camera(cfg)
    compiled = made.depth(*scene(seed)).clamp_max(far)
    made.skip_empty = False
    expected = made.depth(*scene(seed)).clamp_max(far)
    # At the very edge of a box rounding decides whether it is met.
    same = (compiled - expected).abs() <= 1e-5
    assert same.float().mean() > 0.999


def test_robots_among_boxes_see_them() -> None:
    seen = camera(DepthCameraCfg()).depth(*scene(0))
    assert 0.2 < (seen < 3.0).float().mean() < 0.98


def draws(seeds: Tensor, cfg: DepthNoiseCfg, height: int, width: int) -> NoiseDraws:
    """The random numbers that the kernel uses."""
    count, pixels = len(seeds), height * width
    images = [torch.empty(count, pixels) for _ in range(4)]
    of_image = torch.empty(count, kernels.NUM_SKY + kernels.NUM_BLOCK * cfg.num_blocks)
    sizes = (of_image.shape[1], pixels)
    kernels.draw(0, count, seeds.numpy(), *sizes, *(image.numpy() for image in images), of_image.numpy())
    normal, edge, spark, value = (image.view(count, height, width) for image in images)
    blocks = of_image[:, kernels.NUM_SKY :].view(count, cfg.num_blocks, kernels.NUM_BLOCK)
    return NoiseDraws(normal, of_image[:, : kernels.NUM_SKY], edge, blocks, spark, value)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31), num_blocks=st.integers(0, 4))
def test_noise_is_that_of_tensors_with_the_same_random_numbers(seed: int, num_blocks: int) -> None:
    noise = replace(NOISY, num_blocks=num_blocks)
    cfg = DepthCameraCfg(height=12, width=17, noise=noise)
    made = camera(cfg)
    depth = made.depth(*scene(seed))
    seeds = torch.randint(2**63 - 1, (WORLDS,), generator=torch.Generator().manual_seed(seed))
    expected = with_noise(depth, noise, draws(seeds, noise, 12, 17), near=cfg.near, far=cfg.far)
    kernel = made._compiled
    assert kernel is not None
    kernel.measure(depth, noise, torch.Generator().manual_seed(seed))
    torch.testing.assert_close(depth, expected, atol=1e-5, rtol=0)


def test_random_numbers_are_as_they_should_be() -> None:
    seeds = torch.arange(200)
    made = draws(seeds, DepthNoiseCfg(), 48, 64)
    normal = made.normal.flatten()
    assert abs(float(normal.mean())) < 0.005 and abs(float(normal.std()) - 1.0) < 0.005
    assert abs(float((normal.abs() < 1.0).float().mean()) - 0.6827) < 0.003
    assert 3.0 < float(normal.abs().max()) < 4.5
    uniforms = [made.edge, made.spark, made.spark_value]
    for uniform in uniforms:
        counts = torch.histc(uniform, 10, 0.0, 1.0) / uniform.numel()
        assert float(uniform.min()) >= 0.0 and float(uniform.max()) < 1.0
        assert (counts - 0.1).abs().max() < 0.002
    flat = torch.stack([normal, *(uniform.flatten() for uniform in uniforms)])
    # Neither the numbers of a pixel nor those of neighbors, nor those of images with neighboring seeds, go together.
    assert (torch.corrcoef(flat) - torch.eye(4)).abs().max() < 0.01
    assert abs(float(torch.corrcoef(torch.stack((normal[1:], normal[:-1])))[0, 1])) < 0.01
    images = made.normal.flatten(1)
    assert abs(float((images[1:] * images[:-1]).mean())) < 0.01


def test_images_do_not_depend_on_threads() -> None:
    position, quat, boxes = scene(3)
    shown = []
    for threads in (1, 3):
        made = camera(DepthCameraCfg(noise=NOISY), threads)
        for step in range(12):
            made.update(position, quat, boxes, torch.full((WORLDS,), step == 0))
        shown.append((made.delivered(), made.images.clone()))
    assert torch.equal(shown[0][0], shown[1][0]) and torch.equal(shown[0][1], shown[1][1])


def test_delivered_images_are_those_of_tensors() -> None:
    made = camera(DepthCameraCfg(noise=NOISY))
    for step in range(20):
        made.update(*scene(4), torch.full((WORLDS,), step == 0))
    compiled = made.delivered()
    made.skip_empty = False
    assert torch.equal(compiled, made.delivered())
    assert len(np.unique(compiled.numpy())) > 1000
