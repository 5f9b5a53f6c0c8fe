/**
 * `npm run sample`: draws digits with a trained network and writes them as one picture.
 */
import fs from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { imageGrid, loadNetwork, progress, raiseInterrupt, sample, type SamplerStep } from "../src";
import { askedDigits, DIGITS_USAGE, scoreOfAsked } from "./asked-digits";
import { inUnit, positive, wholeNumber } from "./options";
import { SAMPLER_USAGE, samplerOf } from "./samplers";
import { saveSamples } from "./samples-file";

const USAGE = `Usage: npm run sample -- [options]
  --out FILE       the picture, PNG                       (default samples.png)
  --raw FILE       the numbers too, as safetensors: "samples", [N, 28, 28, 1]
  ${SAMPLER_USAGE}
  --count N        how many                               (default 64)
  ${DIGITS_USAGE}
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
      steps: { type: "string" },
      count: { type: "string", default: "64" },
      digits: { type: "string" },
      guidance: { type: "string" },
      eps: { type: "string", default: "1e-3" },
      snr: { type: "string", default: "0.16" },
      seed: { type: "string", default: "0" },
      model: { type: "string", default: "pretrained/scorenet-mnist.safetensors" },
    },
  });
  const sampler = samplerOf(values.sampler);
  const count = wholeNumber(values.count, "--count", 1);
  const numSteps = values.steps === undefined ? undefined : wholeNumber(values.steps, "--steps", 1);
  const seed = wholeNumber(values.seed, "--seed", 0);
  const eps = inUnit(values.eps, "--eps");
  const snr = positive(values.snr, "--snr");
  const asked = askedDigits(values.digits, values.guidance);
  const net = await loadNetwork(values.model);
  process.once("SIGINT", () => raiseInterrupt());

  const { sde } = net;
  const score = scoreOfAsked(net, asked, values.model);
  const shape = [count, 28, 28, 1];
  let [steps, nfe] = [0, 0];
  async function* counted(): AsyncGenerator<SamplerStep, void, undefined> {
    for await (const s of sampler({ sde, score, shape, numSteps, eps, snr, seed })) {
      [steps, nfe] = [s.step, s.nfe];
      yield s;
    }
  }
  const x = await sample(progress(counted(), { label: `sampling ${count} digits` }));
  const data = await x.data<"float32">();
  const square = Math.ceil(Math.sqrt(count));
  const columns = asked && asked.digits.length > 1 ? Math.min(count, asked.digits.length) : square;
  fs.mkdirSync(path.dirname(path.resolve(values.out)), { recursive: true });
  fs.writeFileSync(values.out, imageGrid({ data, shape }, { columns }));
  console.log(`${count} digits in ${values.out}: ${steps} steps, ${nfe} score evaluations.`);
  if (values.raw) {
    const { model, sampler, digits = "any", guidance = "1" } = values;
    const numbers = {
      steps: String(steps),
      seed: String(seed),
      eps: String(eps),
      snr: String(snr),
    };
    const metadata = { model: path.basename(model), sampler, digits, guidance, ...numbers };
    await saveSamples(values.raw, x, metadata);
    console.log(`Their numbers are in ${values.raw}.`);
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  if (error instanceof RangeError || error instanceof TypeError) console.error(USAGE);
  process.exitCode = 1;
});
