"""model_test: the suite of tests/ for one model, or for one variant of a model. clients_test: real clients against one.
privilege_test: the cases of the suite that a sandbox does not allow."""

load("@rules_cc//cc:defs.bzl", "cc_test")

_PROCESS_MODELS = ["exec", "fork", "multiprocess", "prefork"]

def model_test(name, model, flags = []):
    """Declares a test that runs all cases against the server with --model=<model>.

    Args:
      name: of the test.
      model: a name of the registry.
      flags: of the variant, for example ["--reap=wait"].
    """
    cc_test(
        name = name,
        size = "medium",
        args = ["--model=" + model] + flags,
        # For --test_tag_filters: ThreadSanitizer has nothing to find in processes that have one thread.
        tags = ["processes" if model in _PROCESS_MODELS or "--worker_type=process" in flags else "threads"],
        deps = [":every_model_cases"],
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
