/**
 * Trains on noise and saves after every step, until it is done or killed. The parent resumes it.
 * Arguments: the checkpoint's file, the number of epochs.
 */
import fs from "node:fs";
import {
  createTraining,
  exponentialSde,
  loadTraining,
  saveTraining,
  ScoreNet,
  train,
} from "../../src";
import { noiseImages } from "./small-data";

async function main(): Promise<void> {
  const [file = "", epochs = "1"] = process.argv.slice(2);
  const training = fs.existsSync(file)
    ? await loadTraining(file)
    : createTraining({
        model: new ScoreNet({ sde: exponentialSde(), seed: 5 }),
        recipe: { batchSize: 4, learningRate: 1e-3, seed: 5 },
      });
  console.log(`at ${training.step}`);
  let first = true;
  for await (const s of train({ training, data: noiseImages(40), epochs: Number(epochs) })) {
    // Tells the parent that start-up is over and a kill now falls into training or saving.
    if (first) console.log("training");
    first = false;
    await saveTraining(file, training);
    if (s.step === s.numSteps) console.log("done");
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
