"""nginx. Source: nginx.org/en/docs, ngx_core_module and ngx_http_core_module."""

import os

_CONFIG = """\
daemon off;
worker_processes {workers};
worker_rlimit_nofile {descriptors};
pid {folder}/nginx.pid;
error_log stderr crit;
{user}
events {{
  worker_connections {connections};
  use epoll;
  multi_accept on;
  accept_mutex off;
}}
http {{
  access_log off;
  sendfile {sendfile};
  tcp_nopush {sendfile};
  tcp_nodelay on;
  keepalive_timeout 3600s;
  keepalive_requests 1000000000;
  reset_timedout_connection off;
  open_file_cache max=1000 inactive=3600s;
  open_file_cache_valid 3600s;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  dav_methods PUT;
  client_max_body_size 0;
  server {{
    listen {host}:{port} backlog=4096{tls};
    root {root};{small}
    # What is PUT replaces a file, of which the cache would go on to send the old content.
    location /upload {{
      open_file_cache off;
    }}
  }}
}}
"""


_SMALL = """
    # What is small leaves faster in one piece, out of memory.
    location = /1k.bin {
      sendfile off;
      tcp_nopush off;
    }"""


# What else it takes for TLS, by its defaults: without a cache of sessions, with tickets.
_TLS = """ ssl;
    ssl_certificate {certificate};
    ssl_certificate_key {certificate};
    ssl_protocols TLSv1.2 TLSv1.3"""


def write(setting, port, folder, sendfile=None, certificate=None):
    """sendfile     whether all files are sent by it; None: what is best for each
    certificate  the path of one, with its key: the server speaks TLS"""
    text = _CONFIG.format(sendfile="off" if sendfile is False else "on", small=_SMALL if sendfile is None else "",
                          workers=len(setting.cpus), descriptors=20000, tls=_TLS.format(certificate=certificate) if certificate else "",
                          connections=max(2048, setting.connections + 512),
                          folder=folder, host=setting.place.host, port=port, root=setting.root, user="user root;" if os.getuid() == 0 else "")
    path = os.path.join(folder, "nginx.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return ["-p", folder, "-e", "stderr", "-c", path], text


PEERS = ({"name": "nginx", "service": "http", "program": "nginx", "package": "nginx-light",
          "workers": "one worker process for each processor", "write": write, "takes_uploads": True, "has_tls": True},)
