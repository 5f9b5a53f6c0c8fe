import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, it } from "vitest";
import { inProject } from "../../scripts/lib/paths.mjs";

it("npm start serves JupyterLab with the course's kernel, and Ctrl-C ends it", async () => {
  const child = spawn(process.execPath, [inProject("scripts/start.mjs"), "--no-browser"]);
  let output = "";
  const address = await new Promise<URL>((resolve, reject) => {
    const take = (chunk: Buffer) => {
      output += chunk.toString();
      const found = /^ +(http:\S+token=\S+)$/m.exec(output)?.[1];
      if (found) resolve(new URL(found));
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    child.once("exit", () => reject(new Error(output)));
  });
  expect(output).toMatch(/^\[1\/7\][^]*Ready after \d+\.\d s/m);
  expect(address.hostname).toBe("127.0.0.1");
  const kernels = await fetch(new URL(`api/kernelspecs${address.search}`, address.origin));
  const { kernelspecs } = (await kernels.json()) as {
    kernelspecs: Record<string, { spec: { display_name: string; language: string } }>;
  };
  expect(Object.keys(kernelspecs)).toEqual(["score-sde"]);
  expect(kernelspecs["score-sde"]?.spec).toMatchObject({
    display_name: "TypeScript (score-sde)",
    language: "typescript",
  });

  child.kill("SIGINT");
  const [code] = (await once(child, "exit")) as [number];
  expect(code).toBe(0);
  await expect(fetch(address)).rejects.toThrow();
});
