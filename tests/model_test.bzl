"""model_test: the suite of tests/ for one model, or for one variant of a model."""

load("@rules_cc//cc:defs.bzl", "cc_test")

_PROCESS_MODELS = ["fork", "multiprocess", "prefork"]

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
