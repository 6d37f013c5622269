"""http: where messages begin and end, and when a connection does: what two readers of the same bytes must not see differently
(RFC 9112)."""

from . import several
from .case import SHOULD, Failure
from .http_cases import SUITE
from .http_wire import ask, has_status, kept_connection, read_reply, request, send_raw, target_of
from .scene import EMPTY, SMALL

_PATH = target_of(SMALL)


@SUITE.case("RFC 9112, section 9.3", level=SHOULD)
def connection_is_kept(scene):
    """keeps the connection open for the next request"""
    client = scene.connect()
    client.send(request(_PATH, close=False))
    if read_reply(client).is_last:
        raise Failure("it closes the connection after its reply")
    client.send(request(_PATH, close=False))
    has_status(read_reply(client), 200)


@SUITE.case("RFC 9112, section 9.6")
def close_is_honoured(scene):
    """closes after its reply if the client says `Connection: close`"""
    client = scene.connect()
    client.send(request(_PATH))
    has_status(read_reply(client), 200)
    client.expect_end()


@SUITE.case("RFC 9112, section 9.3.2")
def pipelined_requests_in_order(scene):
    """answers requests that come in one packet, each once and in their order"""
    client = kept_connection(scene, SMALL)
    client.send(request(_PATH, close=False) + request("/conform-missing", close=False) + request(target_of(EMPTY), close=False)
                + request(_PATH))
    for status, content in ((200, scene.library.content(SMALL)), (404, None), (200, b""), (200, scene.library.content(SMALL))):
        reply = has_status(read_reply(client), status)
        if content is not None:
            scene.is_same("the content", reply.content, content)
    client.expect_end()


@SUITE.case("RFC 9112, section 2.2; TCP keeps no message borders (RFC 9293, section 3.8)", waits=30)
def request_in_two_pieces(scene):
    """understands a request wherever the network cuts it"""
    for pieces in several.splits(request(_PATH)):
        client = scene.connect()
        client.send_pieces(pieces)
        scene.is_same("the content", has_status(read_reply(client), 200).content, scene.library.content(SMALL))
        client.close()


@SUITE.case("RFC 9112, section 2.2; TCP keeps no message borders (RFC 9293, section 3.8)")
def byte_by_byte(scene):
    """understands a request that comes byte by byte"""
    client = scene.connect()
    client.send_pieces(several.bytes_of(request(_PATH)))
    scene.is_same("the content", has_status(read_reply(client), 200).content, scene.library.content(SMALL))


@SUITE.case("RFC 9293, section 3.6", level=SHOULD)
def half_close_still_brings_the_reply(scene):
    """answers a client that has closed its own direction"""
    client = scene.connect()
    client.send(request(_PATH))
    client.half_close()
    scene.is_same("the content", has_status(read_reply(client), 200).content, scene.library.content(SMALL))


@SUITE.case("RFC 9112, section 2.2", level=SHOULD)
def empty_line_before_a_request_is_skipped(scene):
    """ignores an empty line before a request"""
    client = scene.connect()
    client.send(b"\r\n" + request(_PATH))
    has_status(read_reply(client), 200)


@SUITE.case("RFC 9112, section 3.2")
def host_is_required(scene):
    """answers 400 to a request of HTTP/1.1 without Host, and to one with two"""
    has_status(ask(scene, _PATH, host=None), 400)
    has_status(ask(scene, _PATH, "Host: other"), 400)


@SUITE.case("RFC 9112, section 5.1")
def blank_before_the_colon_is_refused(scene):
    """answers 400 if there is a blank between a field's name and its colon"""
    has_status(ask(scene, _PATH, "X-Field : value"), 400)


def _is_refused_and_closed(scene, data, *statuses):
    client = scene.connect()
    client.send(data, may_fail=True)
    has_status(read_reply(client), *statuses)
    client.expect_end()
    client.close()


@SUITE.case("RFC 9112, section 6.3, rule 5")
def lengths_that_differ_are_refused(scene):
    """answers 400 and closes if Content-Length is no number, or is there twice and differs"""
    for lengths in (("5", "6"), ("five",), ("-1",), ("+5",)):
        fields = [f"Content-Length: {length}" for length in lengths]
        _is_refused_and_closed(scene, request(_PATH, *fields, close=False) + b"hello!", 400)


@SUITE.case("RFC 9112, sections 6.1 and 6.3, rule 3")
def length_beside_chunks_ends_the_connection(scene):
    """closes after its reply to a request with both Content-Length and Transfer-Encoding, since two readers may see different
    ends of it"""
    client = scene.connect()
    client.send(request(_PATH, "Content-Length: 5", "Transfer-Encoding: chunked", close=False) + b"0\r\n\r\n", may_fail=True)
    read_reply(client)
    client.expect_end()


def _second_reply(scene, data, what):
    """After a request with content there is one reply, and then that to the next request; or the server refuses and closes."""
    client = scene.connect()
    client.send(data + request(target_of(EMPTY)), may_fail=True)
    first = read_reply(client)
    if not first.is_last:  # Section 9.3.1 of RFC 9110 lets it refuse such a request, and close.
        second = read_reply(client)
        if second.status != 200 or second.content:
            raise Failure(f"the {what} of the first request was taken for a request of its own: its reply is {second.status}")
    client.expect_end()
    client.close()


@SUITE.case("RFC 9112, section 6.3: content is no request")
def content_is_not_a_request(scene):
    """reads or refuses the content of a request, and never takes it for the next request"""
    content = b"DELETE / HTTP/1.1\r\nHost: localhost\r\n\r\n"
    _second_reply(scene, request(_PATH, f"Content-Length: {len(content)}", close=False) + content, "content")


@SUITE.case("RFC 9112, section 7.1")
def chunks_are_decoded(scene):
    """reads or refuses chunked content, and never takes a chunk for the next request"""
    for chunks in (b"5\r\nhello\r\n0\r\n\r\n", b"A;name=value\r\n0123456789\r\n00\r\nTrailer: x\r\n\r\n"):
        _second_reply(scene, request(_PATH, "Transfer-Encoding: chunked", close=False) + chunks, "chunk")


@SUITE.case("RFC 9112, section 6.1", level=SHOULD)
def unknown_coding_is_501(scene):
    """answers a transfer coding that it does not know with 501"""
    client = scene.connect()
    client.send(request(_PATH, "Transfer-Encoding: conform", close=False), may_fail=True)
    has_status(read_reply(client), 501)


@SUITE.case("RFC 9112, section 3", level=SHOULD)
def malformed_request_line_is_400(scene):
    """answers what is no request with 400, or closes"""
    for data in (b"GET\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\r\n\r\n", b"GET / /x HTTP/1.1\r\nHost: x\r\n\r\n",
                 b"GET / HTPT/1.1\r\nHost: x\r\n\r\n"):
        status = send_raw(scene, data)
        if status not in (400, 501, 505, None):
            raise Failure(f"the status is {status}, and should be 400")


@SUITE.case("RFC 9112, section 3; RFC 9110, section 15.5.15")
def overlong_target_is_refused(scene):
    """answers a target that is longer than it takes with 414, or reads all of it; and serves the next client"""
    status = send_raw(scene, request("/" + "x" * 100_000))
    if status not in (400, 403, 404, 414, 431, None):
        raise Failure(f"the status is {status}")
    has_status(ask(scene, _PATH), 200)


@SUITE.case("RFC 9110, section 5.4")
def overlong_field_is_refused(scene):
    """answers a field that is larger than it takes with a status 4xx, or reads all of it; and serves the next client"""
    status = send_raw(scene, request(_PATH, "X-Long: " + "x" * 200_000))
    if status is not None and status != 200 and not 400 <= status < 500:
        raise Failure(f"the status is {status}")
    has_status(ask(scene, _PATH), 200)
