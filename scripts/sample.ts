/**
 * `npm run sample`: draws digits with a trained ScoreNet and writes them as one picture.
 */
import fs from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import {
  imageGrid,
  loadScoreNet,
  progress,
  raiseInterrupt,
  sample,
  writeSafetensors,
} from "../src";
import { inUnit, positive, wholeNumber } from "./options";
import { SAMPLERS, samplerOf } from "./samplers";

const USAGE = `Usage: npm run sample -- [options]
  --out FILE       the picture, PNG                       (default samples.png)
  --raw FILE       the numbers too, as safetensors: "samples", [N, 28, 28, 1]
  --sampler NAME   ${Object.keys(SAMPLERS).join(" | ").padEnd(38)} (default em)
  --steps N        steps of the sampler                   (default 500)
  --count N        digits                                 (default 64)
  --eps X          the time to stop at                    (default 1e-3)
  --snr X          signal-to-noise ratio of the corrector (default 0.16)
  --seed N         governs all noise                      (default 0)
  --model FILE     the network                            (default the shipped one)`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      out: { type: "string", default: "samples.png" },
      raw: { type: "string" },
      sampler: { type: "string", default: "em" },
      steps: { type: "string", default: "500" },
      count: { type: "string", default: "64" },
      eps: { type: "string", default: "1e-3" },
      snr: { type: "string", default: "0.16" },
      seed: { type: "string", default: "0" },
      model: { type: "string", default: "pretrained/scorenet-mnist.safetensors" },
    },
  });
  const sampler = samplerOf(values.sampler);
  const count = wholeNumber(values.count, "--count", 1);
  const numSteps = wholeNumber(values.steps, "--steps", 1);
  const seed = wholeNumber(values.seed, "--seed", 0);
  const eps = inUnit(values.eps, "--eps");
  const snr = positive(values.snr, "--snr");
  const net = await loadScoreNet(values.model);
  process.once("SIGINT", () => raiseInterrupt());

  const { sde, score } = net;
  const shape = [count, 28, 28, 1];
  const steps = sampler({ sde, score, shape, numSteps, eps, snr, seed });
  const x = await sample(progress(steps, { label: `sampling ${count} digits` }));
  const data = await x.data<"float32">();
  const columns = Math.ceil(Math.sqrt(count));
  fs.mkdirSync(path.dirname(path.resolve(values.out)), { recursive: true });
  fs.writeFileSync(values.out, imageGrid({ data, shape }, { columns }));
  console.log(`${count} digits in ${values.out}.`);
  if (values.raw) {
    const metadata = { sampler: values.sampler, steps: String(numSteps), seed: String(seed) };
    await writeSafetensors(values.raw, {
      tensors: new Map([["samples", { shape, data }]]),
      metadata,
    });
    console.log(`Their numbers are in ${values.raw}.`);
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  if (error instanceof RangeError || error instanceof TypeError) console.error(USAGE);
  process.exitCode = 1;
});
