"""descriptor_leak: what a program that is started inherits."""

from ..exercise import Check, Exercise

_LOOK = "open(2), O_CLOEXEC; accept4(2), socket(2), SOCK_CLOEXEC; fcntl(2), FD_CLOEXEC; net/socket.cc"


def _jobs(server):
    """Those that run their own program by now."""
    return [child for child in server.children() if child.name == "sleep"]


def _start_job(lab, server, client, count):
    """Has the client start the job that will be the server's n-th."""
    client.send(b"600\n")
    if client.line() != b"started\n":
        raise lab.wrong(server, f"{client.name} has asked for a job (600), and should hear \"started\"")
    if not server.until(lambda: len(_jobs(server)) >= count):
        raise lab.wrong(server, "The job, the program sleep, does not run",
                        "The server should start `sleep SECONDS` in the background, and answer at once.")


def _starts(lab):
    with lab.start() as server:
        _start_job(lab, server, server.client(), 1)


def _closes(lab):
    with lab.start() as server:
        for count in range(1, lab.random.randint(1, 3) + 1):
            client = server.client()
            _start_job(lab, server, client, count)
            if client.sees_end():
                continue
            raise lab.wrong(
                server, f"{client.name} waits for the end of the connection. The server has closed it, but a job has it open",
                "fork() and exec() hand every open descriptor on to the new program, unless it is marked close-on-exec. A "
                "connection ends when the last copy of its descriptor is closed, and the job holds one for as long as it runs.",
                _LOOK)


def _leaks_nothing(lab):
    with lab.start() as server:
        for count in range(1, lab.random.randint(1, 3) + 1):
            _start_job(lab, server, server.client(), count)
        for job in _jobs(server):
            sockets = {number: what for number, what in server.tree.descriptors(job.pid).items() if what.startswith("socket:")}
            lab.steps.add("grader", f"looks at /proc/PID/fd of a job: {len(sockets)} sockets")
            if sockets:
                raise lab.wrong(
                    server, f"A job has {len(sockets)} of the server's sockets open: descriptors {sorted(sockets)}",
                    "One of them may be the listener. As long as the job runs, the port stays taken: a server that is started "
                    "anew gets \"Address already in use\", and clients that connect wait for a program that never accepts.",
                    _LOOK)


EXERCISE = Exercise("descriptor_leak", (Check("a job is started, and the client hears of it", _starts),
                                        Check("the connection ends while the job still runs", _closes, 2),
                                        Check("the job has no socket of the server", _leaks_nothing, 2)))
