"""Configurations that older runs stored are read with the names of today."""

from legged_gym_ext.runs.config_io import to_dict, with_stored
from legged_gym_ext.runs.older_names import with_current_names
from legged_gym_ext.tasks.registry import get_task


def test_a_term_is_found_where_it_lies_now() -> None:
    stored = {"env": {"metrics": {"hardness": {"func": "legged_gym_ext.mdp.tracks:hardness", "params": {}}}}}
    moved = "legged_gym_ext.mdp.track_terms:solid_probability"
    assert with_current_names(stored) == {"env": {"metrics": {"solid_probability": {"func": moved, "params": {}}}}}


def test_what_is_stored_today_stays_as_it_is() -> None:
    env = get_task("go1_jump").env
    assert with_current_names(to_dict(env), "env") == to_dict(env)


def test_an_older_skill_is_rebuilt_whole() -> None:
    env = get_task("go1_crawl").env
    old = to_dict(env)
    for terms in (old["metrics"], old["curriculum"], old["events"]["levels"]["params"]):
        terms["hardness"] = terms.pop("solid_probability")
    old["metrics"]["hardness"]["func"] = "legged_gym_ext.mdp.tracks:hardness"
    assert to_dict(with_stored(env, with_current_names(old, "env"))) == to_dict(env)


def test_names_of_motion_fields_are_terms_now() -> None:
    older = {"env": {"robot": "go1", "motion_fields": ["dof_pos", "base_height"]}}
    term = {"func": "legged_gym_ext.mdp.motion:dof_pos", "params": {}}
    ref_obs = {"dof_pos": term, "base_height": term | {"func": "legged_gym_ext.mdp.motion:base_height"}}
    assert with_current_names(older) == {"env": {"robot": "go1", "ref_obs": ref_obs}}
    assert with_current_names({"env": {"robot": "go1", "motion_fields": []}}) == {"env": {"robot": "go1"}}
