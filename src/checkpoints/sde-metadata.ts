/**
 * An SDE in the metadata of a file.
 */
import { sdeFrom, type Sde, type SdeParameters } from "../sde";
import { SafetensorsError, type StoredTensors } from "./safetensors";

/** Free text under names. */
export type Metadata = StoredTensors["metadata"];

/** The numbers that each kind of SDE is made with. */
const SDE_NUMBERS: Readonly<Record<SdeParameters["kind"], readonly string[]>> = {
  exponential: ["beta"],
  "variance-exploding": ["sigmaMin", "sigmaMax"],
  "variance-preserving": ["betaMin", "betaMax"],
  "sub-vp": ["betaMin", "betaMax"],
};

/** What a file says of an SDE. One that is not of this library it only names. */
export function sdeMetadata(sde: Sde): Record<string, string> {
  const { kind = sde.name, ...numbers } = sde.parameters ?? {};
  const texts = Object.entries(numbers).map(([key, value]) => [key, String(value)]);
  return { sde: kind, ...(Object.fromEntries(texts) as Record<string, string>) };
}

/**
 * The SDE that a file names; a file that names none is for the article's.
 *
 * @throws SafetensorsError for an SDE that is unknown here, or numbers that it cannot have
 */
export function readSde(metadata: Metadata, source: string): Sde {
  const kind = metadata["sde"] ?? "exponential";
  const names = Object.hasOwn(SDE_NUMBERS, kind)
    ? SDE_NUMBERS[kind as SdeParameters["kind"]]
    : undefined;
  if (!names)
    throw new SafetensorsError(`${source} is for an SDE that is unknown here, "${kind}".`);
  // What PyTorch wrote names no SDE.
  const known = metadata["sde"] === undefined ? { beta: "25", ...metadata } : metadata;
  const numbers = Object.fromEntries(names.map((name) => [name, readNumber(known, name, source)]));
  try {
    return sdeFrom({ kind, ...numbers } as SdeParameters);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SafetensorsError(
      `${source}: what its metadata says of the SDE is damaged: ${reason}`,
      {
        cause,
      },
    );
  }
}

/** @throws SafetensorsError unless the text under a name is a number > 0 */
export function readNumber(metadata: Metadata, name: string, source: string): number {
  const text = metadata[name];
  const value = Number(text);
  if (text === undefined || text.trim() === "" || !(value > 0) || !Number.isFinite(value)) {
    throw new SafetensorsError(
      `${source}: its metadata gives ${name} = "${text ?? ""}", not a number > 0.`,
    );
  }
  return value;
}
