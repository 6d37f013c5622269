"""The pictures of docs/models.md: for each model the scene that shows what is its own, and where its picture is."""

import os

FOLDER = os.path.join("docs", "pictures", "xray")
PAGE = os.path.join("docs", "models.md")
WIDTH = 900  # In pixels: as wide as a page on GitHub shows it without making it smaller.
MOST_BYTES = 20_000  # Of each picture.

# A pool has a worker less than there are clients, so that the last of them waits for one. Threads that take turns are easier to
# follow if there are two; of leader, a request has to take longer than it takes a thread to wake up.
_SCENES = {"prefork": ["--model=prefork --workers=2", "--clients=3"],
           "threadpool": ["--model=threadpool --workers=2", "--clients=3"],
           "hybrid": ["--model=hybrid --workers=2 --threads=2", "--clients=3"],
           "leader": ["--model=leader --workers=2", "--service=compute", "--clients=2"],
           "halfsync": ["--model=halfsync --workers=2", "--clients=2"],
           "staged": ["--model=staged", "--service=compute", "--clients=2"],
           "stealing": ["--model=stealing --workers=2", "--service=compute", "--clients=2"]}


def arguments(model):
    """Those of tools/xray that draw its picture."""
    return _SCENES.get(model, [f"--model={model}", "--clients=2"])


def path(model):
    """From the root of the repository."""
    return os.path.join(FOLDER, f"{model}.svg")
