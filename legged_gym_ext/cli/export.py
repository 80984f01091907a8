"""Export a trained policy as TorchScript and ONNX, checked against the policy's own output."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from legged_gym_ext.runs import folders as runs
from legged_gym_ext.runs.command_line import parse_options, run_script
from st_rl.utils.export import export_onnx, export_torchscript


@dataclass
class ExportOptions:
    """Export a trained policy as TorchScript and ONNX, checked against the policy's own output."""

    policy: str = "latest"
    """Policy to export: a run folder, a run's or shipped policy's name, or 'latest'."""
    out: Path | None = None
    """Folder to write the files to; by default 'exported' in the run folder."""
    onnx: bool = True
    """Write an ONNX file as well, which needs the extra 'export'."""
    log_root: Path = runs.LOG_ROOT
    """Folder in which runs are looked for."""


def main(argv: list[str] | None = None) -> int:
    """Return the exit code."""
    options = parse_options(ExportOptions, argv)
    folder = runs.resolve_run(options.policy, root=options.log_root)
    loaded = runs.load_policy(folder)
    out = options.out or folder / "exported"
    error = export_torchscript(loaded.policy, out / "policy.pt", loaded.normalizer)
    print(f"{out / 'policy.pt'}: largest error {error:.1e}")
    if options.onnx:
        error = export_onnx(loaded.policy, out / "policy.onnx", loaded.normalizer)
        print(f"{out / 'policy.onnx'}: largest error {error:.1e}")
    return 0


def command() -> int:
    """Run the command as a program and return its exit code."""
    return run_script(main)


if __name__ == "__main__":
    sys.exit(command())
