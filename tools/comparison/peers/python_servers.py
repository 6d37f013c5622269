"""Python's own servers for echo: socketserver with a process and with a thread for each client, and asyncio."""

import os

_HERE = os.path.dirname(os.path.abspath(__file__))


def _writer(script):
    def write(setting, port, _folder):
        path = os.path.join(_HERE, script)
        with open(path, encoding="utf-8") as file:
            return [path, setting.place.host, str(port)], file.read()
    return write


def _row(name, script, words, traits):
    return {"name": name, "service": "echo", "program": "python3", "package": "python3", "workers": words,
            "write": _writer(script), "version_flag": "--version", "traits": traits}


PEERS = (
    _row("python-forking", "echo_forking.py", "a process for each client",
         {"silent": "harmless", "crash": "one", "max_clients": 0, "flags": ()}),
    _row("python-threading", "echo_threading.py", "a thread for each client", {}),
    _row("python-asyncio", "echo_asyncio.py", "one event loop", {}),
)
