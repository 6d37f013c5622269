"""Merging: what tools/compare merge is made of. results.py reads the folders and says which are of one machine, facts.py what a
run records of its machine and what tells two groups of machines apart, pooling.py counts, ratios.py says how far apart servers are,
text.py shows it, cli.py is the command. The page is made by reporting/merged_page.py."""
