"""The comparison of concurrency models: what tools/compare, tools/doctor and tools/claims are made of.

    subjects, peers     what is compared          workloads    what is asked of it
    programs            the builds, checked       processes    a server from its start to its end
    procfs, cgroup      what it costs             load         the load generator, one run
    plan, order         what is measured when     runner       does it
    stopping            what need not be measured
    extras              what is beside rounds     store        raw data, JSON lines
    inference           verdicts on tables        simulation   how often those are right
    statistics          intervals, lines          summary      figures out of raw data
    fairness            the same for everybody    table        what a person reads
    doctor              what would spoil it

Only Debian's packages: python3, python3-numpy and python3-scipy.
"""
