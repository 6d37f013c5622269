"""Statements on trial: an experiment for each, on top of the comparison.

    table       all statements                      lab        servers, loads, comparisons
    clients, process_control, loops, accepting,     verdict    confirmed, refuted, undecided
    computing, others: the experiments              document   docs/claims.md
"""
