"""What the scenes with uploads report of them, and what is a fault in all of them."""


def report_uploads(result, account, fleet, may_fail=True):
    """Looks at the files on the disk, and asks all servers for some. `may_fail`: an upload may end without an answer, or with a refusal;
    it was not acknowledged then."""
    result.add("uploads acknowledged", len(account.stored))
    result.add("uploads that failed", len(account.failures))
    lost = account.lost(fleet.root)
    result.add("acknowledged and lost", len(lost))
    result.add("longest time without an acknowledgement", account.longest_gap_s(), "s")
    result.add("slowest upload", account.quantile_s(1.0), "s")
    result.faults += [f"{name} was acknowledged, and is not there as it was sent" for name in lost]
    result.faults += [f"the server on {server} does not give {name} back" for server, name in account.unserved(fleet.servers.values())]
    if not account.stored:
        result.faults.append("nothing was acknowledged")
    if not may_fail:
        result.faults += [f"an upload failed: {what}" for _, what in account.failures]
