/**
 * A trained network as a file.
 */
import { tf } from "../engine";
import {
  edmPreconditioning,
  noisePreconditioning,
  ResidualNet,
  ScoreNet,
  type Preconditioning,
  type ScoreModel,
} from "../models";
import { readSafetensors, writeSafetensors } from "./files";
import { fromPyTorch, requireTensor, toPyTorch } from "./pytorch-layout";
import { SafetensorsError, type StoredTensor, type StoredTensors } from "./safetensors";
import { readNumber, readSde, sdeMetadata, type Metadata } from "./sde-metadata";

/** Name of ScoreNet's fixed frequencies in a file, as in PyTorch's `state_dict`. */
const FREQUENCIES = "embed.fourier.weight";

/**
 * Writes a network under PyTorch's names and layouts; `safetensors.torch.load_file` reads it. Whole or
 * not at all.
 *
 * @param metadata free text kept in the file, for example how the network was trained
 * @throws TypeError for a network that is none of this library's
 */
export async function saveNetwork(
  file: string,
  net: ScoreModel,
  metadata: Record<string, string> = {},
): Promise<void> {
  const tensors = await networkTensors(net);
  await writeSafetensors(file, { tensors, metadata: { ...metadata, ...networkMetadata(net) } });
}

/** A network as PyTorch's `state_dict` holds it, the fixed frequencies included. */
export async function networkTensors(net: ScoreModel): Promise<Map<string, StoredTensor>> {
  const vector = net.getVector();
  const tensors = toPyTorch(net.layout, vector);
  vector.dispose();
  if (!(net instanceof ScoreNet)) return tensors;
  const data = Float32Array.from(await net.frequencies.data());
  return tensors.set(FREQUENCIES, { shape: [data.length], data });
}

/** What a file says of a network besides its numbers. */
export function networkMetadata(net: ScoreModel): Record<string, string> {
  const { name, sigmaData } = net.preconditioning;
  return {
    network: kindOf(net),
    preconditioning: name,
    ...(net instanceof ResidualNet ? { classes: String(net.numClasses) } : {}),
    ...(sigmaData === undefined ? {} : { sigmaData: String(sigmaData) }),
    ...sdeMetadata(net.sde),
  };
}

function kindOf(net: ScoreModel): string {
  if (net instanceof ScoreNet) return "score-net";
  if (net instanceof ResidualNet) return "residual-net";
  throw new TypeError(
    "A ScoreNet or a ResidualNet can be written to a file, and no other network.",
  );
}

/**
 * Reads a network that `saveNetwork` or PyTorch wrote. Its kind and its SDE are those that the file names; a
 * file that names none holds a ScoreNet for the article's SDE.
 *
 * @throws SafetensorsError for a damaged or foreign file
 */
export async function loadNetwork(file: string): Promise<ScoreNet | ResidualNet> {
  return networkFrom(await readSafetensors(file), file);
}

/** The network in what was read from a file. Other tensors in it are left alone. */
export function networkFrom(contents: StoredTensors, source: string): ScoreNet | ResidualNet {
  const kind = contents.metadata["network"] ?? "score-net";
  if (kind === "score-net") return scoreNetFrom(contents, source);
  if (kind === "residual-net") return residualNetFrom(contents, source);
  throw new SafetensorsError(`${source} holds a network of an unknown kind, "${kind}".`);
}

/**
 * Reads a file that has to hold a ScoreNet.
 *
 * @throws SafetensorsError for a damaged or foreign file, or one with another network
 */
export async function loadScoreNet(file: string): Promise<ScoreNet> {
  const net = await loadNetwork(file);
  if (net instanceof ScoreNet) return net;
  net.dispose();
  throw new SafetensorsError(
    `${file} holds a ResidualNet, not a ScoreNet: open it with loadNetwork.`,
  );
}

/**
 * Reads a file that has to hold a ResidualNet.
 *
 * @throws SafetensorsError for a damaged or foreign file, or one with another network
 */
export async function loadResidualNet(file: string): Promise<ResidualNet> {
  const net = await loadNetwork(file);
  if (net instanceof ResidualNet) return net;
  net.dispose();
  throw new SafetensorsError(
    `${file} holds a ScoreNet, not a ResidualNet: open it with loadNetwork.`,
  );
}

function scoreNetFrom(contents: StoredTensors, source: string): ScoreNet {
  const { tensors, metadata } = contents;
  const stored = requireTensor(tensors, FREQUENCIES, [128], source);
  const preconditioning = readPreconditioning(metadata, source);
  const net = new ScoreNet({ sde: readSde(metadata, source), preconditioning });
  setNumbers(net, contents, source);
  tf.tidy(() => net.frequencies.assign(tf.tensor1d(Float32Array.from(stored.data))));
  return net;
}

function residualNetFrom(contents: StoredTensors, source: string): ResidualNet {
  const { metadata } = contents;
  const sigmaData = readNumber(metadata, "sigmaData", source);
  const classes = metadata["classes"] !== "0";
  const net = new ResidualNet({ sde: readSde(metadata, source), sigmaData, classes });
  setNumbers(net, contents, source);
  return net;
}

function readPreconditioning(metadata: Metadata, source: string): Preconditioning {
  const { preconditioning: name = "noise" } = metadata;
  if (name === "noise") return noisePreconditioning;
  if (name === "edm") return edmPreconditioning(readNumber(metadata, "sigmaData", source));
  throw new SafetensorsError(`${source} has a preconditioning that is unknown here, "${name}".`);
}

function setNumbers(net: ScoreModel, { tensors }: StoredTensors, source: string): void {
  try {
    const vector = fromPyTorch(net.layout, tensors, "", source);
    net.setVector(vector);
    vector.dispose();
  } catch (error) {
    net.dispose();
    throw error;
  }
}
