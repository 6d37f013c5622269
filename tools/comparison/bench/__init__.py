"""Bench: what tools/bench is made of. targets.py has the table of what the models are to reach, scenes.py measures,
judge.py compares, cli.py shows."""
