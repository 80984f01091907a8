"""The example in docs/add_a_robot.md does what the page says."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_the_example_runs_and_prints_what_the_page_shows():
    page = (ROOT / "docs" / "add_a_robot.md").read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"```python\n(.*?)```", page, re.DOTALL))
    shown = re.findall(r"```text\n(.*?)```", page, re.DOTALL)
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.stderr == ""
    assert [run.stdout] == shown
