"""tools/conform from its command line to its exit status."""

import argparse
import contextlib
import os
import sys

from . import proof, report, runner, suites
from .asked import AskedServer
from .peers import parse_address
from .scene import Library, LibraryError

CONFORMS, DIFFERS, USAGE = 0, 1, 2
_EPILOG = """status: 0 the server does all that it must, 1 it does not, 2 it could not be asked.
Levels are those of RFC 2119: only what a server must do, and does not, makes the status 1."""


class UsageError(Exception):
    """The command line makes no sense; the text says what to do."""


def _parser(description):
    parser = argparse.ArgumentParser(prog="tools/conform", description=description, epilog=_EPILOG,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    for service, suite in suites.ALL.items():
        add(f"--{service}", metavar="HOST:PORT",
            help=f"a server of {service}" + (", which serves --root" if suite.needs_root else "")
            + (", whose first server of --relay_to is --asked" if suite.needs_asked else ""))
    add("--root", metavar="DIR", help="the directory, on this machine, whose files the server serves; the cases put files of "
        "their own there, whose names begin with conform-, and remove them at the end")
    add("--asked", metavar="HOST:PORT", help="where the server of relay asks its questions: the tool itself listens there")
    add("--one_client_at_a_time", action="store_true", help="leave out what takes a server of several clients at once")
    add("--only", metavar="CASES", help="comma-separated: http/head_has_no_content, head*, ...")
    add("--list", action="store_true", help="print the cases, and run none")
    add("--json", action="store_true", help="print the results as JSON")
    add("--junit", action="store_true", help="print the results as JUnit's XML")
    add("--prove", action="store_true", help="run the cases against servers with a fault each, and against correct ones, and "
        "print the score")
    return parser


def _chosen(services, only):
    """service -> its cases; UsageError if a name of --only means none."""
    patterns = [part.strip() for part in (only or "*").split(",") if part.strip()]
    cases = {service: suites.ALL[service].cases for service in services}
    for pattern in patterns:
        if not any(case.matches(pattern) for own in cases.values() for case in own):
            raise UsageError(f"--only: no case of {', '.join(cases)} is called '{pattern}'; --list names them")
    return {service: [case for case in own if any(map(case.matches, patterns))] for service, own in cases.items()}


def _addresses(options):
    """service -> "HOST:PORT", of those that were given."""
    given = {service: getattr(options, service.replace("-", "_")) for service in suites.ALL}
    given = {service: address for service, address in given.items() if address}
    for service, address in given.items():
        try:
            parse_address(address)
        except ValueError as error:
            raise UsageError(f"--{service}: {error}") from error
    return given


def _library(options, given):
    """The library, as a context manager; one that does nothing if no service needs files."""
    needing = [service for service in given if suites.ALL[service].needs_root]
    if not needing:
        return contextlib.nullcontext()
    if not options.root:
        raise UsageError(f"--{needing[0]} needs --root, the directory that the server serves")
    if not os.path.isdir(options.root):
        raise UsageError(f"--root: there is no directory {options.root}")
    return Library(options.root)


def _asked(options, given):
    """The server that a server of relay asks, as a context manager; one that does nothing if none is given."""
    if not any(suites.ALL[service].needs_asked for service in given):
        return contextlib.nullcontext()
    if not options.asked:
        raise UsageError("--relay needs --asked, the address of the first server that it may ask; the tool listens there")
    try:
        return AskedServer(at=parse_address(options.asked))
    except (ValueError, OSError) as error:
        raise UsageError(f"--asked: {error}") from error


def _run(options, given):
    """(results, what is known of the servers). Prints each result as it comes, unless all are printed at the end."""
    cases, results, servers = _chosen(given, options.only), [], {}
    is_text = not (options.json or options.junit)
    with _library(options, given) as library, _asked(options, given):
        for service, address in given.items():
            if not cases[service]:
                continue
            patience = runner.measure(suites.ALL[service], address, library)
            servers[service] = {"address": address, "round_trip_s": round(patience.round_trip_s, 6)}
            if is_text:
                print(f"conform: {service} at {address}: a round trip takes {1000 * patience.round_trip_s:.2f} ms, so a reply "
                      f"may take {patience.wait_s:.1f} s")
            for result in runner.run(cases[service], address, library, patience, options.one_client_at_a_time):
                results.append(result)
                if is_text:
                    print(report.line(result), flush=True)
    return results, servers


def _work(options):
    given = _addresses(options)
    if options.prove:
        return CONFORMS if proof.prove(print) else DIFFERS
    if options.list:
        print(report.listing(case for own in _chosen(given or suites.ALL, options.only).values() for case in own))
        return CONFORMS
    if not given:
        raise UsageError("name a server, such as --http=127.0.0.1:8080 --root=DIR; see --help")
    results, servers = _run(options, given)
    if options.json:
        print(report.as_json(results, servers))
    elif options.junit:
        print(report.as_junit(results))
    else:
        print(report.closing(results))
    return DIFFERS if any(result.is_fatal for result in results) else CONFORMS


def main(description, arguments=None):
    options = _parser(description).parse_args(arguments)
    try:
        return _work(options)
    except (UsageError, LibraryError, runner.NotThere) as error:
        print(f"conform: {error}", file=sys.stderr)
        return USAGE
