"""Executes one notebook on the course's kernel: execute.py INPUT OUTPUT

Writes the notebook with its new outputs to OUTPUT, whole or not at all, and prints one line of JSON:
{"seconds": 12.3, "problem": null}, or what is wrong, in which cell. Exit code 1 if anything is.
"""

import json
import os
import re
import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

KERNEL = {"display_name": "TypeScript (score-sde)", "language": "typescript", "name": "score-sde"}

# A cell that runs longer hangs. The limit for a whole notebook is the caller's to judge.
CELL_TIMEOUT_S = 600

# What TensorFlow, abseil and oneDNN write to stderr at their start. A learner should see none of it.
NATIVE_LOG = re.compile(
    r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: [IWEF] "  # TensorFlow
    r"|^[IWEF]\d{4} \d\d:\d\d:\d\d\.\d+ "  # abseil
    r"|^[IWEF]0000 00:00:"
    r"|absl::InitializeLog|oneDNN custom operations|cpu_feature_guard",
    re.MULTILINE,
)
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def plain(text: str) -> str:
    return ANSI.sub("", text).strip()


def native_log(notebook) -> "str | None":
    """The first native log line among the outputs, and its cell."""
    for number, cell in enumerate(notebook.cells, start=1):
        for output in cell.get("outputs", []):
            found = output.output_type == "stream" and NATIVE_LOG.search(output.text)
            if found:
                line = output.text[found.start() :].split("\n", 1)[0]
                return f"cell {number}: a native library's log line in {output.name}: {line}"
    return None


def execute(notebook, folder: Path) -> "str | None":
    """Runs all cells; returns what went wrong, with the cell's number (from 1, all kinds counted)."""
    at = 0

    def note(cell, cell_index):
        nonlocal at
        at = cell_index + 1

    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    client = NotebookClient(
        notebook,
        kernel_name=KERNEL["name"],
        timeout=CELL_TIMEOUT_S,
        startup_timeout=120,
        coalesce_streams=True,
        # When each cell ran would be a change in every committed notebook.
        record_timing=False,
        on_cell_start=note,
        resources={"metadata": {"path": str(folder)}},
    )
    try:
        client.execute()
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        return f"cell {at}: {plain(str(error))}"
    return native_log(notebook)


def tidy(notebook) -> None:
    """Leaves nothing in the file that another run of the same cells would change."""
    notebook.metadata = nbformat.from_dict(
        {"kernelspec": KERNEL, "language_info": notebook.metadata.get("language_info", {})}
    )
    for number, cell in enumerate(notebook.cells, start=1):
        # Editors give each cell a random name; a notebook written by hand has none.
        cell.setdefault("id", f"cell-{number:02d}")
        cell.metadata.pop("execution", None)


def write(notebook, target: Path) -> None:
    staged = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    nbformat.write(notebook, staged)
    os.replace(staged, target)


def main() -> int:
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    started = time.monotonic()
    notebook = nbformat.read(source, as_version=4)
    problem = execute(notebook, source.parent)
    tidy(notebook)
    write(notebook, target)
    print(json.dumps({"seconds": round(time.monotonic() - started, 1), "problem": problem}))
    return 1 if problem else 0


if __name__ == "__main__":
    raise SystemExit(main())
