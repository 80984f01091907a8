"""What is wrong with the images of depth cameras, one pass an image; ``legged_gym_ext.sensors.depth_noise`` of tensors.

n images of H x W pixels. The random numbers of an image come from its seed and the number of the pixel (splitmix64:
Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators"), so that they depend on no order.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from legged_gym_ext.kernels.compiler import Array, array, compiled, inlined, integer, single

_HALF, _ONE = np.float32(0.5), np.float32(1.0)
_STEP, _MIX_1, _MIX_2 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S12, _S32, _S40, _S52 = (np.uint64(shift) for shift in (30, 27, 31, 12, 32, 40, 52))
_BITS_12, _BITS_20 = np.uint64(0xFFF), np.uint64(0xFFFFF)
_PER_12, _PER_20, _PER_24 = np.float32(2.0**-12), np.float32(2.0**-20), np.float32(2.0**-24)


def _normal_table() -> Array:
    """Quantiles of the standard normal distribution at the middles of 4096 equal parts, scaled to variance 1."""
    quantiles = np.array([NormalDist().inv_cdf((i + 0.5) / 4096.0) for i in range(4096)])
    return (quantiles / quantiles.std()).astype(np.float32)


NORMAL = _normal_table()
"""(4096,)"""


@inlined
def _random(seed: int, place: int) -> np.uint64:
    """The 64 random bits at a ``place`` of the sequence that ``seed`` begins."""
    x = np.uint64(seed) + (np.uint64(place) + np.uint64(1)) * _STEP
    x = (x ^ (x >> _S30)) * _MIX_1
    x = (x ^ (x >> _S27)) * _MIX_2
    return x ^ (x >> _S31)


@compiled(
    *(array("long", 1), integer, integer),
    *(array("float", 2), array("float", 2), array("float", 2), array("float", 2), array("float", 2)),
)
def draw(
    first: int,
    last: int,
    seeds: Array,
    num_image: int,
    num_pixels: int,
    normal: Array,
    edge: Array,
    spark: Array,
    spark_value: Array,
    of_image: Array,
) -> None:
    """Write the random numbers that ``measure`` uses of the images of ``seeds (n,)``: for tests, and to look at.

    Args:
        normal: (n, pixels) standard normal; the others are uniform in [0, 1).
        of_image: (n, num_image).
    """
    for n in range(first, last):
        for p in range(num_pixels):
            bits = _random(seeds[n], p)
            normal[n, p] = NORMAL[np.int64(bits & _BITS_12)]
            edge[n, p] = np.float32(np.int64((bits >> _S12) & _BITS_20)) * _PER_20
            spark[n, p] = np.float32(np.int64((bits >> _S32) & _BITS_20)) * _PER_20
            spark_value[n, p] = np.float32(np.int64(bits >> _S52)) * _PER_12
        for i in range(num_image):
            of_image[n, i] = np.float32(np.int64(_random(seeds[n], num_pixels + i) >> _S40)) * _PER_24


NOISE = ("near_std", "near_limit", "far_std", "spark_probability", "sky_probability", "edge_jump", "edge_probability")
"""Fields of ``DepthNoiseCfg`` in the order in which ``measure`` takes them; then come ``block_probability``, the two
sizes of a block and the two depths of the sky."""
NUM_NOISE = len(NOISE) + 5
NUM_SKY, NUM_BLOCK = 4, 5
"""Random numbers of the sky of an image, and of each block of it."""


@inlined
def _with_border(depth: Array, near: float, far: float, height: int, width: int, padded: Array) -> None:
    """Write ``depth`` within [near, far] in the middle of ``padded``, with its border once more around it."""
    stride = width + 2
    for row in range(-1, height + 1):
        source, target = min(max(row, 0), height - 1) * width, (row + 1) * stride
        for column in range(width):
            padded[target + 1 + column] = min(max(depth[source + column], near), far)
        padded[target], padded[target + stride - 1] = padded[target + 1], padded[target + stride - 2]


@inlined
def _between(place: int, count: int, first: float, extent: float) -> bool:
    """Whether the center of a pixel of a row or column is in [first, first + extent], parts of the image."""
    center = (np.float32(place) + _HALF) / np.float32(count)
    return bool((center >= first) & (center <= first + extent))


@inlined
def _measure_pixels(
    seed: int,
    noise: Array,
    near: float,
    far: float,
    sky: float,
    strip: Array,
    missing: Array,
    padded: Array,
    out: Array,
) -> None:
    """Write what a camera delivers for the depths in the middle of ``padded``; see ``measure``.

    Args:
        sky: m, what the sky shows in the columns of ``strip (width,)``.
        missing: (height, width) 1 where nothing is measured, else 0.
    """
    height, width = missing.shape
    stride, span = width + 2, far - near
    near_std, near_limit, far_std, spark_probability = noise[0], noise[1], noise[2], noise[3]
    jump, edge_probability = noise[5], noise[6]
    most = np.float32(1e3)
    for row in range(height):
        base, line = row * width, (row + 1) * stride + 1
        for column in range(width):
            at = line + column
            d = padded[at]
            bits = _random(seed, base + column)
            normal = NORMAL[np.int64(bits & _BITS_12)]
            edge = np.float32(np.int64((bits >> _S12) & _BITS_20)) * _PER_20
            spark = np.float32(np.int64((bits >> _S32) & _BITS_20)) * _PER_20
            value = np.float32(np.int64(bits >> _S52)) * _PER_12
            deviation = near_std if d < near_limit else far_std * min(d * d, most)
            seen = d + normal * deviation if d < far else d
            seen = sky if (seen >= far) & (strip[column] > 0) else seen
            beside = (abs(d - padded[at - 1]) > jump) | (abs(padded[at + 1] - d) > jump)
            beside |= (abs(d - padded[at - stride]) > jump) | (abs(padded[at + stride] - d) > jump)
            seen = far if beside & (edge < edge_probability) else seen
            seen = far if missing[row, column] > 0 else seen
            seen = near + span * value if spark < spark_probability else seen
            out[base + column] = min(max(seen, near), far)


@inlined
def _measure(
    seed: int,
    noise: Array,
    num_blocks: int,
    near: float,
    far: float,
    strip: Array,
    missing: Array,
    padded: Array,
    depth: Array,
) -> None:
    """Replace ``depth (pixels,)`` by what a camera delivers of it; see ``legged_gym_ext.sensors.depth_noise.noisy``.

    Args:
        noise: (NUM_NOISE,) as ``NOISE`` says.
        strip: (width,), ``missing (height, width)`` and ``padded`` are overwritten.
    """
    height, width = missing.shape
    pixels = height * width
    strip[:] = 0
    missing[:] = 0
    there = np.float32(np.int64(_random(seed, pixels) >> _S40)) * _PER_24
    first = np.float32(np.int64(_random(seed, pixels + 1) >> _S40)) * _PER_24
    wide = np.float32(np.int64(_random(seed, pixels + 2) >> _S40)) * _PER_24
    value = np.float32(np.int64(_random(seed, pixels + 3) >> _S40)) * _PER_24
    if there < noise[4]:
        extent = np.float32(0.02) + np.float32(0.1) * wide
        for column in range(width):
            strip[column] = 1 if _between(column, width, first, extent) else 0
    low, high = noise[8], noise[9]
    uniform = np.empty(NUM_BLOCK, np.float32)
    for block in range(num_blocks):
        for i in range(NUM_BLOCK):
            place = pixels + NUM_SKY + NUM_BLOCK * block + i
            uniform[i] = np.float32(np.int64(_random(seed, place) >> _S40)) * _PER_24
        if uniform[0] < noise[7]:
            tall, broad = low + (high - low) * uniform[3], low + (high - low) * uniform[4]
            top, side = uniform[1] * (_ONE - tall), uniform[2] * (_ONE - broad)
            for row in range(height):
                if _between(row, height, top, tall):
                    for column in range(width):
                        missing[row, column] |= 1 if _between(column, width, side, broad) else 0
    sky = noise[10] + (noise[11] - noise[10]) * value
    _with_border(depth, near, far, height, width, padded)
    _measure_pixels(seed, noise, near, far, sky, strip, missing, padded, depth)


@compiled(
    *(array("long", 1), array("float", 1), integer, single, single, array("float", 2)),
    *(integer, integer),
    fast=True,
)
def measure(
    first: int,
    last: int,
    seeds: Array,
    noise: Array,
    num_blocks: int,
    near: float,
    far: float,
    depth: Array,
    height: int,
    width: int,
) -> None:
    """Replace depths ``(n, pixels)`` by what cameras deliver of them, within [near, far] m.

    Args:
        seeds: (n,) of the images' random numbers, which ``draw`` shows.
        noise: (NUM_NOISE,) as ``NOISE`` says.
        num_blocks: rectangles that may be missing; -1 leaves all the noise out.
    """
    strip, missing = np.empty(width, np.uint8), np.empty((height, width), np.uint8)
    padded = np.empty((height + 2) * (width + 2), np.float32)
    for i in range(first, last):
        if num_blocks < 0:
            for p in range(depth.shape[1]):
                depth[i, p] = min(max(depth[i, p], near), far)
        else:
            _measure(seeds[i], noise, num_blocks, near, far, strip, missing, padded, depth[i])
