"""What the probes cost a server: instructions per request, counted by callgrind(1), with the probes off, with them on, and in a
server that was linked without them (server_without_wraps). Counts do not depend on what else the machine does.
"""

import os
import re
import shutil
import socket
import subprocess
import tempfile

from xraying import scene

SERVICES = ("echo", "http")
# Counted between them, so that starting and stopping do not matter, and so many that what a server does once a second does
# not, either: it does it more often where it is given less of the processor.
_FEW, _MANY = 50, 2050
_PATIENCE_S = 60.0


class CostError(Exception):
    """It could not be counted. The text says why."""


def why_not():
    """Why nothing can be counted here; empty if it can."""
    return "" if shutil.which("valgrind") else "there is no valgrind (apt-get install valgrind)"


def _ask(address, service, requests):
    """One connection, one request after the other: under an event loop each takes the same calls."""
    request, is_whole = scene.SERVICES[service]("hello.txt")
    with socket.create_connection(address, timeout=_PATIENCE_S) as connection:
        for _ in range(requests):
            connection.sendall(request)
            reply = b""
            while not is_whole(reply):
                piece = connection.recv(65536)
                if not piece:
                    raise CostError("the server has closed the connection")
                reply += piece


def _instructions(server, shim, flags, service, requests, folder):
    """Of the whole run of a server that has answered as many requests."""
    argv = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={os.devnull}", server, "--model=epoll", *flags,
            f"--listen={service}://127.0.0.1:0", f"--root={folder}"]
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               env=dict(os.environ, LD_PRELOAD=shim))
    try:
        addresses, _ = scene.await_ready(process, _PATIENCE_S)
        host, _, port = addresses[service].rpartition(":")
        _ask((host, int(port)), service, requests)
        process.terminate()
        said = process.communicate(timeout=_PATIENCE_S)[1]
    except (scene.SceneError, OSError, subprocess.TimeoutExpired) as error:
        process.kill()
        raise CostError(f"{server} under valgrind: {error}; {process.communicate()[1][-300:].strip()}") from error
    finally:
        process.kill()
        process.wait()
    found = re.search(r"Collected : (\d+)", said)
    if not found:
        raise CostError(f"valgrind has counted nothing: {said[-300:].strip()}")
    return int(found[1])


def per_request(server, shim, service, is_traced=False):
    """Instructions in user mode for one request, under epoll. CostError.

    shim  openat2.so, without which valgrind does not run the server
    """
    with tempfile.TemporaryDirectory(prefix="polyserve-cost-") as folder:
        with open(os.path.join(folder, "hello.txt"), "w", encoding="ascii") as file:
            file.write(scene.HELLO)
        flags = [f"--trace={os.path.join(folder, 'trace')}"] if is_traced else []
        few, many = (_instructions(server, shim, flags, service, requests, folder) for requests in (_FEW, _MANY))
        return (many - few) / (_MANY - _FEW)


def table(server, without, shim):
    """Lines of text. CostError.

    server   the program
    without  the same one, linked without the probes
    shim     as for per_request()
    """
    rows = (("linked without the probes", without, False), ("with the probes, off", server, False),
            ("with the probes, --trace", server, True))
    yield f"{'instructions per request':<28}" + "".join(f"{service:>10}" for service in SERVICES)
    for name, program, is_traced in rows:
        yield f"{name:<28}" + "".join(f"{per_request(program, shim, service, is_traced):>10,.0f}" for service in SERVICES)
