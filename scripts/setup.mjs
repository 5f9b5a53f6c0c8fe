/**
 * npm run setup [-- --force[=STEP]]: installs everything that the course needs into this folder.
 * `npm start` and `npm test` do the same first. `--force` repeats all steps, `--force=data` one of them.
 */
import { setUp, steps } from "./lib/setup.mjs";

const flags = process.argv.slice(2);
const forced = flags.flatMap((flag) => /^--force(?:=(.*))?$/.exec(flag)?.slice(1) ?? []);
const names = steps.map((step) => step.name);
const unknown = [
  ...flags.filter((flag) => !/^--force(=|$)/.test(flag)),
  ...forced.filter((name) => name !== undefined && !names.includes(name)),
];

if (unknown.length > 0) {
  console.error(
    `Unknown: ${unknown.join(", ")}. Known: --force, or --force= one of ${names.join(", ")}.`,
  );
  process.exitCode = 2;
} else {
  const all = forced.some((name) => name === undefined);
  try {
    await setUp({ force: (step) => all || forced.includes(step.name) });
  } catch {
    process.exitCode = 1;
  }
}
