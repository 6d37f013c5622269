"""Apache httpd with each of its three MPMs. Source: httpd.apache.org/docs/2.4, mpm_common and "Performance Tuning"."""

import os

_COMMON = """\
ServerRoot {folder}
ServerName {host}
DefaultRuntimeDir {folder}
PidFile {folder}/{mpm}.pid
LoadModule mpm_{mpm}_module {modules}/mod_mpm_{mpm}.so
LoadModule authz_core_module {modules}/mod_authz_core.so
{user}
Listen {host}:{port}
ListenBackLog 4096
ErrorLog {folder}/error.log
LogLevel crit
Timeout 3600
KeepAlive On
KeepAliveTimeout 3600
MaxKeepAliveRequests 0
MaxConnectionsPerChild 0
HostnameLookups Off
EnableSendfile On
EnableMMAP On
FileETag None
{workers}
DocumentRoot {root}
<Directory {root}>
  Options None
  AllowOverride None
  Require all granted
</Directory>
"""
_MODULES = "/usr/lib/apache2/modules"
_THREADS = 64  # Of a process, where workers are threads.


def _prefork(clients):
    return f"ServerLimit {clients}\nMaxRequestWorkers {clients}\nStartServers {clients}\nMinSpareServers 1\n" \
           f"MaxSpareServers {clients}"


def _threaded(clients):
    processes = -(-clients // _THREADS)
    most = processes * _THREADS
    return f"ThreadLimit {_THREADS}\nThreadsPerChild {_THREADS}\nServerLimit {processes}\nStartServers {processes}\n" \
           f"MaxRequestWorkers {most}\nMinSpareThreads 1\nMaxSpareThreads {most}"


def _event(clients):
    # Connections that are silent keep no thread here; how many there may be is a factor of the threads.
    threads = min(clients, 2 * _THREADS)
    return _threaded(threads) + f"\nAsyncRequestWorkerFactor {max(2, -(-clients // threads) * 2)}"


def _writer(mpm, workers):
    def write(setting, port, folder):
        user = "User www-data\nGroup www-data" if os.getuid() == 0 else ""
        text = _COMMON.format(folder=folder, mpm=mpm, modules=_MODULES, user=user, host=setting.place.host, port=port, root=setting.root,
                              workers=workers(setting.connections + 8))
        path = os.path.join(folder, "httpd.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return ["-d", folder, "-f", path, "-D", "FOREGROUND"], text
    return write


def _row(mpm, workers, words, traits):
    return {"name": f"apache-{mpm}", "service": "http", "program": "apache2", "package": "apache2",
            "workers": words, "write": _writer(mpm, workers), "traits": traits}


_KEEPS_A_WORKER = {"silent": "one of N", "crash": "one", "max_clients": 0, "flags": ()}
PEERS = (
    _row("prefork", _prefork, "one process for each connection of the workload, and 8", _KEEPS_A_WORKER),
    _row("worker", _threaded, "one thread for each connection of the workload, and 8; 64 a process", _KEEPS_A_WORKER),
    _row("event", _event, "128 threads at most, 64 a process; silent connections keep none", {}),
)
