"""What every control of the viewer does to the environments, without a browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from legged_gym_ext.runs import folders as runs
from legged_gym_ext.sim.where import Where
from legged_gym_ext.tasks.registry import get_task
from legged_gym_ext.viewing.video import TrackVideoCfg
from legged_gym_ext.viewing.web.session import PlaySession, SessionCfg
from st_rl.utils.errors import UnknownNameError, UserError

POLICIES = {name: runs.SHIPPED / name for name in ("go1_walk", "go1_jump", "go1_mutex", "a1_walk")}


def field_session(*names: str, **changes: object) -> PlaySession:
    course = TrackVideoCfg(0.3, ("jump", "leap"))
    cfg = {"task": get_task("go1_field"), "policies": POLICIES, "side_by_side": names, "course": course}
    return PlaySession(SessionCfg(**(cfg | {"where": Where(num_threads=1)} | changes)))  # pyright: ignore[reportArgumentType]


@pytest.fixture
def session() -> Iterator[PlaySession]:
    session = field_session("go1_jump", "go1_mutex")
    yield session
    session.close()


def test_lanes_have_the_same_course_and_another_seed_another_one(session: PlaySession) -> None:
    first = session.boxes(0)
    assert torch.equal(first, session.boxes(1))
    session.restart(seed=2)
    assert torch.equal(session.boxes(0), session.boxes(1)) and not torch.equal(first, session.boxes(0))
    session.restart(seed=1)
    assert torch.equal(first, session.boxes(0))


def test_a_session_is_reproducible_from_its_seed(session: PlaySession) -> None:
    poses = []
    for _ in range(2):
        session.restart(seed=3)
        for _ in range(5):
            session.step()
        poses.append(session.body_poses(0))
    assert torch.equal(*poses)


def test_another_course_is_built(session: PlaySession) -> None:
    session.set_course(0.8, ["crawl"])
    track = session.lanes[0].env.state.track
    assert track is not None and track.cfg.blocks == ("crawl",) and float(track.tracks.difficulty) == pytest.approx(0.8)
    assert [lane.name for lane in session.lanes] == ["go1_jump", "go1_mutex"]
    with pytest.raises(UserError, match="from 0 to 1"):
        session.set_course(1.5, ["crawl"])
    with pytest.raises(UnknownNameError, match="crawl"):
        session.set_course(0.5, ["moat"])
    session.step()
    assert session.course == TrackVideoCfg(0.8, ("crawl",))


def test_the_policy_of_a_lane_changes_while_the_robot_goes_on(session: PlaySession) -> None:
    session.step()
    before = session.body_poses(0)
    session.choose_policy(0, "go1_mutex")
    assert torch.equal(session.body_poses(0), before) and session.skill(0) == ""
    session.step()
    assert session.skill(0) in ("walk", "jump", "leap")
    with pytest.raises(UnknownNameError, match="go1_walk"):
        session.choose_policy(0, "go1_fly")


def test_a_push_changes_the_velocity_of_the_trunk(session: PlaySession) -> None:
    before = [lane.env.sim.root_states[0, 7:9].clone() for lane in session.lanes]
    session.push(0.5, -0.25)
    for lane, velocity in zip(session.lanes, before, strict=True):
        torch.testing.assert_close(lane.env.sim.root_states[0, 7:9] - velocity, torch.tensor([0.5, -0.25]))


def test_commands_stay_within_what_the_task_trains(session: PlaySession) -> None:
    session.set_command((9.0, 1.0, 1.0))
    assert session.command == (session.cfg.task.env.commands.lin_vel_x[1], 0.0, 0.0)
    session.set_command((-1.0, 0.0, 0.0))
    assert session.command == (0.0, 0.0, 0.0)


def test_an_episode_that_ends_is_followed_by_another_course_or_waited_at(session: PlaySession) -> None:
    def end_now() -> None:
        for lane in session.lanes:
            root = lane.env.sim.root_states.clone()
            root[:, 1] += 50.0  # beside the track
            pose = lane.env.sim.dof_pos.clone()
            lane.env.sim.reset(torch.ones(1, dtype=torch.bool), root, pose, torch.zeros_like(pose))

    first = session.boxes(0)
    end_now()
    session.step()
    assert [lane.episodes for lane in session.lanes] == [1, 1] and not torch.equal(session.boxes(0), first)
    assert torch.equal(session.boxes(0), session.boxes(1))
    session.restart_at_end = False
    end_now()
    session.step()
    assert session.waiting == [True, True]
    session.restart()
    assert session.waiting == [False, False] and torch.equal(session.boxes(0), first)


def test_what_is_measured_has_its_range(session: PlaySession) -> None:
    for _ in range(3):
        session.step()
    time, asked, found = session.tracking(0)
    assert len(time) == 3 and time[-1] == pytest.approx(3 * session.control_dt)
    assert asked[-1, 0] == pytest.approx(session.command[0]) and found.shape == (3, 3)
    assert set(session.rewards(0)) == set(session.lanes[0].env.rewards.names)
    assert len(session.torque_shares(0)) == 12 and all(abs(share) <= 1.3 for share in session.torque_shares(0).values())
    assert session.contact_forces(0).shape == (17, 3) and session.depth_image(0) is None
    assert session.obstacle(0).startswith("1/2 jump")


def test_another_world_is_shown_and_a_camera_sees() -> None:
    session = field_session("go1_jump", worlds=2, depth=True)
    try:
        first = session.boxes(0)
        session.choose_world(1)
        assert not torch.equal(first, session.boxes(0))
        with pytest.raises(UserError, match="there are 2"):
            session.choose_world(2)
        for _ in range(30):
            session.step()
        image = session.depth_image(0)
        assert image is not None and image.shape == (48, 64) and 0.0 <= float(image.min()) < float(image.max()) <= 1.0
    finally:
        session.close()


def test_requests_from_other_threads_wait_for_the_next_step(session: PlaySession) -> None:
    session.request(lambda: session.set_command((1.0, 0.0, 0.0)))
    session.request(lambda: session.set_command((1.1, 0.0, 0.0)))
    before = session.command
    assert before != (1.1, 0.0, 0.0)
    session.do_requests()
    assert session.command == (1.1, 0.0, 0.0)


def test_impossible_sessions_are_refused() -> None:
    with pytest.raises(UserError, match="at least one policy"):
        field_session()
    with pytest.raises(UserError, match="worlds must be at least 1"):
        field_session("go1_jump", worlds=0)
    with pytest.raises(UnknownNameError, match="go1_jump"):
        field_session("nobody")
