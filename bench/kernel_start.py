"""How long a notebook waits: from the kernel's start to the first cell's result, in seconds.

The argument is how often. Prints a line of JSON, a list of seconds. A kernel keeps what its compiler found
out, so the first of all starts takes longer than those after it.
"""

import json
import subprocess
import sys
import time

from jupyter_client.manager import KernelManager

CELL = 'import { tf } from "./src";\ntf.tensor([1, 2, 3]).print();'


def start_to_first_result():
    started = time.perf_counter()
    manager = KernelManager(kernel_name="score-sde")
    manager.start_kernel(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=100)
        printed = []

        def take(message):
            printed.append(message["content"].get("text", ""))

        reply = client.execute_interactive(CELL, timeout=100, output_hook=take)
        seconds = time.perf_counter() - started
        if reply["content"]["status"] != "ok" or "[1, 2, 3]" not in "".join(printed):
            raise RuntimeError(f"the cell failed: {reply['content']}")
        time.sleep(1)  # The kernel writes down what it found out after the reply.
        return seconds
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


print(json.dumps([start_to_first_result() for _ in range(int(sys.argv[1]))]))
