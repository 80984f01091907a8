"""From nothing to a combined policy: the plan of trainings and evaluations, its stages, the report page."""
