/**
 * `npm run sample`: draws digits with a trained ScoreNet and writes them as one picture.
 */
import fs from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import {
  eulerMaruyama,
  imageGrid,
  loadScoreNet,
  predictorCorrector,
  progress,
  raiseInterrupt,
  sample,
  type SamplerOptions,
  type SamplerStep,
} from "../src";
import { inUnit, positive, wholeNumber } from "./options";

const USAGE = `Usage: npm run sample -- [options]
  --out FILE       the picture, PNG                       (default samples.png)
  --sampler NAME   em | pc                                (default em)
  --steps N        steps of the sampler                   (default 500)
  --count N        digits                                 (default 64)
  --eps X          the time to stop at                    (default 1e-3)
  --snr X          signal-to-noise ratio of the corrector (default 0.16)
  --seed N         governs all noise                      (default 0)
  --model FILE     the network                            (default the shipped one)`;

/** Every sampler by its name on the command line. */
const SAMPLERS: Record<
  string,
  (options: SamplerOptions & { snr: number }) => AsyncGenerator<SamplerStep, void, undefined>
> = { em: eulerMaruyama, pc: predictorCorrector };

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      out: { type: "string", default: "samples.png" },
      sampler: { type: "string", default: "em" },
      steps: { type: "string", default: "500" },
      count: { type: "string", default: "64" },
      eps: { type: "string", default: "1e-3" },
      snr: { type: "string", default: "0.16" },
      seed: { type: "string", default: "0" },
      model: { type: "string", default: "pretrained/scorenet-mnist.safetensors" },
    },
  });
  const sampler = SAMPLERS[values.sampler];
  if (!sampler) {
    const names = Object.keys(SAMPLERS).join(" | ");
    throw new RangeError(`--sampler is ${names}; got "${values.sampler}".`);
  }
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
  const columns = Math.ceil(Math.sqrt(count));
  fs.mkdirSync(path.dirname(path.resolve(values.out)), { recursive: true });
  fs.writeFileSync(values.out, imageGrid({ data: await x.data(), shape }, { columns }));
  console.log(`${count} digits in ${values.out}.`);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  if (error instanceof RangeError || error instanceof TypeError) console.error(USAGE);
  process.exitCode = 1;
});
