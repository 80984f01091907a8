"""Events, levels, metrics and saved state of tasks on tracks, on the robots of ``hand_placed``."""

from __future__ import annotations

import pytest
import torch
from hand_placed import SIX, all_of, close, make, place, track_cfg, went

from legged_gym_ext.mdp import track_terms as tracks
from legged_gym_ext.mdp.env_state import EnvState
from legged_gym_ext.terrain.tracks import TrackCfg


@pytest.fixture(scope="module")
def env() -> EnvState:
    return make(track_cfg(*SIX), 6)


def test_a_new_track_touches_only_its_worlds() -> None:
    field = make(TrackCfg(blocks=("jump", "leap", "crawl"), num_blocks=3), 4)
    track = tracks.track_of(field)
    track.max_x[:], track.worst_penetration[:] = 3.0, 0.1
    before = {name: value.clone() for name, value in vars(track.tracks).items()}
    boxes, origins = field.sim.boxes.clone(), field.env_origins.clone()
    mask = torch.tensor([False, True, False, True])
    tracks.new_track(field, mask)
    for name in ("boxes", "start", "parameter"):
        now = vars(track.tracks)[name]
        assert torch.equal(now[~mask], before[name][~mask])
        assert not torch.equal(now[1], before[name][1]) and not torch.equal(now[3], before[name][3])
    assert torch.equal(field.sim.boxes[~mask], boxes[~mask]) and torch.equal(field.sim.boxes, track.tracks.boxes)
    assert torch.equal(field.env_origins[~mask], origins[~mask])
    close(field.env_origins[:, 2], track.tracks.floor_height[:, 0].tolist())
    assert track.max_x.tolist() == [3.0, 0.0, 3.0, 0.0]
    close(track.worst_penetration, [0.1, 0.0, 0.1, 0.0])


def test_difficulty_is_drawn_within_the_level() -> None:
    field = make(TrackCfg(blocks=("jump", "crawl"), num_blocks=2), 200)
    track = tracks.track_of(field)
    track.levels[:] = torch.tensor([3, 9])
    tracks.new_track(field, all_of(field), num_levels=10)
    low = torch.where(track.tracks.kind == 0, 0.3, 0.9)
    assert (track.tracks.difficulty >= low).all() and (track.tracks.difficulty <= low + 0.1).all()
    tracks.new_track(field, all_of(field), num_levels=10, uniform=True)
    assert track.tracks.difficulty.min() < 0.05 and track.tracks.difficulty.max() > 0.95
    close(track.tracks.difficulty.mean(), 0.5, atol=0.05)  # pyright: ignore[reportArgumentType]


def test_obstacles_are_solid_as_often_as_their_probability_says() -> None:
    field = make(track_cfg("hurdle"), 400)
    tracks.track_of(field).solid_probability[:] = 0.3
    tracks.new_track(field, all_of(field))
    assert 0.2 < field.sim.solid.all(dim=1).float().mean() < 0.4


def test_levels_rise_and_fall() -> None:
    pair = make(track_cfg("jump", "down"), 6)
    # Both passed; failed at the first; not quite behind it; failed at the second; both passed, one touched; masked.
    track = went(pair, [5.1, 2.0, 2.7, 3.5, 5.1, 5.1], [0.02, 0.0, 0.0, 0.0, 0.05, 0.0])
    track.levels[:] = 4
    tracks.track_level(pair, torch.tensor([True] * 5 + [False]))
    assert track.levels.tolist() == [[5, 5], [3, 4], [4, 4], [5, 3], [3, 3], [4, 4]]
    close(tracks.mean_level(pair), [5.0, 3.5, 4.0, 4.0, 3.0, 4.0])


def test_levels_stay_in_their_range() -> None:
    pair = make(track_cfg("jump"), 200)
    track = went(pair, [3.1] * 100 + [1.0] * 100)
    track.levels[:100] = 9
    tracks.track_level(pair, all_of(pair))
    assert set(track.levels[:100, 0].tolist()) == set(range(10))  # past the top: any
    assert (track.levels[100:] == 0).all()


def test_a_failure_after_a_success_of_the_same_type_is_no_failure() -> None:
    twice = make(TrackCfg(blocks=("jump",), num_blocks=2, block_length=(2.0, 2.0), start_length=(0.5, 0.5)), 1)
    track = went(twice, [3.5])
    track.levels[:] = 4
    tracks.track_level(twice, all_of(twice))
    assert track.levels.tolist() == [[4]]


def test_random_levels_touch_only_their_worlds() -> None:
    pair = make(track_cfg("jump", "down"), 400)
    track, mask = tracks.track_of(pair), torch.arange(400) < 300
    tracks.random_track_level(pair, mask, num_levels=4)
    assert (track.levels[300:] == 0).all() and set(track.levels[:300].flatten().tolist()) == {0, 1, 2, 3}


def test_soft_obstacles_turn_solid_with_success() -> None:
    pair = make(track_cfg("crawl", "hurdle"), 6)
    # Half passed; all; none; half but touched; all, already solid; masked.
    track = went(pair, [3.1, 5.1, 2.0, 3.1, 5.1, 5.1], [0.0, 0.02, 0.0, 0.05, 0.0, 0.0])
    track.solid_probability = torch.tensor([0.5, 0.5, 0.5, 0.5, 1.0, 0.5])
    tracks.soft_to_solid(pair, torch.tensor([True] * 5 + [False]), step=0.2)
    close(tracks.solid_probability(pair), [0.7, 0.7, 0.3, 0.5, 1.0, 0.5])
    track.solid_probability[:] = 0.1
    went(pair, [0.0] * 6)
    tracks.soft_to_solid(pair, all_of(pair), step=0.2)
    close(track.solid_probability, [0.0] * 6)


# ------------------------------------------------------------------ metrics and persistence


def test_progress_is_that_of_the_farthest_place(env: EnvState) -> None:
    tracks.new_track(env, all_of(env))
    track = place(env, [3.1, 2.9, -0.5, 13.1, 5.1, 0.0])
    track.advance()
    place(env, [0.0] * 6)
    track.advance()
    close(tracks.passed_fraction(env), [1 / 6, 0.0, 0.0, 1.0, 1 / 3, 0.0])
    close(tracks.distance_covered(env), [3.1, 2.9, 0.0, 13.1, 5.1, 0.0])


def test_state_is_restored() -> None:
    cfg = TrackCfg(blocks=("jump", "crawl"), num_blocks=2)
    one, other = make(cfg, 3, seed=0), make(cfg, 3, seed=1)
    tracks.track_of(one).levels[:] = 3
    went(one, [1.0, 2.0, 3.0], [0.1, 0.2, 0.3])
    other.sim.load_state_dict(one.sim.state_dict())
    other.load_state_dict(one.state_dict())
    assert torch.equal(tracks.engaging_block(one), tracks.engaging_block(other))
    for name, value in tracks.track_of(one).state_dict().items():
        assert torch.equal(value, tracks.track_of(other).state_dict()[name]), name
