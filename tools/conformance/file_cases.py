"""file: the framed service of files; every length is announced."""

import hashlib

from . import several
from .case import Failure, NotOffered, Suite
from .peers import shown
from .scene import EMPTY, FOLDER, HIDDEN, LARGE, SMALL, SPACED, some_bytes

_FILE, _HEADER = "docs/protocols.md, file", "docs/protocols.md, file, and protocol/file.h"
_MODELS, _TCP = "docs/models.md, the first table: a silent client", "RFC 9293, section 3.6"
_MISSING = "conform-missing"


def _reply(client, has_body=True):
    """(the line without its end, the bytes behind it)."""
    line = client.read_line().decode("utf-8", "replace").rstrip("\n")
    words = line.split(" ")
    if not (words[0] == "OK" and len(words) > 1 and words[1].isdigit()) and not (words[0] == "ERR" and len(words) > 1):
        raise Failure(f"{client.name} received '{line}', which is no reply: OK and a number, or ERR and a code")
    return line, client.read(int(words[1])) if has_body and words[0] == "OK" else b""


def _ask(client, command):
    client.send(command.encode() + b"\n")
    return _reply(client, command[:1] in "LGR")


def _put(client, name, content):
    client.send(f"P {name} {len(content)}\n".encode())
    client.send(content, may_fail=True)
    return _reply(client, has_body=False)[0]


def _refuses(client, command, code):
    line = _ask(client, command)[0]
    if not line.startswith(f"ERR {code}"):
        raise Failure(f"the reply to {shown(command.encode())} is '{line}', and should be ERR {code}")


def _talk(client, number):
    line, _ = _ask(client, f"S {_MISSING}")
    if not line.startswith("ERR 404"):
        raise Failure(f"the reply for a file that is not there is '{line}', and should be ERR 404")


SUITE = Suite("file", lambda scene: _talk(scene.connect(), 0), needs_root=True)


def _get(scene, client, name, content):
    line, body = _ask(client, f"G {name}")
    if line != f"OK {len(content)}":
        raise Failure(f"the reply to G {name} is '{line}', and should be 'OK {len(content)}'")
    scene.is_same(f"{name}, as it was sent,", body, content)


@SUITE.case(_FILE)
def get_sends_the_file(scene):
    """sends OK, the size, and the bytes of a file, also of an empty one and of one with a space in its name"""
    client = scene.connect()
    for name in (SMALL, EMPTY, SPACED, f"{FOLDER}/inner.txt"):
        _get(scene, client, name, scene.library.content(name))


@SUITE.case(_FILE, waits=20)
def large_file_is_whole(scene):
    """sends a file of 3 MiB whole; by SHA-256"""
    _get(scene, scene.connect(), LARGE, scene.library.content(LARGE))


@SUITE.case(_HEADER)
def list_names_visible_files(scene):
    """lists the files, sorted, each with its size and time; neither hidden files nor directories"""
    _, body = _ask(scene.connect(), "L")
    rows = [line.split("\t") for line in body.decode("utf-8", "replace").splitlines()]
    if any(len(row) != 3 or not (row[1] + row[2]).isdigit() for row in rows):
        raise Failure(f"a line of the list is not '<name> TAB <size> TAB <time>': {shown(body)}")
    sizes = {name: int(size) for name, size, _ in rows}
    for name in (SMALL, EMPTY, LARGE, SPACED):
        if sizes.get(name) != len(scene.library.content(name)):
            raise Failure(f"the list says {sizes.get(name)} of the size of {name}, which is {len(scene.library.content(name))}")
    wrong = {HIDDEN, FOLDER} & set(sizes)
    if wrong or [row[0].encode() for row in rows] != sorted(row[0].encode() for row in rows):
        raise Failure(f"the list has {wrong.pop()}" if wrong else "the list is not sorted by name")


@SUITE.case(_FILE)
def range_sends_a_part(scene):
    """sends a part of a file, which ends at the latest with the file"""
    client, content = scene.connect(), scene.library.content(SMALL)
    for offset, length in ((0, 5), (6, 100), (len(content) - 1, 1), (len(content), 1), (3, 0), (1 << 40, 1 << 40)):
        line, body = _ask(client, f"R {SMALL} {offset} {length}")
        part = content[offset:offset + length]
        if (line, body) != (f"OK {len(part)}", part):
            raise Failure(f"the reply to R {SMALL} {offset} {length} is '{line}' and {shown(body)}, and should be {shown(part)}")


@SUITE.case(_FILE)
def stat_and_hash_agree_with_the_file(scene):
    """tells the size of a file, and the first 63 bits of its SHA-256"""
    client, content = scene.connect(), scene.library.content(SMALL)
    line, _ = _ask(client, f"S {SMALL}")
    if line.split()[:2] != ["OK", str(len(content))]:
        raise Failure(f"the reply to S is '{line}', and the file has {len(content)} bytes")
    line, _ = _ask(client, f"H {SMALL} 6 100")
    part = content[6:106]
    expected = f"OK {len(part)} {int.from_bytes(hashlib.sha256(part).digest()[:8], 'big') >> 1}"
    if line != expected:
        raise Failure(f"the reply to H is '{line}', and should be '{expected}'")


@SUITE.case(_FILE)
def put_stores_the_file(scene):
    """stores what P sends, answers OK 0 only when the file is in place, and then replaces it"""
    client = scene.connect()
    for content in (b"x", some_bytes(300_000, 7), b"not a line\nP q 3\nQ\n", b""):
        line = _put(client, "conform-put", content)
        if line.startswith("ERR 405"):
            raise NotOffered("the library is read-only")
        if line != "OK 0":
            raise Failure(f"the reply to P is '{line}', and should be 'OK 0'")
        scene.is_same("the file in the directory", scene.library.read("conform-put") or b"", content)
        _get(scene, client, "conform-put", content)


@SUITE.case(_HEADER)
def refused_put_stays_in_step(scene):
    """discards the announced bytes of an upload that it refuses, and answers the next request"""
    client = scene.connect()
    for size in (1, 70_000):
        line = _put(client, "../conform-put", b"\n" * size)  # Each line end would be a command.
        if not line.startswith("ERR "):
            raise Failure(f"a name that leads out of the library is taken: '{line}'")
        _get(scene, client, SMALL, scene.library.content(SMALL))


@SUITE.case(_HEADER)
def names_do_not_lead_out(scene):
    """refuses names that lead out of the library, and goes on"""
    client = scene.connect()
    for name in ("..", f"{FOLDER}/../{SMALL}", f"./{SMALL}", "/etc/passwd", "../" * 12 + "etc/passwd", ""):
        _refuses(client, f"G {name}", 400)
    _refuses(client, f"G {HIDDEN}", 403)
    _get(scene, client, SMALL, scene.library.content(SMALL))


@SUITE.case(_HEADER)
def wrong_commands_are_refused(scene):
    """answers what is no command with ERR 400, what is not there with ERR 404, and goes on"""
    client = scene.connect()
    for command in ("", "X", "G", "l", "L a", f"GET {SMALL}", f"R {SMALL} 0", f"R {SMALL} -1 1", f"R {SMALL} 0 x"):
        _refuses(client, command, 400)
    _refuses(client, f"G {_MISSING}", 404)
    _get(scene, client, SMALL, scene.library.content(SMALL))


@SUITE.case(_FILE + ': "a P that is malformed ends the connection"')
def malformed_put_ends_the_connection(scene):
    """closes after an upload without a size, whose content it would take for commands"""
    for command in (f"P {SMALL}", f"P {SMALL} -1", f"P {SMALL} 0x10"):
        client = scene.connect()
        client.send(f"{command}\nG {SMALL}\n".encode(), may_fail=True)
        got = client.read_to_end()
        if scene.library.content(SMALL) in got:
            raise Failure(f"the line behind a malformed P was carried out: {shown(got)}")
        client.close()


_REQUESTS = f"G {SMALL}\nS {_MISSING}\nR {SMALL} 0 5\nG {EMPTY}\nQ\n".encode()


def _are_answered(scene, client):
    """Those requests, to the end of the connection."""
    _get_reply = _reply(client)[1]
    scene.is_same("the first file", _get_reply, scene.library.content(SMALL))
    line, _ = _reply(client, has_body=False)
    if not line.startswith("ERR 404"):
        raise Failure(f"the second reply is '{line}', and should be ERR 404")
    scene.is_same("the third reply", _reply(client)[1], scene.library.content(SMALL)[:5])
    scene.is_same("the fourth reply", _reply(client)[1], b"")
    client.expect_end()


@SUITE.case(_HEADER)
def pipelined_requests_in_order(scene):
    """answers requests that come in one packet in their order, closes at Q, and ignores what is behind it"""
    client = scene.connect()
    client.send(_REQUESTS + f"G {SMALL}\n".encode())
    _are_answered(scene, client)


@SUITE.case("TCP keeps no message borders (RFC 9293, section 3.8)", waits=30)
def request_in_two_pieces(scene):
    """understands requests, and the content of an upload, wherever the network cuts them"""
    for pieces in several.splits(_REQUESTS):
        client = scene.connect()
        client.send_pieces(pieces)
        _are_answered(scene, client)
        client.close()


@SUITE.case("TCP keeps no message borders (RFC 9293, section 3.8)")
def byte_by_byte(scene):
    """understands requests that come byte by byte"""
    client = scene.connect()
    client.send_pieces(several.bytes_of(_REQUESTS))
    _are_answered(scene, client)


@SUITE.case(_TCP, waits=20)
def half_close_still_brings_the_files(scene):
    """sends all files that a client asked for before it closed its own direction, then closes"""
    client = scene.connect()
    client.send(f"G {LARGE}\nG {SMALL}\n".encode())
    client.half_close()
    for name in (LARGE, SMALL):
        scene.is_same(name, _reply(client)[1], scene.library.content(name))
    client.expect_end(is_clean=True)


@SUITE.case(_FILE + "; docs/operations.md, Files and the root")
def upload_that_breaks_off_leaves_the_old_file(scene):
    """keeps the old file, and leaves no part of the new one, when the client leaves within an upload"""
    client = scene.connect()
    if not _put(client, "conform-put-old", b"old").startswith("OK"):
        raise NotOffered("it takes no uploads")
    client.send(b"P conform-put-old 100000\n" + b"x" * 50_000)
    client.half_close()
    client.read_to_end()
    client.close()
    _get(scene, scene.connect(), "conform-put-old", b"old")


@SUITE.case(several.OWN_END)
def client_that_breaks_off_harms_no_other(scene):
    """goes on serving others when a client breaks off within a reply"""
    several.after_broken_off(scene, _talk, f"G {LARGE}\n".encode())


@SUITE.case(_HEADER + " (kMaxLineBytes)")
def overlong_line_is_refused(scene):
    """refuses a line of 100,000 bytes, closes, and serves the next client"""
    client = scene.connect()
    client.send(b"G" * 100_000, may_fail=True)
    got = client.read_to_end()
    if got and not got.startswith(b"ERR 400"):
        raise Failure(f"{client.name} received {shown(got)} instead of ERR 400")
    client.close()
    _talk(scene.connect(), 0)


@SUITE.case(_MODELS, clients=2)
def clients_in_reverse_order(scene):
    """serves whichever client asks, not the one that came first"""
    several.in_reverse_order(scene, _talk)


@SUITE.case(_MODELS, clients=2)
def half_a_request_keeps_no_other_waiting(scene):
    """serves a client while another one has sent half of a request"""
    several.beside_silent_one(scene, _talk, b"P conform-put-slow 100000\nhalf")
