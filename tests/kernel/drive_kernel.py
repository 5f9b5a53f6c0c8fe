"""Runs cells in the project's real kernel, as JupyterLab and nbclient do, and reports what came back.

Reads one JSON object from stdin: {"kernel", "cwd", "env", "actions": [...]}, an action being one of
  {"execute": code, "interrupt_on": [text, ...]}   each text, once seen in the output, sends an interrupt
  {"complete": code}                               completion at the end of the code
  {"write": {"path", "text"}}                      writes a file, as an editor would
  {"abandon": true}                                 tells the kernel's process and dies without a word to it
Writes {"results": [...], "stderr": text} to stdout, one result for each action.
"""

import json
import os
import subprocess
import sys
import tempfile
import time

from jupyter_client.manager import KernelManager

TIMEOUT = 100


def execute(manager, client, action):
    waiting = list(action.get("interrupt_on", []))
    outputs = []

    def take(message):
        kind, content = message["msg_type"], message["content"]
        if kind not in ("stream", "display_data", "update_display_data"):
            return
        outputs.append({"type": kind, **content})
        if waiting and waiting[0] in json.dumps(content, ensure_ascii=False):
            waiting.pop(0)
            manager.interrupt_kernel()

    reply = client.execute_interactive(action["execute"], timeout=TIMEOUT, output_hook=take)
    status = reply["content"]["status"]
    if status == "error":
        # The kernel drops what is queued behind an error for the next 0.2 s.
        time.sleep(0.5)
    return {"status": status, "outputs": outputs}


def complete(client, action):
    reply = client.complete(action["complete"], reply=True, timeout=TIMEOUT)
    return {"status": reply["content"]["status"], "matches": reply["content"]["matches"]}


def write(action):
    with open(action["write"]["path"], "w", encoding="utf-8") as file:
        file.write(action["write"]["text"])
    return {"status": "ok"}


def main():
    plan = json.load(sys.stdin)
    with tempfile.TemporaryFile("w+") as stderr:
        manager = KernelManager(kernel_name=plan["kernel"])
        manager.start_kernel(
            cwd=plan["cwd"],
            env={**os.environ, **plan["env"]},
            stdout=subprocess.DEVNULL,
            stderr=stderr,
        )
        client = manager.client()
        client.start_channels()
        results = []
        try:
            client.wait_for_ready(timeout=TIMEOUT)
            for action in plan["actions"]:
                if "execute" in action:
                    result = execute(manager, client, action)
                elif "abandon" in action:
                    json.dump({"results": [{"pid": manager.provisioner.pid}], "stderr": ""}, sys.stdout)
                    sys.stdout.flush()
                    os._exit(0)
                elif "complete" in action:
                    result = complete(client, action)
                else:
                    result = write(action)
                results.append(result)
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)
        stderr.seek(0)
        json.dump({"results": results, "stderr": stderr.read()}, sys.stdout)


main()
