"""file-unframed: the files in the dialect of the Python course, as its clients see it: a whole send is a command, and what one
recv() returns is a line."""

import time

from . import several
from .case import Failure, NotOffered, Suite
from .peers import shown
from .scene import BLOCK, FOLDER, HIDDEN, LARGE, MARKS, MIDDLE, PREFIX, SMALL, some_bytes

_DIALECT = "docs/protocols.md, file-unframed"
_MISTAKES = "docs/course.md, Mistakes of the notes' examples"
_MODELS = "docs/models.md, the first table: a silent client"
_PAUSE_S = 0.1  # The dialect's.
_TRIES = 3  # A busy machine may take both ends of a pause for none.
_MISSING = "conform-missing"


def _refusal(client, command):
    """Fails unless the answer is a text other than OK."""
    client.send(command)
    answer = client.piece(128)
    if not answer or answer.startswith(b"OK"):
        raise Failure(f"the answer to {shown(command)} is {shown(answer)}, and should be a text that says why not")


def _talk(client, number):
    _refusal(client, f"G {_MISSING}{number}".encode())


SUITE = Suite("file-unframed", lambda scene: _talk(scene.connect(), 0), needs_root=True)


def _is_ok(client, command, what):
    """Whether the answer is OK, alone; Failure if it is a refusal."""
    client.send(command)
    answer = client.piece(128)
    if not answer.startswith(b"OK"):
        raise Failure(f"the answer to {shown(command)} is {shown(answer)}, and should be OK")
    if answer != b"OK":
        raise Failure(f"OK and {what} arrive together, as {shown(answer)}: a client that compares the whole answer with OK "
                      "takes it for a refusal")


def _content(client, name):
    """The bytes up to `##` in a recv() of its own, as the course's client reads them."""
    got = b""
    while True:
        piece = client.piece(1024)
        if piece == b"##":
            return got
        if not piece:
            glued = ": it ends the last piece, where a client cannot tell it from the file" if got.endswith(b"##") else ""
            raise Failure(f"no `##` of its own comes behind {name}{glued}")
        got += piece


def _get(client, name):
    _is_ok(client, f"G {name}".encode(), "the file")
    return _content(client, name)


def _several_tries(scene, attempt):
    """A pause that the client misses, since its machine was busy, looks like one that the server did not make."""
    for left in reversed(range(_TRIES)):
        client = scene.connect()
        try:
            attempt(client)
            return
        except Failure:
            if not left:
                raise
            scene.note("once more, since a busy machine can miss a pause")
        finally:
            client.close()


@SUITE.case(_DIALECT)
def list_comes_behind_ok_and_a_pause(scene):
    """answers `L` with OK, a pause of 0.1 s, and the names of the files, each followed by `#`"""
    def attempt(client):
        _is_ok(client, b"L", "the list")
        names = client.piece(1 << 16)
        while names and not names.endswith(b"#"):
            more = client.piece(1 << 16)
            names = names + more if more else b""
        found = names.decode("utf-8", "replace").split("#")[:-1]
        missing = {SMALL, MIDDLE, MARKS} - set(found)
        if missing:
            raise Failure(f"{missing.pop()} is not in the list, which is {shown(names)}")
    _several_tries(scene, attempt)


@SUITE.case(_DIALECT)
def list_names_visible_files_alone(scene):
    """lists neither hidden files nor directories"""
    client = scene.connect()
    client.send(b"L")
    got = client.read(2)
    time.sleep(_PAUSE_S)
    names = (got + client.piece(1 << 16)).decode("utf-8", "replace").removeprefix("OK").split("#")
    wrong = {HIDDEN, FOLDER} & set(names)
    if wrong:
        raise Failure(f"the list has {wrong.pop()}")


@SUITE.case(_DIALECT)
def file_comes_between_ok_and_its_mark(scene):
    """sends OK, a pause, the bytes, a pause, and `##`, so that each is a recv() of its own"""
    def attempt(client):
        scene.is_same(SMALL, _get(client, SMALL), scene.library.content(SMALL))
    _several_tries(scene, attempt)


@SUITE.case(_DIALECT + ", and protocol/file_unframed.h")
def file_of_whole_blocks(scene):
    """ends a file whose size is a multiple of 1024 with a `##` of its own, too"""
    def attempt(client):
        scene.is_same(BLOCK, _get(client, BLOCK), scene.library.content(BLOCK))
    _several_tries(scene, attempt)


@SUITE.case(_DIALECT + ", and protocol/file_unframed.h")
def marks_in_a_file_do_not_end_it(scene):
    """sends a file whole that has `##` in it"""
    def attempt(client):
        scene.is_same(MARKS, _get(client, MARKS), scene.library.content(MARKS))
    _several_tries(scene, attempt)


@SUITE.case(_DIALECT, waits=30)
def long_file_is_whole(scene):
    """sends a file of 200,000 bytes whole; by SHA-256"""
    def attempt(client):  # Of a much longer one so much waits in the client's buffer that the pause is over before it is read.
        scene.is_same(MIDDLE, _get(client, MIDDLE), scene.library.content(MIDDLE))
    _several_tries(scene, attempt)


@SUITE.case(_DIALECT)
def missing_file_is_refused_with_a_text(scene):
    """answers `G` for a file that is not there with a text instead of OK, and goes on"""
    client = scene.connect()
    _talk(client, 0)
    _talk(client, 1)


@SUITE.case(_MISTAKES)
def names_do_not_lead_out(scene):
    """refuses names that lead out of the library"""
    client = scene.connect()
    for name in ("../" * 12 + "etc/passwd", "/etc/passwd"):
        _refusal(client, f"G {name}".encode())


def _put(scene, client, name, content):
    """As the course's client does it."""
    client.send(f"P {name}".encode())
    answer = client.piece(128)
    if answer != b"OK":
        raise NotOffered(f"it takes no uploads: {shown(answer)}")
    time.sleep(_PAUSE_S)
    for at in range(0, len(content), 1024):
        client.send(content[at:at + 1024])
    time.sleep(_PAUSE_S)
    client.send(b"##")
    # The end is not answered: the next command of the same client is read when the file is in place.
    time.sleep(_PAUSE_S)
    _talk(client, 0)
    scene.is_same(f"{name} in the directory", scene.library.read(name) or b"", content)


@SUITE.case(_DIALECT, waits=15)
def put_stores_the_file(scene):
    """answers `P` with OK, and stores what comes until a separate `##`"""
    for number, content in enumerate((b"a few bytes", some_bytes(10_000, 8), some_bytes(2048, 9))):
        _several_tries(scene, lambda client, name=f"{PREFIX}put{number}", content=content: _put(scene, client, name, content))


@SUITE.case(_DIALECT + ", and protocol/file_unframed.h")
def marks_within_a_chunk_do_not_end_an_upload(scene):
    """stores `##` that comes within the content"""
    _several_tries(scene, lambda client: _put(scene, client, PREFIX + "put-marks", scene.library.content(MARKS)))


@SUITE.case(_DIALECT)
def quit_closes(scene):
    """closes the connection at `Q`, and serves the next client"""
    client = scene.connect()
    client.send(b"Q")
    client.expect_end()
    client.close()
    _talk(scene.connect(), 0)


@SUITE.case(several.OWN_END)
def client_that_breaks_off_harms_no_other(scene):
    """goes on serving others when a client breaks off within a file"""
    several.after_broken_off(scene, _talk, f"G {LARGE}".encode())


@SUITE.case(_MODELS, clients=2)
def clients_in_reverse_order(scene):
    """serves whichever client asks, not the one that came first"""
    several.in_reverse_order(scene, _talk)
