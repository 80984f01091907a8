"""Export a trained policy as TorchScript and ONNX, checked against the policy's own output, with all that running it
on a robot needs to be known."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from legged_gym_ext.runs import folders as runs
from legged_gym_ext.runs.command_line import parse_options, run_script
from legged_gym_ext.runs.deployment import deployment, onnx_properties
from legged_gym_ext.runs.outputs import DEPLOYMENT, require_folder_for_export
from st_rl.runners.checkpoint import write_json
from st_rl.utils.export import export_onnx, export_torchscript, require_onnx
from st_rl.utils.run_folder import load_newest_whole

_TORCHSCRIPT, _ONNX = "policy.pt", "policy.onnx"


@dataclass
class ExportOptions:
    """Export a trained policy as TorchScript and ONNX, checked against the policy's own output.

    policy.json beside them, which both files also hold, says what their numbers mean: joints, gains, scales, rates,
    segments.
    """

    policy: str = "latest"
    """Policy to export: a run folder, a run's or shipped policy's name, or 'latest'; RUN/model_30.pt and RUN/best name
    one of its checkpoints."""
    checkpoint: str | None = None
    """Checkpoint of the run: the number of its iteration, or 'best'; by default the newest that is whole."""
    out: Path | None = None
    """Folder to write to; by default 'exported' in the run folder, or logs/exported/NAME for a shipped policy."""
    onnx: bool = True
    """Write an ONNX file as well, which needs the extra 'export'."""
    log_root: Path = runs.LOG_ROOT
    """Folder in which runs are looked for."""


def main(argv: list[str] | None = None) -> int:
    """Return the exit code."""
    options = parse_options(ExportOptions, argv)
    folder = runs.resolve_run(options.policy, root=options.log_root, checkpoint=options.checkpoint)
    folder = load_newest_whole(folder)[1]
    out = options.out
    if out is None:
        home = runs.output_folder(folder, "exported")
        out = home if runs.is_shipped(folder) else home / "exported"
    if options.onnx:
        require_onnx()
    require_folder_for_export(out, (_TORCHSCRIPT, _ONNX))
    loaded = runs.load_policy(folder)
    description = deployment(folder, loaded)
    error = export_torchscript(loaded.policy, out / _TORCHSCRIPT, loaded.normalizer, description)
    print(f"{out / _TORCHSCRIPT}: largest error {error:.1e}")
    if options.onnx:
        properties = onnx_properties(description)
        error = export_onnx(loaded.policy, out / _ONNX, loaded.normalizer, properties)
        print(f"{out / _ONNX}: largest error {error:.1e}")
    write_json(out / DEPLOYMENT, description)
    print(f"{out / DEPLOYMENT}: how to run them")
    return 0


def command() -> int:
    """Run the command as a program and return its exit code."""
    return run_script(main)


if __name__ == "__main__":
    sys.exit(command())
