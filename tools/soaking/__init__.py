"""tools/soak: a server under mixed load, good and hostile, while it is disturbed; and whether all is as it was at the end.

    cli, soak           the command; one model from its start to its verdict
    stand, disk         the server under test, with its files, on a disk of its own
    ledger              what was asked, what came of it, and which disturbance may have cut what off
    uploads, order      what was acknowledged: files by their digests, lines of the chat by their order
    callers             clients that keep a connection     web_load, file_load, tftp_load, line_load, chat_load, websocket
    hostile             clients that harm
    disturbances        kills, a full disk, new certificates, upgrades, new logs
    footprint           memory, descriptors, processes, threads, connections, before and after
    report              the table, and JSON
"""
