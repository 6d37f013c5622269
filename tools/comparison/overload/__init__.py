"""tools/compare overload: what a model does when more arrives than it can serve, under each rule of --overload. cli.py has the command
line, measure.py measures, judge.py says which rule is right, text.py shows it."""
