"""own_model: the server with one model more, and the suite that every model has to pass."""

load("@rules_cc//cc:defs.bzl", "cc_binary", "cc_test")

def own_model(name):
    """Declares ":server", which has this model beside the built-in ones, and ":suite", which tests it.

    Args:
      name: of the model's cc_library in this package, and of the model itself, in --model.
    """
    cc_binary(
        name = "server",
        deps = [
            ":" + name,
            "//:server_main",
        ],
    )
    cc_test(
        name = "suite",
        size = "medium",
        args = ["--model=" + name],
        data = [":server"],
        env = {"POLYSERVE_TESTED_SERVER": native.package_name() + "/server"},
        # It is to fail until the model is right.
        tags = ["manual"],
        deps = [
            ":" + name,
            "//tests:every_model_cases",
        ],
    )
