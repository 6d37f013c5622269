"""The configurations of deploy/, tried with the real programs."""
