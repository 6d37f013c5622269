"""Python's own http clients against the server: python3 http_client.py HOST PORT. Prints 'done' where all is well.

The library holds a.txt ('hello') and large.bin.
"""
import hashlib
import http.client
import sys
import urllib.error
import urllib.request


def check(condition, what):
    if not condition:
        sys.exit(f'failed: {what}')


def main():
    host, port = sys.argv[1], int(sys.argv[2])

    connection = http.client.HTTPConnection(host, port, timeout=60)
    for _ in range(3):
        connection.request('GET', '/a.txt')
        reply = connection.getresponse()
        check((reply.status, reply.read()) == (200, b'hello'), 'several GETs on one connection')
    connection.request('HEAD', '/a.txt')
    reply = connection.getresponse()
    check((reply.read(), reply.getheader('Content-Length')) == (b'', '5'), 'HEAD')
    connection.request('PUT', '/put.bin', body=b'x' * 100000)
    reply = connection.getresponse()
    reply.read()
    check(reply.status == 201, 'PUT with a length')
    connection.request('PUT', '/chunks.bin', body=(b'y' * 1000 for _ in range(100)), encode_chunked=True,
                       headers={'Transfer-Encoding': 'chunked'})
    reply = connection.getresponse()
    reply.read()
    check(reply.status == 201, 'PUT in chunks')
    connection.request('GET', '/chunks.bin', headers={'Range': 'bytes=99990-'})
    reply = connection.getresponse()
    check((reply.status, reply.read()) == (206, b'y' * 10), 'GET of a range')
    connection.request('GET', '/none')
    reply = connection.getresponse()
    reply.read()
    check(reply.status == 404, 'GET of what is not there')
    connection.close()

    base = f'http://{host}:{port}'
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(base + '/put.bin', timeout=60) as reply:
        check(hashlib.sha256(reply.read()).digest() == hashlib.sha256(b'x' * 100000).digest(), 'urllib: GET')
    request = urllib.request.Request(base + '/a.txt', data=b'new', method='PUT')
    with opener.open(request, timeout=60) as reply:
        check(reply.status == 204, 'urllib: PUT that replaces')
    try:
        opener.open(base + '/none', timeout=60)
        check(False, 'urllib: 404')
    except urllib.error.HTTPError as error:
        check(error.code == 404, 'urllib: 404')
    print('done')


if __name__ == '__main__':
    main()
