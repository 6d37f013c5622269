"""http: parts of files, and conditions. A server may do without; if it offers them, they have to be right (RFC 9110, sections
13 and 14)."""

from .case import SHOULD, Failure, NotOffered
from .http_cases import SUITE
from .http_wire import ask, get_file, has_status, read_reply, request, target_of
from .scene import PREFIX, SMALL

_PATH, _CHANGING = target_of(SMALL), PREFIX + "changing.txt"
_LONG_AGO = "Sun, 06 Nov 1994 08:49:37 GMT"


def _part(scene, ranges, first, last):
    """A reply to this Range, which is 206 with those bytes or, if the server ignores ranges, 200 with all."""
    content = scene.library.content(SMALL)
    reply = has_status(ask(scene, _PATH, f"Range: bytes={ranges}"), 206, 200)
    if reply.status == 200:
        scene.is_same("the content", reply.content, content)
        raise NotOffered("it ignores Range, and sends the whole file")
    expected = f"bytes {first}-{last}/{len(content)}"
    if reply.get("content-range") != expected:
        raise Failure(f"Content-Range is '{reply.get('content-range')}', and should be '{expected}'")
    scene.is_same("the content", reply.content, content[first:last + 1])


@SUITE.case("RFC 9110, sections 14.2 and 15.3.7.1")
def range_sends_its_part(scene):
    """sends 206 with the part, and says with Content-Range which it is"""
    size = len(scene.library.content(SMALL))
    for ranges, first, last in (("0-4", 0, 4), ("6-", 6, size - 1), ("3-3", 3, 3), (f"0-{size + 100}", 0, size - 1)):
        _part(scene, ranges, first, last)


@SUITE.case("RFC 9110, section 14.1.2")
def suffix_range_is_the_end(scene):
    """sends the last bytes for `bytes=-5`, and all of them if the file has fewer"""
    size = len(scene.library.content(SMALL))
    _part(scene, "-5", size - 5, size - 1)
    _part(scene, f"-{size + 5}", 0, size - 1)


@SUITE.case("RFC 9110, section 14.2: an invalid Range may be ignored or rejected")
def malformed_range_gives_no_wrong_part(scene):
    """sends the whole file, or a status 4xx, if Range is not understood"""
    for ranges in ("bytes=4-0", "bytes=x-", "lines=1-2", "bytes", "bytes=-"):
        reply = ask(scene, _PATH, f"Range: {ranges}")
        if reply.status == 206:
            raise Failure(f"Range: {ranges} is answered with 206 and {reply.get('content-range')}")
        if reply.status == 200:
            scene.is_same("the content", reply.content, scene.library.content(SMALL))


@SUITE.case("RFC 9110, section 15.5.17", level=SHOULD)
def range_beyond_the_end_is_416(scene):
    """answers a range that begins behind the end with 416 and the size, or ignores it"""
    size = len(scene.library.content(SMALL))
    reply = has_status(ask(scene, _PATH, f"Range: bytes={size}-"), 416, 200)
    if reply.status == 200:
        raise NotOffered("it ignores Range, and sends the whole file")
    if reply.get("content-range") != f"bytes */{size}":
        raise Failure(f"Content-Range is '{reply.get('content-range')}', and should be 'bytes */{size}'")


@SUITE.case("RFC 9110, section 13.1.5")
def part_of_another_version_is_not_sent(scene):
    """sends the whole file if If-Range names another version of it"""
    reply = has_status(ask(scene, _PATH, "Range: bytes=0-4", 'If-Range: "another"'), 200)
    scene.is_same("the content", reply.content, scene.library.content(SMALL))


@SUITE.case("RFC 9110, section 14.2")
def range_is_for_get_alone(scene):
    """ignores Range with HEAD"""
    has_status(ask(scene, _PATH, "Range: bytes=0-4", method="HEAD"), 200)


def _tag(scene):
    """The file's ETag, which is well formed."""
    tag = get_file(scene, SMALL).get("etag")
    if tag is None:
        raise NotOffered("it sends no ETag")
    opaque = tag.removeprefix("W/")
    if len(opaque) < 2 or opaque[0] != '"' or opaque[-1] != '"' or '"' in opaque[1:-1]:
        raise Failure(f"ETag is {tag}, and should be in quotes (RFC 9110, section 8.8.3)")
    return tag


def _is_not_modified(scene, field):
    """304, without content."""
    client = scene.connect()
    client.send(request(_PATH, field))
    has_status(read_reply(client), 304)
    client.expect_end()
    client.close()


@SUITE.case("RFC 9110, sections 13.1.2 and 15.4.5")
def known_version_is_304(scene):
    """answers If-None-Match with 304, without content, if the client has this version"""
    tag = _tag(scene)
    for field in (tag, f'"other", {tag}', "*"):
        _is_not_modified(scene, f"If-None-Match: {field}")
    get_file(scene, SMALL, 'If-None-Match: "another"')


@SUITE.case("RFC 9110, section 8.8.1")
def tag_changes_with_the_file(scene):
    """sends another ETag when the file has changed"""
    tags = []
    for content in (b"one version\n", b"the next version\n"):
        scene.library.write(_CHANGING, content)
        reply = has_status(ask(scene, target_of(_CHANGING)), 200)
        scene.is_same("the content", reply.content, content)
        tags.append(reply.get("etag"))
    if tags[0] is None:
        raise NotOffered("it sends no ETag")
    if tags[0] == tags[1]:
        raise Failure(f"both versions have the ETag {tags[0]}")


@SUITE.case("RFC 9110, section 13.1.1")
def if_match_of_another_version_is_412(scene):
    """does not send a file for If-Match with another version"""
    _tag(scene)
    has_status(ask(scene, _PATH, 'If-Match: "another"'), 412)


@SUITE.case("RFC 9110, section 13.1.3", level=SHOULD)
def unmodified_since_is_304(scene):
    """answers If-Modified-Since with 304 if it is the date of Last-Modified, and with the file if it is older"""
    date = get_file(scene, SMALL).get("last-modified")
    if date is None:
        raise NotOffered("it sends no Last-Modified")
    _is_not_modified(scene, f"If-Modified-Since: {date}")
    get_file(scene, SMALL, f"If-Modified-Since: {_LONG_AGO}")


@SUITE.case("RFC 9110, sections 13.1.3 and 5.6.7")
def wrong_date_is_no_condition(scene):
    """sends the file if the date of If-Modified-Since is none"""
    get_file(scene, SMALL, "If-Modified-Since: yesterday")
