"""The command line sets any field of a task, and says what is wrong with the others."""

import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from legged_gym_ext.cli.evaluate import EvaluateOptions
from legged_gym_ext.cli.train import TrainOptions, what_next
from legged_gym_ext.runs.command_line import parse_options, parse_task, run_script
from legged_gym_ext.runs.config_io import leaves
from legged_gym_ext.tasks.registry import get_task
from st_rl.utils.errors import UserError
from st_rl.utils.ranges import check_value


@dataclass
class Options:
    """Options of a script."""

    task: str = ""
    evaluate: bool = True
    resume: str | None = None


@dataclass
class Goal:
    """Options of an option."""

    episodes: int = 2


@dataclass
class Report:
    """Options of another script."""

    goal: Goal = field(default_factory=Goal)


def test_options_and_fields_are_set_together() -> None:
    arguments = ["go1_walk", "--no-evaluate", "--env.num-envs", "5", "--env.rewards.torque.weight=-2"]
    options, task = parse_task(Options, [*arguments, "--env.commands.lin_vel_x", "-0.5", ".5"])
    assert (options.task, options.evaluate) == ("go1_walk", False)
    assert (task.env.num_envs, task.env.rewards["torque"].weight) == (5, -2.0)
    assert task.env.commands.lin_vel_x == (-0.5, 0.5)


def test_without_changes_the_task_is_the_registered_one() -> None:
    assert parse_task(Options, ["--task", "a1_walk"])[1] == get_task("a1_walk")


def test_an_option_may_stand_without_its_value() -> None:
    bare = {"--resume": "latest"}
    assert parse_task(Options, ["go1_walk", "--resume"], bare=bare)[0].resume == "latest"
    assert parse_task(Options, ["go1_walk", "--resume", "--no-evaluate"], bare=bare)[0].resume == "latest"
    assert parse_task(Options, ["go1_walk", "--resume", "mine"], bare=bare)[0].resume == "mine"


def other(value: Any, hint: Any) -> tuple[list[str], Any]:
    """Arguments for another value that ``hint`` allows, and that value."""
    if isinstance(value, bool):
        return [], not value
    for change in (lambda number: number + 1, lambda number: 0.5 * number + 0.001):
        changed = tuple(map(change, value)) if isinstance(value, tuple) else change(value)
        try:
            check_value(changed, hint, "value")
        except UserError:
            continue
        return [str(item) for item in (changed if isinstance(changed, tuple) else (changed,))], changed
    raise AssertionError(f"no other value than {value} for {hint}")


def test_every_field_can_be_set() -> None:
    task = get_task("go1_walk")
    arguments, expected = ["go1_walk"], {}
    for section in ("env", "train"):
        for leaf in leaves(vars(task)[section], f"{section}."):
            if leaf.name.endswith(".parts"):
                texts, expected[leaf.name] = ["commands", "dof_pos"], ("commands", "dof_pos")
                arguments += [f"--{leaf.name.replace('_', '-')}", *texts]
                continue
            if isinstance(leaf.value, str) or leaf.value is None:
                continue
            texts, expected[leaf.name] = other(leaf.value, leaf.hint)
            name = leaf.name.replace("_", "-")
            if isinstance(leaf.value, bool) and leaf.value:
                head, _, last = name.rpartition(".")
                name = f"{head}.no-{last}"
            arguments += [f"--{name}", *texts]
    changed = parse_task(Options, arguments)[1]
    found = {
        leaf.name: leaf.value
        for section in ("env", "train")
        for leaf in leaves(vars(changed)[section], f"{section}.")
        if leaf.name in expected
    }
    assert len(expected) > 80
    assert found == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["go1_swim"], "unknown task 'go1_swim'; choose one of: a1_adapted, a1_climb, "),
        ([], "name a task with --task; there are: a1_adapted, a1_climb, "),
        (["go1_walk", "--env.num-env", "3"], "did you mean env.num-envs"),
        (["go1_walk", "--env.rewards.zzz", "3"], "env.rewards.torque.weight"),
        (["go1_walk", "--fast"], "choose one of: evaluate, resume, task"),
        (["go1_walk", "--env.num-envs", "many"], "invalid literal"),
        (["go1_walk", "--env.commands.lin-vel-x", "1"], "env.commands.lin-vel-x"),
        (["go1_walk", "--train.algorithm.schedule", "linear"], "choose 'adaptive' or 'fixed'"),
        (
            ["go1_walk", "--train.algorithm.adapting-epochs", "9"],
            "train.algorithm.adapting_epochs must be at most num_learning_epochs, 4, not 9",
        ),
    ],
)
def test_mistakes_are_explained(arguments: list[str], message: str) -> None:
    with pytest.raises(UserError) as caught:
        parse_task(Options, arguments)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def help_text(arguments: list[str], capsys: pytest.CaptureFixture[str], options: type = Options) -> str:
    with pytest.raises(SystemExit) as leaving:
        parse_task(options, arguments)
    assert leaving.value.code == 0
    return capsys.readouterr().out


def test_help_is_short_and_says_how_to_see_the_fields(capsys: pytest.CaptureFixture[str]) -> None:
    text = help_text(["go1_walk", "--help"], capsys, TrainOptions)
    assert "--resume" in text and "--env.scene" not in text
    assert "legged-list --fields" in text and "--help-all" in text
    assert len(text.splitlines()) <= 55


def test_help_all_lists_options_and_fields(capsys: pytest.CaptureFixture[str]) -> None:
    text = help_text(["--help-all"], capsys)
    assert "--resume" in text and "--env.num-envs" in text


def test_user_errors_become_exit_code_two(capsys: pytest.CaptureFixture[str]) -> None:
    def main() -> int:
        parse_options(Options, ["--nonsense"])
        return 0

    assert run_script(main) == 2
    assert capsys.readouterr().err == "unknown field 'nonsense'; choose one of: evaluate, resume, task\n"


def test_options_within_options_are_set_by_their_path() -> None:
    assert parse_options(Report, ["--goal.episodes", "5"]).goal.episodes == 5
    with pytest.raises(UserError, match=r"goal\.episode'.*goal\.episodes"):
        parse_options(Report, ["--goal.episode", "5"])


def test_a_reader_that_leaves_early_is_no_error() -> None:
    """As in ``script | head -1``: no traceback, and the exit code of a shell for SIGPIPE."""
    program = (
        "import sys\n"
        "from legged_gym_ext.runs.command_line import run_script\n"
        "def main():\n"
        "    for _ in range(100_000): print('a line of a table')\n"
        "sys.exit(run_script(main))\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 141


@pytest.mark.parametrize("task", ["go1_walk", "go1_field"])
def test_help_offers_no_subcommands_but_switches(task: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = help_text([task, "--help-all"], capsys, TrainOptions)
    assert "subcommand" not in text and "--env.camera {on,off}" in text and "--env.latency {on,off}" in text
    with pytest.raises(UserError, match=r"env\.camera:depth-camera-cfg"):
        parse_task(TrainOptions, [task, "env.camera:depth-camera-cfg"])


def test_ranges_are_part_of_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    text = help_text(["go1_walk", "--help"], capsys, TrainOptions)
    assert "--episodes INT>=1" in text and "--num-threads INT 0..1024" in text
    assert "From 1 to 10000." in help_text(["go1_walk", "--help-all"], capsys, TrainOptions)


def test_what_everyone_types_is_understood() -> None:
    _, task = parse_task(Options, ["go1_walk", "--num-envs", "5", "--max_iterations=7", "--seed", "9"])
    assert (task.env.num_envs, task.train.max_iterations, task.train.seed) == (5, 7, 9)
    # An option of the command itself keeps its meaning.
    options, task = parse_task(EvaluateOptions, ["go1_walk", "--seed", "9"], base=lambda name, _: get_task(str(name)))
    assert (options.seed, task.train.seed) == (9, 1)


def test_a_name_is_found_by_its_last_part() -> None:
    with pytest.raises(UserError, match=r"'--learning-rate'; did you mean --train\.algorithm\.learning-rate\?$"):
        parse_task(Options, ["go1_walk", "--learning-rate", "1e-4"])


def test_a_training_ends_with_what_to_type_next() -> None:
    assert what_next(Path("logs/my runs/x")).splitlines()[1:] == [
        "  tensorboard --logdir 'logs/my runs/x'",
        "  legged-play --policy 'logs/my runs/x'",
        "  legged-evaluate --policy 'logs/my runs/x'",
    ]
