"""TLS for a run: a certificate that is made for it, and how services with TLS are named."""

import os
import ssl
import subprocess

from . import processes

_SUFFIX = "+tls"


class NoCertificate(processes.ServerError):
    """It cannot be made, and so no server with it started. The text says what to do."""


def is_encrypted(service):
    """Of a service as --listen names it: "http+tls"."""
    return service.endswith(_SUFFIX)


def plain(service):
    """The name of what is said within."""
    return service.removesuffix(_SUFFIX)


def certificate(folder):
    """The path of a file with a private key and its certificate, made when it is first asked for. An elliptic key (P-256), as most
    of the web has them: an RSA key would make each handshake the same work for every server, and hide what differs."""
    path = os.path.join(folder, "certificate.pem")
    if os.path.exists(path):
        return path
    unfinished = path + ".new"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30",
               "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", unfinished,
               "-out", path + ".crt"]
    try:
        subprocess.run(command, capture_output=True, text=True, check=True)
    except FileNotFoundError as error:
        raise NoCertificate("openssl is not installed: apt-get install --no-install-recommends openssl") from error
    except subprocess.CalledProcessError as error:
        raise NoCertificate(f"openssl makes no certificate: {error.stderr.strip()}") from error
    with open(path + ".crt", encoding="ascii") as made, open(unfinished, "a", encoding="ascii") as file:
        file.write(made.read())
    os.rename(unfinished, path)
    return path


def client_context():
    """For connections that take any certificate: the servers are our own."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
