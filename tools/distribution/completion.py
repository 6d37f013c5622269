"""The completion of bash, zsh and fish, from the help of the programs. Each function makes a file for one program; `names` are the
commands that it is for."""

import re
import shlex

# What a value is, by what stands for it in the help.
DIRECTORY = ("DIR", "DIRECTORY")
FILE = ("FILE", "PATH")


def brief(text, most=70):
    """The first words, up to a stop: a menu has one line for each flag."""
    text = re.split(r"[;:(]|\. ", text)[0].strip()
    if len(text) <= most:
        return text
    return text[:most].rsplit(" ", 1)[0] + " ..."


def _words(entry):
    """What is typed for a flag: --name= if a value follows."""
    if entry.flag.startswith("--") and entry.value:
        return [entry.flag + "="]
    return [entry.flag] + ([f"--no{entry.flag[2:]}"] if entry.is_negatable else [])


def _commands(info):
    """{command: (what stands for its first argument, what it does)}"""
    commands = {}
    for entry in info.section("Commands").entries:
        word, *arguments = entry.head.split(" ")
        commands[word] = (arguments[0].strip("[]") if arguments else "", entry.text)
    return commands


def _of_kind(value, kinds):
    return value.split(" ")[0] in kinds


BASH = """# Completion of {names} for bash. Made by tools/manual.
{function}() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} flag="" command="" each
  COMPREPLY=()
  # bash takes the = between a flag and its value for a word of its own.
  if [[ $word == "=" ]]; then
    flag=${{COMP_WORDS[COMP_CWORD - 1]}}
    word=""
  elif ((COMP_CWORD > 1)) && [[ ${{COMP_WORDS[COMP_CWORD - 1]}} == "=" ]]; then
    flag=${{COMP_WORDS[COMP_CWORD - 2]}}
  elif [[ " {with_value} " == *" ${{COMP_WORDS[COMP_CWORD - 1]}} "* ]]; then
    flag=${{COMP_WORDS[COMP_CWORD - 1]}}
  fi
  for each in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    if [[ " {commands} " == *" $each "* ]]; then
      command=$each
      break
    fi
  done
  case $flag in
{cases}
    --*) return ;;
  esac
  if [[ $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "{flags}" -- "$word")
    [[ ${{COMPREPLY[0]:-}} != *= ]] || compopt -o nospace
    return
  fi
  case $command in
{arguments}
  esac
}}
complete -F {function} {names}
"""


def bash(info, names):
    def reply(indent, pattern, action, files=False):
        words = f"{indent}{pattern})\n{indent}  mapfile -t COMPREPLY < <(compgen {action} -- \"$word\")\n"
        if files:
            words += f"{indent}  compopt -o filenames\n"
        return words + f"{indent}  return\n{indent}  ;;"

    flags = [entry for entry in info.flags() if entry.flag]
    cases = []
    for entry in flags:
        if info.values(entry):
            cases.append(reply("    ", entry.flag, f"-W {shlex.quote(' '.join(info.values(entry)))}"))
        elif _of_kind(entry.value, DIRECTORY):
            cases.append(reply("    ", entry.flag, "-d", files=True))
        elif _of_kind(entry.value, FILE):
            cases.append(reply("    ", entry.flag, "-f", files=True))
    commands = _commands(info)
    arguments = [reply("    ", '""', f"-W {shlex.quote(' '.join(commands))}")] if commands else []
    for command, (argument, _) in commands.items():
        if _of_kind(argument, DIRECTORY + FILE):
            arguments.append(reply("    ", command, "-d" if _of_kind(argument, DIRECTORY) else "-f", files=True))
    return BASH.format(names=" ".join(names), function="_" + names[0].replace("-", "_"), commands=" ".join(commands),
                       with_value=" ".join(entry.flag for entry in flags if entry.value), cases="\n".join(cases),
                       flags=" ".join(word for entry in flags for word in _words(entry)),
                       arguments="\n".join(arguments) or "    *) ;;")


# zsh loads the file as the body of a function of its name; in a shell that sources it, it only defines one.
ZSH = """#compdef {names}
# Completion of {names} for zsh. Made by tools/manual.
{function}() {{
  _arguments -S \\
{lines}
}}
if [ "$funcstack[1]" = "{function}" ]; then
  {function} "$@"
else
  compdef {function} {names}
fi
"""


def _zsh_text(text):
    return re.sub(r"([\[\]:\\])", r"\\\1", text)


def zsh(info, names):
    specifications = []
    for entry in info.flags():
        what = _zsh_text(brief(entry.text))
        value = _zsh_text(entry.value)
        if not value:
            specifications += [f"{word}[{what}]" for word in _words(entry)]
            continue
        if info.values(entry):
            action = f"({' '.join(info.values(entry))})"
        elif _of_kind(entry.value, DIRECTORY):
            action = "_files -/"
        else:
            action = "_files" if _of_kind(entry.value, FILE) else " "
        specifications.append(f"{entry.flag}{'=' if entry.flag.startswith('--') else ''}[{what}]:{value}:{action}")
    commands = _commands(info)
    if commands:
        described = " ".join(f"{word}\\:{shlex.quote(_zsh_text(brief(text)))}" for word, (_, text) in commands.items())
        specifications += [f"1:command:(({described}))", "*:file:_files"]
    return ZSH.format(names=" ".join(names), function="_" + names[0].replace("-", "_"),
                      lines=" \\\n".join(f"    {shlex.quote(each)}" for each in specifications))


def fish(info, names):
    lines = [f"# Completion of {' '.join(names)} for fish. Made by tools/manual."]
    commands = _commands(info)
    for name in names:
        start = f"complete --command {name}"
        lines.append(f"{start} --no-files")
        for entry in info.flags():
            flag = f"--long-option {entry.flag[2:]}" if entry.flag.startswith("--") else f"--short-option {entry.flag[1:]}"
            what = f"--description {shlex.quote(brief(entry.text))}"
            if not entry.value:
                lines += [f"{start} --long-option {word[2:]} {what}" for word in _words(entry)]
            elif info.values(entry):
                lines.append(f"{start} {flag} --exclusive --arguments {shlex.quote(' '.join(info.values(entry)))} {what}")
            elif _of_kind(entry.value, DIRECTORY):
                lines.append(f"{start} {flag} --exclusive --arguments '(__fish_complete_directories)' {what}")
            else:
                files = "--require-parameter --force-files" if _of_kind(entry.value, FILE) else "--exclusive"
                lines.append(f"{start} {flag} {files} {what}")
        for command, (argument, text) in commands.items():
            lines.append(f"{start} --condition __fish_use_subcommand --arguments {command} "
                         f"--description {shlex.quote(brief(text))}")
            if _of_kind(argument, DIRECTORY + FILE):
                lines.append(f"{start} --condition '__fish_seen_subcommand_from {command}' --force-files")
    return "\n".join(lines) + "\n"
