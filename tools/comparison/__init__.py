"""The comparison of concurrency models: the modules behind tools/compare, tools/doctor and tools/claims.

    subjects, peers     the servers compared      workloads    the loads they get
    programs            the builds, checked       processes    a server from its start to its end
    procfs, cgroup      costs                     load         the load generator, one run
    network, limits     what is between clients and servers, and what servers get
    plan, order         the schedule              runner       executes it
    stopping            when a subject is done
    extras              measurements beside the rounds
    store               raw data, JSON lines      merging      several runs on one page
    schema, check       their format
    inference           verdicts on tables        simulation   how often those are right
    statistics          intervals, lines          summary      figures from raw data
    tuning              each model at its best    sizing       how many workers a pool needs
    fairness            equal conditions          table        the text output
    doctor              is the machine quiet?

Only Debian's packages: python3, python3-numpy and python3-scipy; for checking data and merging it, python3-jsonschema.
"""
