"""Statements on trial: an experiment for each, on top of the comparison.

    table       all statements                      lab        servers, loads, comparisons
    clients, process_control, loops, accepting,     rounds     questions about ratios, and how many rounds they need
    computing, tuning, others: the experiments      sliced     A against B by slices
    herd, queues, talk: workers and clients of      verdict    confirmed, refuted, holds only if, undecided
    their own                                       document   docs/claims.md
"""
