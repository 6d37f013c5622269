"""What the tiny HTTP server sends of its files: whole ones, parts, conditions, refusals; and the faults in it."""

import email.utils
import hashlib
import os
import re
import urllib.parse

from . import library

FILE_FAULTS = {
    "text_mode": ("reads files as text, and drops the last line end", "get_sends_the_file"),
    "length_too_long": ("announces a byte more than it sends", "content_ends_where_it_is_announced"),
    "length_too_short": ("announces a byte less than it sends", "content_ends_where_it_is_announced"),
    "head_with_content": ("answers HEAD as it answers GET", "head_has_no_content"),
    "no_head": ("does not know HEAD", "head_tells_the_length_that_get_sends"),
    "ok_for_missing": ("answers 200 for a file that is not there, and says so in the text", "missing_file_is_404"),
    "no_date": ("sends no Date", "date_is_there_and_well_formed"),
    "local_date": ("sends the date in a form of its own", "date_is_there_and_well_formed"),
    "no_type": ("sends no Content-Type", "type_is_named"),
    "any_case_of_methods": ("takes get for GET", "methods_have_a_case"),
    "unknown_is_404": ("answers 404 to methods that it does not know", "unknown_method_is_501"),
    "no_allow": ("answers 405 without Allow", "refused_method_comes_with_those_allowed"),
    "no_escapes": ("does not decode escapes", "escaped_names_are_the_same"),
    "query_in_name": ("takes the query for a part of the name", "query_is_not_the_name"),
    "no_absolute_target": ("takes an absolute target for a path", "absolute_target_is_taken"),
    "dot_dot": ("joins names to the root unchecked", "names_do_not_lead_out"),
    "dot_dot_escaped": ("looks for .. before it decodes escapes", "names_do_not_lead_out"),
    "range_off_by_one": ("takes the last byte of a range for one that is not sent", "range_sends_its_part"),
    "no_content_range": ("sends 206 without Content-Range", "range_sends_its_part"),
    "suffix_from_start": ("takes bytes=-5 for the first bytes", "suffix_range_is_the_end"),
    "any_range": ("sends 206 for a range that is none", "malformed_range_gives_no_wrong_part"),
    "no_size_in_416": ("answers 416 without the size", "range_beyond_the_end_is_416"),
    "ignores_if_range": ("sends a part although If-Range names another version", "part_of_another_version_is_not_sent"),
    "range_of_head": ("answers HEAD with 206", "range_is_for_get_alone"),
    "ignores_if_none_match": ("sends the file although the client has this version", "known_version_is_304"),
    "content_with_304": ("sends the file with 304", "known_version_is_304"),
    "one_tag": ("gives all files the same ETag", "tag_changes_with_the_file"),
    "ignores_if_match": ("sends a file for If-Match with another version", "if_match_of_another_version_is_412"),
    "always_304": ("answers any If-Modified-Since with 304", "unmodified_since_is_304"),
    "date_of_today": ("takes a date that is none for today", "wrong_date_is_no_condition"),
}
_REASONS = {200: "OK", 206: "Partial Content", 304: "Not Modified", 400: "Bad Request", 403: "Forbidden", 404: "Not Found",
            405: "Method Not Allowed", 412: "Precondition Failed", 414: "URI Too Long", 416: "Range Not Satisfiable",
            431: "Request Header Fields Too Large", 501: "Not Implemented"}


def answer(server, request, goes_on, status=None):
    """The whole reply to a request; with `status`, to what could not be understood."""
    is_head = bool(request) and request.method == "HEAD"
    if status is None:
        status, fields, content = _reply(server, request)
    else:
        fields, content = [], f"{status}\n".encode()
    length = len(content) + {"length_too_long": 1, "length_too_short": -1}.get(server.fault, 0)
    date = "today" if server.fault == "local_date" else email.utils.formatdate(usegmt=True)
    lines = [f"HTTP/1.1 {status} {_REASONS[status]}", *([f"Date: {date}"] if server.fault != "no_date" else []),
             *fields, *([f"Content-Length: {max(0, length)}"] if status != 304 else []),
             *([] if goes_on else ["Connection: close"])]
    has_content = not is_head or server.fault == "head_with_content"
    if status == 304 and server.fault != "content_with_304":
        has_content = False
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (content if has_content else b"")


def _reply(server, request):
    """(status, field lines, content)."""
    fault, method = server.fault, request.method
    if fault == "any_case_of_methods":
        method = method.upper()
    if fault == "no_head" and method == "HEAD":
        return 501, [], b""
    if method not in ("GET", "HEAD"):
        if method in ("DELETE", "PUT", "POST"):
            return 405, [] if fault == "no_allow" else ["Allow: GET, HEAD"], b"405\n"
        return 404 if fault == "unknown_is_404" else 501, [], b""
    try:
        content = library.read(server.root, _name(server, request.target), not fault.startswith("dot_dot"))
    except (library.Refused, ValueError) as why:
        return 200 if fault == "ok_for_missing" else 404, ["Content-Type: text/plain"], f"{why}\n".encode()
    return _of_file(server, request, content)


def _name(server, target):
    """The name of a file, of a target in one of its forms."""
    fault = server.fault
    if fault == "mixes_replies":
        server.target = target
        server.stopped.wait(0.05)  # So that others come in between.
        target = server.target
    if fault != "no_absolute_target":
        target = re.sub(r"^http://[^/?]*", "", target)
    path = target if fault == "query_in_name" else target.partition("?")[0]
    if fault == "dot_dot_escaped" and ".." in path:
        raise ValueError("that leads out")
    return (path if fault == "no_escapes" else urllib.parse.unquote(path)).removeprefix("/")


def _of_file(server, request, content):
    fault = server.fault
    if fault == "text_mode":
        content = content.removesuffix(b"\n")
    tag = '"same"' if fault == "one_tag" else f'"{hashlib.sha256(content).hexdigest()[:16]}"'
    date = email.utils.formatdate(_modified(server, request), usegmt=True)
    fields = [f"ETag: {tag}", f"Last-Modified: {date}", "Accept-Ranges: bytes"]
    if fault != "no_type":
        fields.append("Content-Type: application/octet-stream")
    status = _condition(fault, request, tag, date)
    if status:
        return status, fields, content if fault == "content_with_304" else b""
    ranges = request.get("range")
    is_wanted = request.method == "GET" or fault == "range_of_head"
    if_range = request.get("if-range")
    if ranges and is_wanted and (if_range in (None, tag, date) or fault == "ignores_if_range"):
        return _part(fault, ranges, content, fields)
    return 200, fields, content


def _modified(server, request):
    try:
        return int(os.stat(os.path.join(server.root, _name(server, request.target))).st_mtime)
    except (OSError, ValueError):
        return 0


def _condition(fault, request, tag, date):
    """412 or 304; None if the file is to be sent (RFC 9110, section 13.2.2)."""
    def names(field):
        return [one.strip() for one in (request.get(field) or "").split(",") if one.strip()]

    if names("if-match") and fault != "ignores_if_match" and not {tag, "*"} & set(names("if-match")):
        return 412
    if names("if-none-match"):
        return 304 if {tag, "*"} & set(names("if-none-match")) and fault != "ignores_if_none_match" else None
    since = request.get("if-modified-since")
    if since is None:
        return None
    if fault == "always_304":
        return 304
    try:
        asked = email.utils.parsedate_to_datetime(since)
    except (TypeError, ValueError):
        return 304 if fault == "date_of_today" else None
    return 304 if asked >= email.utils.parsedate_to_datetime(date) else None


def _part(fault, ranges, content, fields):
    """One range; what is not understood is ignored."""
    size = len(content)
    match = re.fullmatch(r"bytes=(?:(\d+)-(\d*)|-(\d+))", ranges)
    if match and match[1]:
        first, last = int(match[1]), min(size - 1, int(match[2] or size - 1))
    elif match:
        first, last = max(0, size - int(match[3])), size - 1
        if fault == "suffix_from_start":
            first, last = 0, min(size, int(match[3])) - 1
    if not match or (match[1] and match[2] and int(match[2]) < first):
        if fault == "any_range":
            return 206, [*fields, f"Content-Range: bytes 0-{size - 1}/{size}"], content
        return 200, fields, content
    if first >= size:
        return 416, [] if fault == "no_size_in_416" else [f"Content-Range: bytes */{size}"], b""
    place = [] if fault == "no_content_range" else [f"Content-Range: bytes {first}-{last}/{size}"]
    return 206, [*fields, *place], content[first:last + (0 if fault == "range_off_by_one" else 1)]
