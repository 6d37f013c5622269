"""faulting: what tools/faults is made of: a library that has a server's calls fail, scenes that meet it, and a judge."""
