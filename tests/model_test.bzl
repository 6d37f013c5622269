"""model_test: the suite of tests/ for one model, or for one variant of a model. whole_suites: all of it, also for variants that
otherwise run a part. clients_test: real clients against one. privilege_test: the cases of the suite that a sandbox does not
allow."""

load("@rules_cc//cc:defs.bzl", "cc_test")

_PROCESS_MODELS = ["exec", "fork", "multiprocess", "prefork"]

_WHOLE = "whole"

def model_test(name, model, flags = [], part = []):
    """Declares a test that runs all cases against the server with --model=<model>.

    Args:
      name: of the test.
      model: a name of the registry.
      flags: of the variant, for example ["--reap=wait"].
      part: patterns of googletest, if the test runs these cases alone. All of them then run in <name> with "whole_" before
        it, which belongs to whole_suites().
    """

    # For --test_tag_filters: ThreadSanitizer has nothing to find in processes that have one thread.
    tags = ["processes" if model in _PROCESS_MODELS or "--worker_type=process" in flags else "threads"]
    args = ["--model=" + model] + flags
    cc_test(
        name = name,
        size = "medium",
        timeout = "long",  # A minute alone; five on a machine that does three times as much as it can.
        args = args + (["--gtest_filter=" + ":".join(part)] if part else []),
        tags = tags,
        deps = [":every_model_cases"],
    )
    if part:
        cc_test(
            name = "whole_" + name,
            size = "medium",
            timeout = "long",
            args = args,
            tags = tags + [
                _WHOLE,
                "manual",
            ],
            deps = [":every_model_cases"],
        )

def whole_suites(name):
    """Declares a test_suite of the whole suites of all variants that were declared with a part before it. Its tests are no part
    of "//...".

    Args:
      name: of the test_suite.
    """
    native.test_suite(
        name = name,
        tags = ["manual"],
        tests = [":" + rule for rule, about in native.existing_rules().items() if _WHOLE in about["tags"]],
    )

def privilege_test(name, model, flags = []):
    """Declares a test that runs the cases about privileges outside of Bazel's sandbox, where root may become another user.

    Args:
      name: of the test.
      model: a name of the registry.
      flags: of the variant.
    """
    cc_test(
        name = name,
        size = "small",
        args = ["--gtest_filter=PrivilegeTest.*", "--model=" + model] + flags,
        tags = ["local"],
        deps = [":every_model_cases"],
    )

def clients_test(name, model, flags = []):
    """Declares a test that runs programs that others wrote (curl, wget, ...) against the server.

    Args:
      name: of the test.
      model: a name of the registry.
      flags: of the variant.
    """
    cc_test(
        name = name,
        size = "medium",
        args = ["--model=" + model] + flags,
        tags = ["clients"],
        deps = [":client_cases"],
    )
