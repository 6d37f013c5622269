"""Statements on trial: an experiment for each, on top of the comparison.

    table       all statements                      lab        servers, loads, comparisons
    clients, process_control, loops, accepting,     rounds     questions about ratios, and how many rounds they need
    computing, tuning, waiting, others: the         sliced     A against B by slices
    experiments                                     verdict    confirmed, refuted, holds only if, undecided
    herd, queues, talk, waiting_loop: workers,      document   docs/claims.md
    clients and a loop of their own
"""
