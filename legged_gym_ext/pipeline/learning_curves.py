"""Learning curves of a run: how every metric went from iteration to iteration."""

from __future__ import annotations

from pathlib import Path

from st_rl.runners.metrics_file import Points, read_metrics


def learning_curves(run: Path) -> dict[str, Points] | None:
    """Return every metric of a run by its name, from ``metrics.jsonl``, or from TensorBoard's files of an older run.

    Returns:
        The curves; ``None`` where they cannot be known: the run has neither file, or only TensorBoard's, and the
        package tensorboard, which reads them, is not installed.
    """
    metrics = read_metrics(run)
    return _from_events(run) if metrics is None else metrics


def _from_events(run: Path) -> dict[str, Points] | None:
    if not list(run.glob("events.out.tfevents.*")):
        return None
    try:
        # Imported here: only runs older than metrics.jsonl need it, and nothing else does.
        from tensorboard.backend.event_processing.event_accumulator import SCALARS, EventAccumulator
    except ImportError:
        return None
    events = EventAccumulator(str(run), size_guidance={SCALARS: 0}).Reload()
    curves: dict[str, Points] = {}
    for tag in events.Tags()[SCALARS]:
        # A resumed run writes some iterations again; what it wrote last counts.
        points = {event.step: event.value for event in events.Scalars(tag)}
        curves[tag] = [(float(step), value) for step, value in sorted(points.items())]
    return curves
