"""Write what of the collection opskit.host follows from opskit's tree of commands: run it from the checkout.

Its table of commands, the parameters of its actions, and their documentation. A test fails when what is there is stale:
python scripts/collection.py, which scripts/completions runs, too.
"""

from __future__ import annotations

import json
import sys
import textwrap
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PLACE = "opskit/fleet/collection/ansible_collections/opskit/host"
# An entry of a list in YAML, in lines that one long string makes.
FOLDED: Any = {"initial_indent": "  - ", "subsequent_indent": "    ", "break_long_words": False,
               "break_on_hyphens": False}  # fmt: skip
HEAD = "Written by scripts/collection.py from the tree of commands: do not edit."
# What Ansible says in its own way, and what would make the answer another than JSON.
NOT_TAKEN = {
    "--json", "--quiet", "--verbose", "--color", "--debug", "--dry-run", "--format", "--facts", "--exit-code", "--yes",
    "--only-plan", "--output",
}  # fmt: skip


# The releases 2.x of ansible-core whose `ansible-test sanity` it passes: that knows no licence but its own.
SANITY = range(16, 22)
# What YAML would not read as a word.
NAMED = {"--off": "out_of_use"}


class Action(NamedTuple):
    """An action of one command. example: its parameters, as YAML."""

    command: str
    title: str
    example: str


ACTIONS = {
    "check": Action("check", "Tell what is wrong on a host", "areas: [disk, service]"),
    "disk_grow": Action("disk grow", "Grow a filesystem to its disk, or a volume by a disk", "what: /data"),
    "disk_mount": Action("disk mount", "Put a data disk into service", "device: /dev/vdb\nmountpoint: /data"),
    "disk_swap": Action("disk swap", "Put swap into service, or take it out", "what: 2G"),
    "disk_umount": Action("disk umount", "Take a filesystem out of service", "what: /data"),
    "facts": Action("disk facts", "See the disks of a host as opskit decides on them", "mountpoints: [/data]"),
    "fstab_check": Action("disk fstab check", "Find what a boot would fail on in fstab", ""),
    "journal_retain": Action("journal retain", "Limit how long the journal is kept", "span: 30d\nsize: 2G"),
    "journal_vacuum": Action("journal vacuum", "Remove old journal files", "span: 30d"),
    "memcached": Action("memcached start", "Launch memcached right", "memory_limit: 64\nlisten: [127.0.0.1]"),
    "service_ensure": Action("service ensure", "See to it that a service really runs", "name: nginx.service"),
    "yum_unlock": Action("yum unlock", "Take away the package lock of a process that is gone", ""),
}
RUN = """\
argv:
  description: The words behind C(opskit), without C(--json), C(--yes) and C(--dry-run).
  type: list
  elements: str
  default: []
"""
TABLE = f'''\
"""The commands of opskit, and the actions of this collection.

{HEAD}
"""

from __future__ import annotations

from typing import NamedTuple


class Command(NamedTuple):
    """changes: whether it can change the host, and takes --dry-run and --yes. plans: whether it takes --only-plan."""

    changes: bool
    plans: bool


class Parameter(NamedTuple):
    """option: as it is typed, "" for one by its place. off: the option for false, "" for none."""

    name: str
    option: str
    kind: str
    off: str = ""
    required: bool = False
    choices: tuple[str, ...] = ()


COMMANDS = {{
'''
RETURN = """\
rc:
  description:
    - The exit code of opskit. V(6) also where the host has no opskit that fits, and none can be sent.
    - Null where nothing is known of it.
  type: int
  returned: always
refused:
  description: Whether opskit refused for safety; O(ignore:findings) has its reasons.
  type: bool
  returned: always
plan:
  description: The token of the plan, which O(only_plan) takes.
  type: str
  returned: always
changes:
  description: What is done, or would be; each with action, target, before, after, commands and reversible.
  type: list
  elements: dict
  returned: always
findings:
  description: What a person should know; each with id, severity, title, evidence and remedy.
  type: list
  elements: dict
  returned: always
answer:
  description: All that opskit answered, as C(opskit schema) describes it; null where no answer came.
  type: dict
  returned: always
stdout_lines:
  description: The same for a person.
  type: list
  elements: str
  returned: always
tool:
  description: The opskit that was started; how is C(installed), C(sent) or C(path).
  type: dict
  returned: always
not_begun:
  description: Whether the task was skipped, because the run had been stopped.
  type: bool
  returned: always
"""


def written() -> dict[str, str]:
    """The text of each file, by its path below the collection."""
    files = {"plugins/plugin_utils/commands.py": _commands()}
    for name, action in ACTIONS.items():
        command = _command(action.command)
        files[f"plugins/modules/{name}.py"] = _module(name, action, command)
        files[f"plugins/action/{name}.py"] = _action(name, action)
    files["plugins/modules/run.py"] = _run()
    files["meta/runtime.yml"] = _runtime()
    documented = [f"plugins/callback/{name}.py" for name in ("record", "summary")]
    documented += sorted(name for name in files if "/modules/" in name)
    ignored = "".join(f"{name} validate-modules:missing-gplv3-license\n" for name in documented)
    files |= {f"tests/sanity/ignore-2.{minor}.txt": ignored for minor in SANITY}
    return files


def _command(path: str) -> Any:
    """The click command of these words."""
    import typer  # noqa: PLC0415 - from the checkout, when this is run

    from opskit.cli import app  # noqa: PLC0415

    command: Any = typer.main.get_command(app)
    for word in path.split():
        command = command.get_command(None, word)
    return command


class Parameter(NamedTuple):
    """One of an action. option: as it is typed, "" for one by its place. off: the option for false, "" for none."""

    name: str
    option: str
    kind: str
    off: str
    required: bool
    choices: tuple[str, ...]
    help: str


def parameters(command: Any) -> list[Parameter]:
    """Those of an action, in the order of the help; those by their place in their order."""
    found = []
    for parameter in command.params:
        is_option = parameter.param_type_name == "option"
        option = next((word for word in parameter.opts if word.startswith("--")), "") if is_option else ""
        if option in NOT_TAKEN:
            continue
        many = parameter.nargs != 1 or bool(getattr(parameter, "multiple", False))
        flag = bool(getattr(parameter, "is_flag", False))
        number = "int" in str(getattr(parameter.type, "name", "")).lower()
        kind = "list" if many else "bool" if flag else "int" if number else "str"
        words = getattr(getattr(parameter.type, "func", None), "words", ())
        others = getattr(getattr(parameter.type, "func", None), "others", False)
        off = next(iter(parameter.secondary_opts), "")
        text = " ".join(str(getattr(parameter, "help", "") or "").replace("\b", "").split())
        name = NAMED.get(option, option[2:].replace("-", "_")) if option else _name(parameter, many=many)
        found.append(Parameter(name, option, kind, off, parameter.required, () if others else tuple(words), text))
    return found


def _name(argument: Any, *, many: bool) -> str:
    """The name of what is told from others by its place: that of the help, where it is a word."""
    metavar = str(argument.metavar).strip("[].")
    name = metavar.lower() if metavar.isalpha() else str(argument.name)
    return f"{name}s" if many else name


def _commands() -> str:
    from opskit.completion.cli import tree  # noqa: PLC0415 - from the checkout, when this is run

    lines = [TABLE.rstrip("\n")]
    for node in tree().walk():
        if node.runs and len(node.words) > 1 and node.words[1] != "fleet":  # which is for the control node
            names = {name for option in node.options for name in option.names}
            name = " ".join(node.words[1:])
            lines.append(f'    "{name}": Command(changes={"--dry-run" in names}, plans={"--only-plan" in names}),')
    lines += ["}", "# By the name of the action: the words of its command, and its parameters.", "ACTIONS = {"]
    for name, action in ACTIONS.items():
        lines += [f'    "{name}": (', f'        "{action.command}",', "        ("]
        for each in parameters(_command(action.command)):
            more = f', off="{each.off}"' if each.off else ""
            more += ", required=True" if each.required else ""
            if each.choices:
                more += f", choices={each.choices!r}".replace("'", '"')
            lines.append(f'            Parameter("{each.name}", "{each.option}", "{each.kind}"{more}),')
        lines += ["        ),", "    ),"]
    return "\n".join([*lines, "}", ""])


def _action(name: str, action: Action) -> str:
    return "\n".join([
        f'"""opskit.host.{name}: `opskit {action.command}`.',
        "",
        HEAD,
        '"""',
        "",
        "from __future__ import annotations",
        "",
        "from ansible_collections.opskit.host.plugins.plugin_utils.call import NamedAction",
        "",
        "",
        "class ActionModule(NamedAction):",
        f'    """`opskit {action.command}`."""',
        "",
        f'    NAME = "{name}"',
        "",
    ])  # fmt: skip


def _module(name: str, action: Action, command: Any) -> str:
    texts = [" ".join(text.replace("\b", "").split()) for text in (command.help or "").split("\n\n")]
    texts = [text for text in texts if not text.startswith("Example: ")]
    options = []
    for each in parameters(command):
        options += [f"{each.name}:", f"  description: {_quoted(each.help or _of_place(each))}", f"  type: {each.kind}"]
        options += ["  elements: str"] if each.kind == "list" else []
        options += [f"  choices: {json.dumps(each.choices)}"] if each.choices else []
        options += ["  required: true"] if each.required else []
    example = [f"- name: {action.title}", f"  opskit.host.{name}:" + ("" if action.example else " {}")]
    example += [f"    {line}" for line in action.example.splitlines()]
    return _page(name, action.title, [f"Runs C(opskit {action.command}) on the host.", *texts], options, example)


def _run() -> str:
    texts = ["Runs a command of opskit on the host, and answers what it answers."]
    example = ["- name: See what fills the root filesystem", "  opskit.host.run:", "    argv: [df, --why, /]"]
    return _page("run", "Run any command of opskit", texts, RUN.splitlines(), example)


def _page(name: str, title: str, texts: list[str], options: list[str], example: list[str]) -> str:
    lines = ["#!/usr/bin/python", f'"""The documentation of the action {name}.', "", HEAD]
    lines += ["The action does the work, on the control node: nothing of this runs on a host.", '"""', ""]
    lines += ["from __future__ import annotations", "", 'DOCUMENTATION = r"""', "---"]
    lines += [f"module: {name}", f"short_description: {title}", 'version_added: "0.2.0"', "description:"]
    lines += [line for text in texts for line in textwrap.wrap(_quoted(text), 115, **FOLDED)]
    lines += ["options:", *(f"  {line}" for line in options)] if options else ["options: {}"]
    lines += ["extends_documentation_fragment:", "  - opskit.host.common"]
    lines += [
        "author:",
        "  - The opskit authors (@opskit)",
        '"""',
        "",
        'EXAMPLES = r"""',
        "---",
        *example,
        '"""',
        "",
        'RETURN = r"""',
        "---",
    ]
    return "\n".join([*lines, *RETURN.splitlines(), '"""', ""])


def _runtime() -> str:
    names = "".join(f"    - {name}\n" for name in sorted([*ACTIONS, "run"]))
    head = '---\nrequires_ansible: ">=2.16.0"\n# module_defaults: group/opskit.host.all.\n'
    return f"{head}action_groups:\n  all:\n{names}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _of_place(parameter: Parameter) -> str:
    return f"The {parameter.name.replace('_', ' ')} that the command is about."


def main() -> None:
    """Write what has changed."""
    for name, text in written().items():
        path = ROOT / PLACE / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(path)


if __name__ == "__main__":
    # Only now, for then this is no module of a test: opskit is imported from the checkout.
    sys.path.insert(0, str(ROOT))
    main()
