"""lighttpd. Source: redmine.lighttpd.net/projects/lighttpd/wiki, "Performance tuning"."""

import os

_CONFIG = """\
server.document-root = "{root}"
server.bind = "{host}"
server.port = {port}
server.errorlog = "/dev/null"
server.modules = ()
server.event-handler = "linux-sysepoll"
server.network-backend = "sendfile"
server.stat-cache-engine = "simple"
server.max-worker = {workers}
server.max-fds = {descriptors}
server.max-connections = {connections}
server.listen-backlog = 4096
# The most that it takes; 0 would be no kept connections at all.
server.max-keep-alive-requests = 65535
server.max-keep-alive-idle = 3600
server.max-read-idle = 3600
server.max-write-idle = 3600
mimetype.assign = ( ".bin" => "application/octet-stream" )
"""


def _write(setting, port, folder):
    # One worker is the server itself: it calls that 0.
    workers = len(setting.cpus) if len(setting.cpus) > 1 else 0
    text = _CONFIG.format(root=setting.root, host=setting.place.host, port=port or 1, workers=workers, descriptors=20000,
                          connections=max(2048, setting.connections + 512))
    path = os.path.join(folder, "lighttpd.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return ["-D", "-f", path], text


PEERS = ({"name": "lighttpd", "service": "http", "program": "lighttpd", "package": "lighttpd",
          "workers": "one worker process for each processor", "write": _write},)
