"""fuzz_target: a function that is fed with anything, as a libFuzzer program and as a test of the inputs that are kept."""

load("@rules_cc//cc:defs.bzl", "cc_binary", "cc_library", "cc_test")

def fuzz_target(name, deps):
    """Declares NAME_fuzz (for tools/fuzz) and NAME_seeds_test (all of seeds/NAME.tar, in the ordinary tests).

    Args:
      name: of NAME.cc, which defines LLVMFuzzerTestOneInput(), and of the archive of its seeds.
      deps: of NAME.cc.
    """
    cc_library(
        name = name,
        srcs = [name + ".cc"],
        deps = deps,
        alwayslink = True,
    )
    cc_binary(
        name = name + "_fuzz",
        linkopts = ["-fsanitize=fuzzer"],
        tags = ["manual"],  # Needs clang, and --config=fuzz.
        deps = [":" + name],
    )
    cc_test(
        name = name + "_seeds_test",
        size = "small",
        args = ["tests/fuzz/seeds/%s.tar" % name],
        data = ["seeds/%s.tar" % name],
        deps = [
            ":" + name,
            ":seeds_test",
        ],
    )
