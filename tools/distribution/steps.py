"""A trial, step by step: each is a promise that is kept or not."""


def expect(condition, what):
    """To be called in a step: fails it, with the reason, if the condition does not hold."""
    if not condition:
        raise AssertionError(what)


def take(steps):
    """Takes one step (its name, a function) after the other, up to the first that fails, and prints a line for each. 0: all went well."""
    for number, (name, step) in enumerate(steps):
        try:
            step()
        except AssertionError as error:
            print(f"package: it {name}: FAILED: {error}\n{number} passed, 1 failed")
            return 1
        print(f"package: it {name}", flush=True)
    print(f"{len(steps)} passed, 0 failed")
    return 0
