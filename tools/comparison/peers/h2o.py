"""H2O. Source: h2o.examp1e.net/configure.html, base and file directives."""

import os

_CONFIG = """\
# It asks for a backlog of 65,535, of which net.core.somaxconn (4096 by default) makes its own.
{user}
num-threads: {workers}
max-connections: {connections}
http1-request-timeout: 3600
tcp-fastopen: 0
error-log: /dev/null
hosts:
  "*":
    listen:
      host: {host}
      port: {port}
    paths:
      "/":
        file.dir: {root}
        file.etag: OFF
"""


def _write(setting, port, folder):
    text = _CONFIG.format(workers=len(setting.cpus), connections=max(2048, setting.connections + 512), host=setting.place.host,
                          port=port or 1, root=setting.root, user="user: root" if os.getuid() == 0 else "")
    path = os.path.join(folder, "h2o.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return ["-c", path], text


PEERS = ({"name": "h2o", "service": "http", "program": "h2o", "package": "h2o",
          "workers": "one thread for each processor", "write": _write},)
