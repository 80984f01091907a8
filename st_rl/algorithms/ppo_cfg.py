"""The numbers of proximal policy optimization."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from st_rl.utils.ranges import Bounds, Checked, Count, NonNegative, Positive, RangeError, Rate, Share, Whole


@dataclass(frozen=True)
class PPOCfg(Checked):
    """Numbers of PPO. A term of the loss named ``x`` is weighted by ``x_coef``."""

    num_learning_epochs: Count = 5
    num_mini_batches: Count = 4
    clip_param: Positive = 0.2
    gamma: Share = 0.99
    """Discount per step."""
    lam: Share = 0.95
    """Weight of longer returns in the advantage estimate."""
    surrogate_loss_coef: NonNegative = 1.0
    value_loss_coef: NonNegative = 1.0
    entropy_coef: float = 0.01
    learning_rate: Rate = 1e-3
    min_learning_rate: Rate = 1e-5
    max_learning_rate: Rate = 1e-2
    max_grad_norm: Positive = 1.0
    use_clipped_value_loss: bool = True
    schedule: str = "adaptive"
    """``adaptive``: the learning rate follows ``desired_kl``; ``fixed``: it stays."""
    desired_kl: Positive = 0.01
    """Nats, from the policy that acted to the present one."""
    adapting_epochs: Count | None = None
    """The learning rate is adapted in that many last epochs of an update, when the policy has moved; ``None``: in
    all, so that it rises in the first and falls in the last ones."""
    adapting_factor: Annotated[float, Bounds(ge=1.0, le=100.0)] = 1.5
    """What the learning rate is multiplied or divided by at a time."""
    cool_down_updates: tuple[Whole, Whole] | None = None
    """First and last update of a cool-down, in which the steps fall linearly to ``cool_down_to`` of their size
    (``desired_kl``, or a fixed learning rate) and ``entropy_coef`` to zero, where they stay."""
    cool_down_to: Share = 0.1
    cool_down_std: Positive | None = None
    """Upper bound of the policy's standard deviation: 1.0 before the cool-down, then falling geometrically to this.
    What is used of a policy are its mean actions, and they may do less well alone than with the noise of training."""
    clip_min_std: Positive | None = None
    """Lower bound of the policy's standard deviation, held after every step."""
    normalize_obs: bool = False
    """Normalize observations (and the critic's) by their running mean and deviation."""
    normalize_until: Annotated[int, Bounds(ge=1)] | None = None
    """Freeze the normalization after this many samples."""

    @property
    def min_transitions(self) -> int:
        """How many transitions an update needs: one in each mini-batch, and two for a deviation of the advantages."""
        return max(2, self.num_mini_batches)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.schedule not in ("adaptive", "fixed"):
            raise RangeError("schedule", f"'{self.schedule}' is unknown; choose 'adaptive' or 'fixed'")
        if self.min_learning_rate > self.max_learning_rate:
            raise RangeError(
                "min_learning_rate",
                f"must be at most max_learning_rate, {self.max_learning_rate:g}, not {self.min_learning_rate:g}",
            )
        if self.cool_down_updates is not None and not self.cool_down_updates[0] < self.cool_down_updates[1]:
            raise RangeError("cool_down_updates", "must be two numbers of updates, the smaller first")
        if self.cool_down_std is not None and self.cool_down_updates is None:
            raise RangeError("cool_down_std", "bounds the noise of a cool-down; say when that is by cool_down_updates")
        if self.adapting_epochs is not None and self.adapting_epochs > self.num_learning_epochs:
            raise RangeError(
                "adapting_epochs",
                f"must be at most num_learning_epochs, {self.num_learning_epochs}, not {self.adapting_epochs}",
            )
