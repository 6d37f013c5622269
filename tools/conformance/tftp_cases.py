"""tftp: files by TFTP (RFC 1350), with packets that are lost, repeated, or come from elsewhere."""

import re

from . import several
from . import tftp_wire as wire
from .case import SHOULD, Failure, NotOffered, Suite
from .scene import BLOCK, EMPTY, FOLDER, LARGE, MIDDLE, PREFIX, SMALL, some_bytes
from .tftp_wire import RRQ, WRQ, Transfer

_MISSING = "conform-missing"
# The server's timer is its own (RFC 1350 names none): many wait for 1 s, some for 5.
_TIMER_WAITS = 8


def _refused(scene, name=_MISSING):
    transfer = Transfer(scene)
    transfer.ask(wire.request(RRQ, name))
    transfer.expect_error()


SUITE = Suite("tftp", _refused, needs_root=True)


def _get(scene, name, **more):
    transfer = Transfer(scene)
    transfer.ask(wire.request(RRQ, name, **more))
    scene.is_same(name, transfer.download(), scene.library.content(name))


@SUITE.case("RFC 1350, sections 2 and 6")
def get_sends_the_file(scene):
    """sends a file in blocks of 512 bytes, of which the last one is shorter: an empty one if need be"""
    for name in (SMALL, EMPTY, BLOCK):
        _get(scene, name)


@SUITE.case("RFC 1350, section 2", waits=60)
def long_file_is_whole(scene):
    """sends a file of 200,000 bytes, in 391 blocks, whole; by SHA-256"""
    _get(scene, MIDDLE)


@SUITE.case("RFC 1350, section 5")
def mode_has_no_case(scene):
    """takes `OcTeT` for octet"""
    _get(scene, SMALL, mode="OcTeT")


@SUITE.case("RFC 1350, section 4")
def transfer_has_a_port_of_its_own(scene):
    """answers from another port than the one that was asked, a new one for each transfer"""
    transfer = Transfer(scene)
    transfer.ask(wire.request(RRQ, SMALL))
    transfer.download()
    if transfer.port[1] == transfer.peer.server[1]:
        raise Failure(f"the answer comes from port {transfer.port[1]}, which is the one that was asked")


@SUITE.case("RFC 1350, section 5 and appendix, error codes")
def missing_file_is_error_1(scene):
    """answers a request for a file that is not there with ERROR 1"""
    transfer = Transfer(scene)
    transfer.ask(wire.request(RRQ, _MISSING))
    transfer.expect_error(1)


@SUITE.case("RFC 1350, Security Considerations; docs/protocols.md, tftp")
def names_do_not_lead_out(scene):
    """sends nothing that lies outside the directory"""
    for name in ("../" * 12 + "etc/passwd", f"{FOLDER}/" + "../" * 13 + "etc/passwd"):
        _refused(scene, name)


@SUITE.case("RFC 1123, section 4.2.3.1: the sorcerer's apprentice")
def repeated_ack_is_not_answered(scene):
    """does not send a block again because an ACK comes twice"""
    for left in (2, 1, 0):
        transfer = Transfer(scene)
        try:
            _acknowledge_twice(transfer, scene.library.content(LARGE))
            return
        except Failure:
            if not left:
                raise
            scene.note("once more, since a server repeats a block to a client that is slow")
        finally:
            transfer.end()


def _acknowledge_twice(transfer, content):
    transfer.ask(wire.request(RRQ, LARGE))
    transfer.expect(wire.data(1, content[:512]))
    transfer.send(wire.ack(1))
    transfer.send(wire.ack(1))
    for block in (2, 3, 4):  # A second answer would come between them.
        transfer.expect(wire.data(block, content[512 * block - 512:512 * block]), is_strict=True)
        transfer.send(wire.ack(block))


@SUITE.case("RFC 1350, section 2: the sender retransmits", waits=2 * _TIMER_WAITS)
def lost_block_is_sent_again(scene):
    """sends a block again if it is not acknowledged in time, and then goes on"""
    transfer, content = Transfer(scene), scene.library.content(BLOCK)
    transfer.ask(wire.request(RRQ, BLOCK))
    transfer.expect(wire.data(1, content[:512]))
    scene.note("(the ACK is lost)")
    if not any(transfer.receive() == wire.data(1, content[:512]) for _ in range(_TIMER_WAITS)):
        raise Failure("block 1 is not sent again")
    transfer.send(wire.ack(1))
    scene.is_same("the rest of the file", transfer.download(2), content[512:])


def _begin_upload(scene, name):
    transfer = Transfer(scene)
    transfer.ask(wire.request(WRQ, name))
    answer = transfer.receive()
    if answer is not None and wire.kind_of(answer) == wire.ERROR:
        raise NotOffered(f"it takes no uploads: {wire.described(answer)}")
    if answer != wire.ack(0):
        raise Failure(f"the answer to WRQ is {wire.described(answer)}, and should be ACK 0")
    return transfer


def _upload(scene, name, content, repeat=()):
    """repeat  blocks that are sent twice, since their ACK is lost"""
    transfer = _begin_upload(scene, name)
    blocks = [content[at:at + 512] for at in range(0, len(content) + 1, 512)]
    for number, block in enumerate(blocks, 1):
        for _ in range(2 if number in repeat else 1):
            transfer.send(wire.data(number, block))
            transfer.expect(wire.ack(number))
    transfer.end()  # Or the server may stay a while, to repeat the last ACK.
    scene.is_same(f"{name} in the directory", scene.library.read(name) or b"", content)


@SUITE.case("RFC 1350, sections 2 and 6", waits=20)
def put_stores_the_file(scene):
    """stores what a client sends, and has it in place when the last block is acknowledged"""
    for number, content in enumerate((b"a few bytes", some_bytes(20_000, 10), some_bytes(1024, 11), b"")):
        _upload(scene, f"{PREFIX}put{number}", content)


@SUITE.case("RFC 1350, section 2: all packets but ERROR are acknowledged")
def repeated_block_is_acknowledged_and_stored_once(scene):
    """acknowledges a block that comes twice twice, and stores it once"""
    _upload(scene, PREFIX + "put-twice", some_bytes(1500, 12), repeat=(1, 2))


@SUITE.case("RFC 1350, section 4")
def packet_from_elsewhere_disturbs_nothing(scene):
    """goes on with a transfer when a packet for it comes from another port"""
    transfer, content = Transfer(scene), scene.library.content(BLOCK)
    transfer.ask(wire.request(RRQ, BLOCK))
    transfer.expect(wire.data(1, content[:512]))
    stranger = scene.datagram_peer("stranger")
    for packet in (wire.ack(1), wire.error(0, "I am not of this transfer")):
        stranger.send(packet, transfer.port, note=wire.described(packet) + " to the port of the transfer")
    transfer.send(wire.ack(1))
    scene.is_same("the rest of the file", transfer.download(2), content[512:])


@SUITE.case("RFC 1350, section 4", level=SHOULD)
def packet_from_elsewhere_is_error_5(scene):
    """answers a packet from another port with ERROR 5"""
    transfer, content = Transfer(scene), scene.library.content(BLOCK)
    transfer.ask(wire.request(RRQ, BLOCK))
    transfer.expect(wire.data(1, content[:512]))
    stranger = Transfer(scene, "stranger")
    stranger.port = transfer.port
    stranger.send(wire.ack(1))
    try:
        stranger.expect_error(5)
    finally:
        transfer.end()


@SUITE.case("RFC 2347: options that are not understood are ignored")
def unknown_option_is_ignored(scene):
    """sends a file that is asked for with an option that it does not know, and does not acknowledge that option"""
    transfer = Transfer(scene)
    transfer.ask(wire.request(RRQ, SMALL, conform="1"))
    packet = transfer.receive()
    if packet is not None and wire.kind_of(packet) == wire.OACK:
        raise Failure(f"the answer is {wire.described(packet)}, to an option that there is not")
    if packet != wire.data(1, scene.library.content(SMALL)):
        raise Failure(f"the answer is {wire.described(packet)}, and should be the file")
    transfer.send(wire.ack(1))


@SUITE.case("RFC 2348")
def block_size_is_kept(scene):
    """if it acknowledges blksize, sends blocks of that size, at most the one that was asked for"""
    transfer, content = Transfer(scene), scene.library.content(BLOCK)
    transfer.ask(wire.request(RRQ, BLOCK, blksize=600))
    packet = transfer.receive()
    if packet == wire.data(1, content[:512]):
        transfer.send(wire.ack(1))
        transfer.download(2)
        raise NotOffered("it knows no blksize")
    match = re.fullmatch(b"\\x00\\x06blksize\\x00([0-9]+)\\x00", (packet or b"").lower())
    if not match or not 8 <= int(match[1]) <= 600:
        raise Failure(f"the answer is {wire.described(packet)}, and should be OACK blksize of at most 600")
    transfer.send(wire.ack(0))
    size = int(match[1])
    scene.is_same("the file", transfer.download(1, size), content)


@SUITE.case("RFC 2349, tsize")
def size_is_told(scene):
    """if it acknowledges tsize, tells the size of the file"""
    transfer, content = Transfer(scene), scene.library.content(SMALL)
    transfer.ask(wire.request(RRQ, SMALL, tsize=0))
    packet = transfer.receive()
    if packet == wire.data(1, content):
        transfer.send(wire.ack(1))
        raise NotOffered("it knows no tsize")
    if packet != b"\0\6tsize\0" + str(len(content)).encode() + b"\0":
        raise Failure(f"the answer is {wire.described(packet)}, and should be OACK tsize={len(content)}")
    transfer.send(wire.ack(0))
    transfer.download()


@SUITE.case("RFC 1350, section 7: ERROR ends a transfer")
def client_that_gives_up_is_left_alone(scene):
    """ends the transfer of a client that sends ERROR, and serves it anew from the same port"""
    transfer, content = Transfer(scene), scene.library.content(BLOCK)
    for _ in range(3):
        transfer.ask(wire.request(RRQ, BLOCK))
        transfer.expect(wire.data(1, content[:512]))
        transfer.end()
    transfer.ask(wire.request(RRQ, BLOCK))
    scene.is_same("the file", transfer.download(), content)


@SUITE.case(several.OWN_END)
def rubbish_harms_no_client(scene):
    """goes on serving after packets that are none"""
    stranger = scene.datagram_peer("stranger")
    for packet in (b"", b"\0", b"\0\1", b"\0\1name", b"\0\1name\0octet", b"\0\1name\0rubbish\0", b"\0\7x", b"\xff" * 600,
                   wire.ack(1)):
        stranger.send(packet)
    _get(scene, SMALL)


@SUITE.case("RFC 1350, section 4: the port names the transfer", clients=2)
def two_transfers_do_not_mix(scene):
    """serves two clients at a time, each its own file"""
    first, second = Transfer(scene), Transfer(scene)
    a, b = scene.library.content(BLOCK), scene.library.content(LARGE)
    for transfer, name in ((first, BLOCK), (second, LARGE)):
        transfer.ask(wire.request(RRQ, name))
    second.expect(wire.data(1, b[:512]))
    first.expect(wire.data(1, a[:512]))
    first.send(wire.ack(1))
    second.send(wire.ack(1))
    second.expect(wire.data(2, b[512:1024]))
    scene.is_same("the first client's file", first.download(2), a[512:])
    second.end()
