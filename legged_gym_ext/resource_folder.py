"""Where the files lie that come with the suite: robots and trained policies."""

from pathlib import Path


def resource_folder() -> Path:
    """Return the folder of the suite's own files: inside the package where it was installed, else in the checkout."""
    package = Path(__file__).resolve().parent
    installed = package / "resources"
    return installed if installed.is_dir() else package.parent / "resources"
