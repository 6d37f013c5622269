"""The command line of tools/grade."""

import argparse
import contextlib
import os
import sys

from . import build, checks, grade, my_model, orphans, prove, quota as quota_, report

_FORMATS = {"json": report.as_json, "junit": report.as_junit, "csv": report.as_csv}


def parser(description):
    result = argparse.ArgumentParser(prog="grade", description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    result.add_argument("exercise", nargs="*", metavar="EXERCISE [FILE...]",
                        help="a folder of course/exercises, and the files to grade (its own faulty program by default)")
    result.add_argument("--list", action="store_true", help="name the exercises")
    result.add_argument("--seed", type=int, metavar="N", help="only the schedule of this seed, as a failure names it")
    result.add_argument("--runs", type=int, metavar="N", help="seeds to try (default: 3; 100 with --prove)")
    result.add_argument("--slow", action="store_true", help="give the program a tenth of a processor")
    for name in _FORMATS:
        result.add_argument(f"--{name}", dest="format", action="store_const", const=name, help=f"print {name.upper()}")
    result.add_argument("--dir", action="append", metavar="PATH",
                        help=f"with {my_model.NAME}: a folder made from {my_model.FOLDER}; may be repeated")
    result.add_argument("--case", metavar="NAME",
                        help=f"with {my_model.NAME}: run only this case of the suite, or a pattern, and show all that it prints")
    result.add_argument("--no_measure", action="store_true",
                        help=f"with {my_model.NAME}: do not measure a model that is right beside others")
    result.add_argument("--prove", action="store_true",
                        help="put the grader on trial: faulty programs must always fail, solutions never (EXERCISE... or all)")
    result.add_argument("--jobs", type=int, metavar="N", default=os.cpu_count() or 1, help="with --prove: runs at a time")
    return result


def _grade_model(options, error):
    """my_model: a folder instead of files, and no schedules."""
    if options.exercise[1:] or options.seed is not None or options.runs or options.slow:
        error(f"{my_model.NAME} takes --dir, --case and --no_measure, but no files, and no schedules")
    folders = options.dir or [os.path.relpath(os.path.join(build.TOP, my_model.FOLDER))]
    if options.case:
        return max(my_model.show(folder, options.case) for folder in folders)

    def tell(text):
        print(f"grade: {text}", file=sys.stderr, flush=True)

    results = [my_model.grade(folder, tell) for folder in folders]
    sys.stdout.write(_FORMATS.get(options.format, report.text)(results))
    sys.stdout.flush()
    right = all(result.passed for result in results)
    if right and len(folders) == 1 and not (options.format or options.no_measure):
        my_model.measure(folders[0], tell)
    return 0 if right else 1


def _exercise(name, error):
    if name not in checks.EXERCISES:
        error(f"no exercise {name}; there are: {', '.join(checks.EXERCISES)}")
    return checks.EXERCISES[name]


def _prove(options, error):
    chosen = [_exercise(name, error) for name in options.exercise] or list(checks.EXERCISES.values())
    failed = False
    for trial in prove.trials(build.TOP, chosen, options.runs or 100, options.jobs):
        failed = failed or bool(trial.bad)
        print(prove.line(trial), flush=True)
    return 1 if failed else 0


def _grade(options, error):
    exercise = _exercise(options.exercise[0], error)
    files = options.exercise[1:] or [os.path.relpath(prove.source(build.TOP, "exercises", exercise))]
    seeds = [options.seed] if options.seed is not None else range(1, (options.runs or 3) + 1)
    with contextlib.closing(quota_.tenth() if options.slow else quota_.Whole()) as quota:
        grader = grade.Grader(quota)
        results = [grader.grade(exercise, file, seeds) for file in files]
    sys.stdout.write(_FORMATS.get(options.format, report.text)(results))
    return 0 if all(result.passed for result in results) else 1


def main(description):
    arguments = parser(description)
    options = arguments.parse_args()
    if options.list:
        print("\n".join([*checks.EXERCISES, my_model.NAME]))
        return 0
    if not options.exercise and not options.prove:
        arguments.error("which exercise? --list names them")
    if options.exercise[:1] == [my_model.NAME] and not options.prove:
        return _grade_model(options, arguments.error)
    if options.dir or options.case or options.no_measure:
        arguments.error(f"--dir, --case and --no_measure are for {my_model.NAME}")
    orphans.adopt()
    return _prove(options, arguments.error) if options.prove else _grade(options, arguments.error)
