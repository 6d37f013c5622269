"""The page of the lab, in one file: style, script, and, if it plays a recording, the events. It loads nothing from elsewhere, and
its Content-Security-Policy allows nothing but this very style and script."""

import base64
import hashlib
import json
import os

_FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "page")
_SCRIPTS = ("picture.js", "charts.js", "cards.js", "source.js", "lab.js")


def _content(name):
    with open(os.path.join(_FOLDER, name), encoding="utf-8") as file:
        return file.read()


def _hash(text):
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def _policy(style, script, connects):
    return (f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; connect-src {connects}; img-src data:; "
            "base-uri 'none'; form-action 'none'")


def embedded(events):
    """JSON that may stand in a page: no part of it can end its element."""
    return json.dumps(events, separators=(",", ":")).replace("<", "\\u003c")


def build(events=None):
    """(HTML, its Content-Security-Policy). With the events of a recording it plays them, and needs no server; without, it is for
    the lab's own server (web.py)."""
    style = _content("lab.css")
    script = "\n".join(_content(name) for name in _SCRIPTS)
    policy = _policy(style, script, "'none'" if events else "'self'")
    html = _content("lab.html")
    # In one pass from the end to the beginning nothing that was put in is looked at again.
    for mark, text in (("@SCRIPT@", script), ("@RECORDING@", embedded(events) if events else "null"), ("@STYLE@", style),
                       ("@POLICY@", policy)):
        before, _, after = html.partition(mark)
        html = before + text + after
    return html, policy
