/**
 * A trained ScoreNet as a file.
 */
import { tf } from "../engine";
import { ScoreNet } from "../models";
import { exponentialSde } from "../sde";
import { readSafetensors, writeSafetensors } from "./files";
import { fromPyTorch, requireTensor, toPyTorch } from "./pytorch-layout";
import { SafetensorsError, type StoredTensor, type StoredTensors } from "./safetensors";

/** Name of the fixed frequencies in a file, as in PyTorch's `state_dict`. */
const FREQUENCIES = "embed.fourier.weight";

/**
 * Writes a network under PyTorch's names and layouts; `safetensors.torch.load_file` reads it. Whole or
 * not at all.
 *
 * @param metadata free text kept in the file, for example how the network was trained
 */
export async function saveScoreNet(
  file: string,
  net: ScoreNet,
  metadata: Record<string, string> = {},
): Promise<void> {
  const tensors = await scoreNetTensors(net);
  await writeSafetensors(file, { tensors, metadata: { ...metadata, ...sdeMetadata(net) } });
}

/** A network as PyTorch's `state_dict` holds it, the fixed frequencies included. */
export async function scoreNetTensors(net: ScoreNet): Promise<Map<string, StoredTensor>> {
  const vector = net.getVector();
  const tensors = toPyTorch(vector);
  vector.dispose();
  const data = Float32Array.from(await net.frequencies.data());
  return tensors.set(FREQUENCIES, { shape: [data.length], data });
}

/**
 * Reads a network that `saveScoreNet` or PyTorch wrote. Its SDE is the one that the file names; a file
 * without one gets the article's.
 *
 * @throws SafetensorsError for a damaged or foreign file
 */
export async function loadScoreNet(file: string): Promise<ScoreNet> {
  return scoreNetFrom(await readSafetensors(file), file);
}

/** The network in what was read from a file. Other tensors in it are left alone. */
export function scoreNetFrom(contents: StoredTensors, source: string): ScoreNet {
  const { tensors, metadata } = contents;
  const stored = requireTensor(tensors, FREQUENCIES, [128], source);
  const vector = fromPyTorch(tensors, "", source);
  const net = new ScoreNet({ sde: exponentialSde({ beta: readBeta(metadata["beta"], source) }) });
  net.setVector(vector);
  vector.dispose();
  tf.tidy(() => net.frequencies.assign(tf.tensor1d(Float32Array.from(stored.data))));
  return net;
}

/** What a file says of the SDE. */
export function sdeMetadata(net: ScoreNet): Record<string, string> {
  const beta = (net.sde as { beta?: unknown }).beta;
  return typeof beta === "number" ? { sde: "exponential", beta: String(beta) } : {};
}

function readBeta(text: string | undefined, source: string): number {
  const beta = text === undefined ? 25 : Number(text);
  if (!(beta > 1) || !Number.isFinite(beta)) {
    throw new SafetensorsError(`${source}: its metadata gives beta = "${text}", not a number > 1.`);
  }
  return beta;
}
