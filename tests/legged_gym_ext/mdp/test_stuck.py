"""Episodes that end because a robot no longer gets on along its track."""

from __future__ import annotations

from hand_placed import make, place, track_cfg

from legged_gym_ext.evaluation.tracks import track_evaluation_cfg
from legged_gym_ext.mdp import track_terms as tracks
from legged_gym_ext.tasks.registry import get_task


def test_a_robot_that_stands_or_creeps_is_stuck_and_one_that_gets_on_is_not() -> None:
    env = make(track_cfg("jump", "leap"), 3)
    for step in range(31):
        # The first stands, the second gains 2 mm a step, the third 1 cm.
        place(env, [0.0, 0.002 * step, 0.01 * step]).advance()
    # Counted from the first step, in which all are ahead of the start: 30 steps of 0.02 s.
    assert tracks.stuck(env, seconds=0.59).tolist() == [True, True, False]
    assert tracks.stuck(env, seconds=0.61).tolist() == [False, False, False]
    # After 51 steps the second has gone 0.102 m and counts anew, while the first stands on.
    for step in range(31, 52):
        place(env, [0.0, 0.002 * step, 0.01 * step]).advance()
    assert tracks.stuck(env, seconds=0.5).tolist() == [True, False, False]


def test_a_new_track_forgets_it_and_what_is_saved_does_not() -> None:
    env = make(track_cfg("jump", "leap"), 2)
    for _ in range(11):
        track = place(env, [0.3, 0.3])
        track.advance()
    saved = track.state_dict()
    other = make(track_cfg("jump", "leap"), 2)
    tracks.track_of(other).load_state_dict(saved)
    assert tracks.stuck(other, seconds=0.19).tolist() == [True, True]
    tracks.new_track(env, tracks.track_of(env).idle_steps.new_tensor([1.0, 0.0]).bool())
    assert tracks.stuck(env, seconds=0.19).tolist() == [False, True]
    # What was saved before robots could be stuck counts from its start.
    older = {name: value for name, value in saved.items() if name not in ("mark", "idle_steps")}
    tracks.track_of(other).load_state_dict(older)
    assert tracks.stuck(other, seconds=0.01).tolist() == [False, False]


def test_no_evaluation_ends_an_episode_by_it() -> None:
    cfg = get_task("go1_vision").env
    assert any(term.func is tracks.stuck for term in cfg.terminations.values())
    for protocol in ("rpl", "levels", "course"):
        evaluated = track_evaluation_cfg(cfg, protocol)
        assert all(term.func is not tracks.stuck for term in evaluated.terminations.values())
