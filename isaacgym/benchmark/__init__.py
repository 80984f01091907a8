"""Speed of an environment that is written against this interface, beside the bare engine's."""
