"""python_test: a file of Python's unittest, run by /usr/bin/python3. Bazel's own py_test takes any Python on the path, which
need not have Debian's packages."""

def python_test(name, srcs, data = [], size = "small", tags = []):
    """Declares a test that runs <name>.py of this package.

    Args:
      name: of the test, and of its file.
      srcs: what it imports.
      data: what else it reads or runs.
      size: as everywhere in Bazel.
      tags: as everywhere in Bazel.
    """
    native.sh_test(
        name = name,
        size = size,
        srcs = ["//tools:run_unittest.sh"],
        args = [native.package_name() + "/" + name + ".py"],
        data = [name + ".py"] + srcs + data,
        tags = tags,
    )
