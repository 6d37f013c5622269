"""http: what a server of static files has to do with requests that are right: methods, names, fields."""

import email.utils
import re

from . import several
from .case import SHOULD, Failure, NotOffered, Suite
from .http_wire import ask, get_file, has_status, read_reply, request, target_of
from .peers import shown
from .scene import EMPTY, FOLDER, LARGE, SMALL, SPACED

_MISSING = "/conform-missing"
_DATE = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} "
                   r"\d\d:\d\d:\d\d GMT")

SUITE = Suite("http", lambda scene: ask(scene, target_of(SMALL)), needs_root=True)


@SUITE.case("RFC 9110, section 9.3.1")
def get_sends_the_file(scene):
    """answers GET with 200 and the bytes of the file, also of an empty one and of one in a folder"""
    for name in (SMALL, EMPTY, f"{FOLDER}/inner.txt"):
        get_file(scene, name)


@SUITE.case("RFC 9110, section 8.6", waits=20)
def large_file_is_whole(scene):
    """sends a file of 3 MiB whole, as long as it has announced; by SHA-256"""
    get_file(scene, LARGE)


@SUITE.case("RFC 9112, section 6.3")
def content_ends_where_it_is_announced(scene):
    """sends exactly as much content as Content-Length says, and nothing behind it"""
    for name in (SMALL, EMPTY):
        client = scene.connect()
        client.send(request(target_of(name)))
        reply = has_status(read_reply(client), 200)
        scene.is_same(f"the content of {name}", reply.content, scene.library.content(name))
        client.expect_end()
        client.close()


@SUITE.case("RFC 9110, section 9.3.2")
def head_has_no_content(scene):
    """answers HEAD with a header section alone"""
    for target in (target_of(SMALL), _MISSING):
        client = scene.connect()
        client.send(request(target, method="HEAD"))
        has_status(read_reply(client, "HEAD"), 200, 404)
        client.expect_end()
        client.close()


@SUITE.case("RFC 9110, sections 9.1 and 8.6")
def head_tells_the_length_that_get_sends(scene):
    """supports HEAD; if it has a Content-Length, it is that of the file"""
    reply = has_status(ask(scene, target_of(SMALL), method="HEAD"), 200)
    length, size = reply.get("content-length"), len(scene.library.content(SMALL))
    if length is not None and length != str(size):
        raise Failure(f"Content-Length is {length}, and the file has {size} bytes")


@SUITE.case("RFC 9110, section 15.5.5")
def missing_file_is_404(scene):
    """answers a request for a file that is not there with 404"""
    has_status(ask(scene, _MISSING), 404)


@SUITE.case("RFC 9110, section 6.6.1")
def date_is_there_and_well_formed(scene):
    """sends the date with its replies, in the form of RFC 9110, section 5.6.7"""
    for target in (target_of(SMALL), _MISSING):
        date = ask(scene, target).get("date")
        if date is None or not _DATE.fullmatch(date) or email.utils.parsedate_to_datetime(date) is None:
            raise Failure("there is no Date" if date is None else f"Date is '{date}'")


@SUITE.case("RFC 9110, section 8.3", level=SHOULD)
def type_is_named(scene):
    """says with Content-Type what a file is"""
    if not get_file(scene, SMALL).get("content-type"):
        raise Failure("there is no Content-Type")


@SUITE.case("RFC 9110, section 5.1")
def names_of_fields_have_no_case(scene):
    """takes `hOsT` for Host and `CONNECTION: Close` for Connection: close"""
    client = scene.connect()
    client.send(request(target_of(SMALL), "hOsT: localhost", "CONNECTION: Close", host=None, close=False))
    has_status(read_reply(client), 200)
    client.expect_end()


@SUITE.case("RFC 9110, section 9.1")
def methods_have_a_case(scene):
    """does not take `get` for GET"""
    reply = ask(scene, target_of(SMALL), method="get")
    if reply.status < 400:
        raise Failure(f"it carries out 'get', with {reply.status}")


@SUITE.case("RFC 9110, section 9.1", level=SHOULD)
def unknown_method_is_501(scene):
    """answers a method that it does not know with 501"""
    has_status(ask(scene, target_of(SMALL), method="CONFORM"), 501)


@SUITE.case("RFC 9110, section 15.5.6")
def refused_method_comes_with_those_allowed(scene):
    """says with 405 which methods are allowed, by Allow"""
    reply = ask(scene, target_of(SMALL), method="DELETE")
    if reply.status < 400:
        raise Failure(f"it carries out DELETE, with {reply.status}")
    if reply.status != 405:
        raise NotOffered(f"it answers DELETE with {reply.status}")
    if "GET" not in (reply.get("allow") or ""):
        raise Failure(f"Allow is {reply.get('allow')}, and should name GET")


@SUITE.case("RFC 3986, sections 2.1 and 2.3")
def escaped_names_are_the_same(scene):
    """decodes %-escapes: `%2D` is `-`, `%20` a space"""
    get_file(scene, SPACED)
    reply = has_status(ask(scene, target_of(SMALL).replace("-", "%2D").replace(".", "%2e")), 200)
    scene.is_same("the content", reply.content, scene.library.content(SMALL))


@SUITE.case("RFC 3986, section 3.4: a query is no part of the path", level=SHOULD)
def query_is_not_the_name(scene):
    """sends a file for its path, whatever the query is"""
    has_status(ask(scene, target_of(SMALL) + "?version=2"), 200)


@SUITE.case("RFC 9112, section 3.2.2")
def absolute_target_is_taken(scene):
    """accepts `GET http://host/path`"""
    reply = has_status(ask(scene, "http://localhost" + target_of(SMALL)), 200)
    scene.is_same("the content", reply.content, scene.library.content(SMALL))


@SUITE.case("RFC 9110, section 17.3")
def names_do_not_lead_out(scene):
    """sends nothing that lies outside the directory, however the path is written"""
    up = 12
    for target in ("/" + "../" * up + "etc/passwd", "/" + "%2e%2e/" * up + "etc/passwd", "/" + "..%2f" * up + "etc/passwd",
                   f"/{FOLDER}/" + "../" * up + "etc/passwd", "//etc/passwd", "/%2fetc/passwd"):
        client = scene.connect()
        client.send(request(target))
        got = client.read_to_end()
        if b"root:" in got:
            raise Failure(f"GET {target} is answered with the system's own file: {shown(got)}")
        client.close()


def _http10(scene, *fields):
    client = scene.connect()
    client.send(request(target_of(SMALL), *fields, version="HTTP/1.0", host=None, close=False))
    reply = has_status(read_reply(client), 200)
    if reply.get("transfer-encoding"):
        raise Failure(f"a reply to HTTP/1.0 has Transfer-Encoding: {reply.get('transfer-encoding')}")
    scene.is_same("the content", reply.content, scene.library.content(SMALL))
    return client


@SUITE.case("RFC 9112, sections 6.1 and 9.3")
def http10_is_served_and_closed(scene):
    """answers HTTP/1.0 without Host, sends no Transfer-Encoding, and then closes"""
    _http10(scene).expect_end()


def _talk(client, number):
    client.send(request(target_of(SMALL)))
    has_status(read_reply(client), 200)


@SUITE.case(several.OWN_END)
def client_that_breaks_off_harms_no_other(scene):
    """goes on serving others when a client breaks off, within its request or within the reply"""
    several.after_broken_off(scene, _talk, b"GET /half HTT")
    several.after_broken_off(scene, _talk, request(target_of(LARGE)))


@SUITE.case("docs/models.md, the first table: a silent client", clients=2)
def clients_in_reverse_order(scene):
    """serves whichever client asks, not the one that came first; browsers open connections that say nothing"""
    several.in_reverse_order(scene, _talk)


@SUITE.case("docs/models.md, the first table: a silent client", clients=2)
def half_a_head_keeps_no_other_waiting(scene):
    """serves a client while another one has sent half of the head of a request"""
    several.beside_silent_one(scene, _talk, f"GET {target_of(SMALL)} HTTP/1.1\r\nHos".encode())


@SUITE.case("docs/models.md, the first table: a silent client", clients=2)
def clients_get_their_own_replies(scene):
    """sends each client the file that it has asked for, also when several ask at a time"""
    names = (SMALL, SPACED, f"{FOLDER}/inner.txt", EMPTY)
    clients = [scene.connect() for _ in names]
    for client, name in zip(clients, names):
        client.send_pieces(several.splits(request(target_of(name)))[20])
    for client, name in reversed(list(zip(clients, names))):
        scene.is_same(name, has_status(read_reply(client), 200).content, scene.library.content(name))
