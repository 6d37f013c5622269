"""Python's ssl against the server: python3 tls_client.py HOST PORT FILE_PORT CERTIFICATE. Prints 'done' where all is well.

PORT is of http, FILE_PORT of the file service, both over TLS with this certificate. The library holds a.txt ('hello') and
large.bin.
"""
import http.client
import socket
import ssl
import sys

_TIMEOUT_S = 60


def check(condition, what):
    if not condition:
        sys.exit(f'failed: {what}')


def context_for(certificate, version=None):
    context = ssl.create_default_context(cafile=certificate)
    if version:
        context.minimum_version = context.maximum_version = version
    return context


def ask_http(host, port, certificate):
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        connection = http.client.HTTPSConnection(host, port, timeout=_TIMEOUT_S, context=context_for(certificate, version))
        for _ in range(3):
            connection.request('GET', '/a.txt')
            reply = connection.getresponse()
            check((reply.status, reply.read()) == (200, b'hello'), 'several GETs on one connection')
        connection.request('PUT', '/put.bin', body=b'x' * 100000)
        reply = connection.getresponse()
        reply.read()
        check(reply.status in (201, 204), 'PUT')
        connection.close()


def open_tls(host, port, context, session=None):
    connection = socket.create_connection((host, port), timeout=_TIMEOUT_S)
    return context.wrap_socket(connection, server_hostname=host, session=session)


def ask_file(host, port, certificate):
    context = context_for(certificate)
    session = None
    for number in range(2):
        with open_tls(host, port, context, session) as connection:
            check(connection.session_reused == (number == 1), 'a session is resumed')
            connection.sendall(b'G a.txt\nQ\n')
            received = b''
            while piece := connection.recv(1000):  # An end without close_notify would be an error.
                received += piece
            check(received == b'OK 5\nhello', 'a file')
            session = connection.session


def main():
    host, port, file_port, certificate = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    ask_http(host, port, certificate)
    ask_file(host, file_port, certificate)
    try:
        open_tls(host, port, ssl.create_default_context()).close()
    except ssl.SSLCertVerificationError:
        print('done')
    else:
        sys.exit('failed: it is trusted without a reason')


if __name__ == '__main__':
    main()
