"""House rules that neither compiler nor clippy knows. Prints what breaks one; exits 1 if anything does.

Long files are named as a warning: often, not always, there is a second noun in them.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

SOURCE = {".rs", ".js", ".css", ".sql", ".py", ".sh"}
CORES = ["shared", "sync-protocol"]
# Who may know whom: each package's direct dependencies inside the workspace.
KNOWS = {
    "shared": set(),
    "sync-protocol": {"shared"},
    "node": {"shared", "sync-protocol"},
    "edge": {"shared", "sync-protocol", "node"},
    "central": {"shared", "sync-protocol", "node"},
    "scanner": {"shared", "sync-protocol", "node"},
    "demo": {"shared", "sync-protocol", "node", "edge", "central", "scanner"},
    "tests": {"shared", "sync-protocol", "node", "edge", "central", "scanner", "demo"},
}
IMPURE = re.compile(r"^(tokio|async-|futures|rusqlite|libsqlite3|rumqtt|mqtt|axum|hyper|reqwest|socket2|rand|getrandom|jiff|time$|chrono)")
IMPURE_CODE = re.compile(r"\b(tokio|rusqlite|rumqttc|axum|reqwest|rand)::|\b(Instant|SystemTime|Timestamp)::now\b|\bstd::(fs|net|thread|process|env)\b")
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX)\b|\b(todo|unimplemented)!|#\[ignore")
# Each has a word of its own in this project: show, screen, hold, theatre, admission, counter.
OTHER_WORDS = re.compile(r"\b(performances?|screenings?|reservations?|theaters?|venues?|check-?ins?|kiosks?|cancelations?)\b", re.I)
FOREIGN = re.compile(r"https?://(?!127\.0\.0\.1|localhost|www\.w3\.org/|\{|[^/]*\.example\b)[a-z0-9.-]+\.[a-z]{2,}", re.I)
MACHINE_PATH = re.compile(r"(?<![\w./-])/(root|work|home/\w+)/")
VAGUE_NAMES = {"mod", "util", "utils", "common", "manager", "helper", "helpers", "service", "services", "misc"}
LONG_LINES = 300
TOO_LONG_LINES = 600

problems: list[str] = []
warnings: list[str] = []


def run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def files() -> list[Path]:
    names = run("git", "ls-files", "-co", "--exclude-standard").splitlines()
    return [path for path in map(Path, names) if path.is_file()]


def check_dependencies() -> None:
    metadata = json.loads(run("cargo", "metadata", "--format-version", "1", "--locked", "--no-deps"))
    for package in metadata["packages"]:
        name = package["name"]
        inside = {d["name"] for d in package["dependencies"] if d["name"] in KNOWS and d["kind"] is None}
        for other in sorted(inside - KNOWS.get(name, set())):
            problems.append(f"{name} must not know {other}")
    for core in CORES:
        tree = run("cargo", "tree", "--locked", "-p", core, "-e", "normal", "--prefix", "none", "--format", "{p}")
        for crate in sorted({line.split()[0] for line in tree.splitlines() if line}):
            if IMPURE.match(crate):
                problems.append(f"{core} is a pure core, but {crate} came in (cargo tree -p {core} -i {crate})")


def check_place(path: Path) -> None:
    if path.suffix in SOURCE and path.stem in VAGUE_NAMES:
        problems.append(f"{path}: the name says nothing")
    if path.suffix == ".rs" and "src" in path.parts:
        below = len(path.parts) - path.parts.index("src") - 2
        if below > 2:
            problems.append(f"{path}: folders go two deep below src")


def check_text(path: Path, lines: list[str]) -> None:
    core = path.parts[0] in CORES and path.parts[:2] != ("shared", "node")
    page = path.suffix in {".js", ".css"} or path.suffix == ".rs" and {"pages", "page", "design", "stage"} & set(path.parts)
    for number, line in enumerate(lines, 1):
        where = f"{path}:{number}"
        if UNFINISHED.search(line):
            problems.append(f"{where}: unfinished: {line.strip()}")
        if core and path.suffix == ".rs" and not line.lstrip().startswith("//") and IMPURE_CODE.search(line):
            problems.append(f"{where}: not pure: {line.strip()}")
        if page and FOREIGN.search(line):
            problems.append(f"{where}: pages load nothing from elsewhere: {line.strip()}")
        if MACHINE_PATH.search(line):
            problems.append(f"{where}: a path of one machine: {line.strip()}")
        word = OTHER_WORDS.search(line)
        if word:
            problems.append(f"{where}: “{word.group()}” has another word here")


def check_length(path: Path, lines: list[str]) -> None:
    if path.suffix not in {".rs", ".js", ".css", ".py"}:
        return
    if len(lines) > TOO_LONG_LINES:
        problems.append(f"{path}: {len(lines)} lines; more than {TOO_LONG_LINES} hide a second noun")
    elif len(lines) > LONG_LINES:
        warnings.append(f"{path}: {len(lines)} lines")


def main() -> int:
    check_dependencies()
    mine = Path("tests/tidy.py")
    for path in files():
        check_place(path)
        if path.suffix not in SOURCE or path == mine:
            continue
        lines = path.read_text(encoding="utf-8").splitlines()
        check_text(path, lines)
        check_length(path, lines)
    for script in ["tests/run", "tests/nightly", ".ci/run", "deploy/broker/certify", "deploy/door/certify", "deploy/compose/prepare", "deploy/compose/set-up"]:
        if subprocess.run(["bash", "-n", script]).returncode != 0:
            problems.append(f"{script}: does not parse")
    for warning in sorted(warnings):
        print(f"warning: {warning}")
    for problem in problems:
        print(f"problem: {problem}")
    print(f"{len(problems)} problems, {len(warnings)} warnings")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
