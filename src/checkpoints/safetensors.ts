/**
 * The safetensors format: tensors and their names, and nothing that could run.
 *
 * A file is an 8-byte length, a JSON header and the raw numbers
 * (https://github.com/huggingface/safetensors#format). Everything in it is checked before it is used,
 * so that a damaged or hostile file gives an error that says what is wrong, never a wrong tensor.
 */

/** A tensor as plain numbers, row-major. */
export interface StoredTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array | Int32Array | Uint8Array;
}

/** What a file holds. */
export interface StoredTensors {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Free text by key. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** A file is not valid safetensors; the message says where and why. */
export class SafetensorsError extends Error {
  override readonly name = "SafetensorsError";
}

const DTYPES = {
  F32: Float32Array,
  F64: Float64Array,
  I32: Int32Array,
  U8: Uint8Array,
} as const;
type Dtype = keyof typeof DTYPES;

/** The format's own limit on the header, so that a damaged length cannot ask for all the memory. */
const MAX_HEADER_BYTES = 100_000_000;
const LENGTH_BYTES = 8;

/** Writes tensors and metadata as the bytes of a safetensors file. Little-endian, as the format asks. */
export function encodeSafetensors(contents: StoredTensors): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: contents.metadata };
  let offset = 0;
  for (const [name, { shape, data }] of contents.tensors) {
    if (name === "__metadata__" || sizeOf(shape) !== data.length) {
      throw new SafetensorsError(
        `Cannot store "${name}": shape [${shape.join(", ")}] does not fit ${data.length} numbers.`,
      );
    }
    const end = offset + data.byteLength;
    header[name] = { dtype: dtypeOf(data), shape, data_offsets: [offset, end] };
    offset = end;
  }
  let json = JSON.stringify(header);
  // The numbers start on a multiple of 8, so that readers can map them in place.
  json += " ".repeat((8 - (Buffer.byteLength(json) % 8)) % 8);
  const headerBytes = Buffer.from(json, "utf8");
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeBigUInt64LE(BigInt(headerBytes.length));
  const parts = [...contents.tensors.values()].map(({ data }) =>
    Buffer.from(data.buffer, data.byteOffset, data.byteLength),
  );
  return Buffer.concat([length, headerBytes, ...parts]);
}

/**
 * Reads the bytes of a safetensors file.
 *
 * @param bytes the whole file
 * @param source its name, for messages
 * @throws SafetensorsError for anything but a whole and consistent file: truncated, with trailing
 * bytes, with overlapping or missing ranges, of an unknown number format …
 */
export function decodeSafetensors(bytes: Uint8Array, source = "the file"): StoredTensors {
  const fail = (why: string): never => {
    throw new SafetensorsError(`${source} is not a valid safetensors file: ${why}.`);
  };
  if (bytes.length < LENGTH_BYTES)
    fail(`it has ${bytes.length} bytes, fewer than the 8 of a length`);
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerLength = Number(view.readBigUInt64LE(0));
  const dataStart = LENGTH_BYTES + headerLength;
  if (headerLength > MAX_HEADER_BYTES || dataStart > bytes.length) {
    fail(`its header claims ${headerLength} bytes, but the file has ${bytes.length} (truncated?)`);
  }
  const header = parseHeader(view.subarray(LENGTH_BYTES, dataStart), fail);
  const metadata = readMetadata(header["__metadata__"], fail);

  const entries = Object.entries(header)
    .filter(([name]) => name !== "__metadata__")
    .map(([name, value]) => readEntry(name, value, fail))
    .sort((a, b) => a.begin - b.begin || a.end - b.end);
  const tensors = new Map<string, StoredTensor>();
  let expected = 0;
  for (const { name, dtype, shape, begin, end } of entries) {
    if (begin !== expected)
      fail(`"${name}" starts at byte ${begin} of the data, not at ${expected}`);
    if (dataStart + end > bytes.length) {
      fail(
        `"${name}" ends at byte ${dataStart + end}, but the file has ${bytes.length} (truncated?)`,
      );
    }
    // A copy, as a typed array must start on a multiple of its element's size.
    const copy = view.buffer.slice(
      view.byteOffset + dataStart + begin,
      view.byteOffset + dataStart + end,
    ) as ArrayBuffer;
    tensors.set(name, { shape, data: new DTYPES[dtype](copy) });
    expected = end;
  }
  if (dataStart + expected !== bytes.length) {
    fail(`${bytes.length - dataStart - expected} bytes follow the last tensor`);
  }
  return { tensors, metadata };
}

type Fail = (why: string) => never;

interface Entry {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: number[];
  readonly begin: number;
  readonly end: number;
}

function parseHeader(bytes: Uint8Array, fail: Fail): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return fail("its header is not JSON");
  }
  return isRecord(header) ? header : fail("its header is not a JSON object");
}

function readMetadata(value: unknown, fail: Fail): Record<string, string> {
  if (value === undefined) return {};
  if (!isRecord(value) || !Object.values(value).every((text) => typeof text === "string")) {
    return fail("its metadata is not a map from text to text");
  }
  return value as Record<string, string>;
}

function readEntry(name: string, value: unknown, fail: Fail): Entry {
  if (!isRecord(value)) return fail(`the entry of "${name}" is not an object`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== "string" || !Object.hasOwn(DTYPES, dtype)) {
    return fail(`"${name}" has the number format ${String(dtype)}; known are F32, F64, I32 and U8`);
  }
  if (!isSizes(shape)) return fail(`the shape of "${name}" is not a list of whole numbers`);
  if (!isSizes(offsets) || offsets.length !== 2) {
    return fail(`the data_offsets of "${name}" are not two whole numbers`);
  }
  const [begin, end] = offsets as [number, number];
  const needed = sizeOf(shape) * DTYPES[dtype as Dtype].BYTES_PER_ELEMENT;
  if (end - begin !== needed) {
    return fail(
      `"${name}" of shape [${shape.join(", ")}] needs ${needed} bytes, not ${end - begin}`,
    );
  }
  return { name, dtype: dtype as Dtype, shape, begin, end };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && (n as number) >= 0);
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}

function dtypeOf(data: StoredTensor["data"]): Dtype {
  const found = (Object.keys(DTYPES) as Dtype[]).find((name) => data instanceof DTYPES[name]);
  if (!found)
    throw new SafetensorsError("Only Float32, Float64, Int32 and Uint8 arrays are stored.");
  return found;
}
