/**
 * IDX, MNIST's file format: a big-endian header, then one byte for each pixel or label.
 *
 *     images: 00 00 08 03 | count | height | width | pixels, row by row, 0 background … 255 ink
 *     labels: 00 00 08 01 | count | labels 0 … 9
 */
import type { MnistFile } from "./mnist-files";

/** Height and width of an MNIST image, in pixels. */
export const SIDE = 28;

const MAGIC = { images: 0x0803, labels: 0x0801 } as const;

/** Length of the header of an IDX file, in bytes. */
export function headerBytes(kind: MnistFile["kind"]): number {
  return kind === "images" ? 16 : 8;
}

/** Length that the uncompressed file must have, in bytes. */
export function fileBytes(file: Pick<MnistFile, "kind" | "count">): number {
  return headerBytes(file.kind) + file.count * (file.kind === "images" ? SIDE * SIDE : 1);
}

/** The header that the file must start with. */
export function idxHeader(file: Pick<MnistFile, "kind" | "count">): Uint8Array {
  const header = new Uint8Array(headerBytes(file.kind));
  const view = new DataView(header.buffer);
  view.setUint32(0, MAGIC[file.kind]);
  view.setUint32(4, file.count);
  if (file.kind === "images") {
    view.setUint32(8, SIDE);
    view.setUint32(12, SIDE);
  }
  return header;
}

/** The pixels or labels of a whole file: a view on its bytes, no copy. */
export function idxPayload(bytes: Uint8Array, file: Pick<MnistFile, "kind">): Uint8Array {
  return bytes.subarray(headerBytes(file.kind));
}

/** Says in words what a file's first bytes are, for the message about a foreign file. */
export function describeStart(bytes: Uint8Array): string {
  if (bytes.length === 0) return "an empty file";
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = bytes.length >= 4 ? view.getUint32(0) : -1;
  if (magic === MAGIC.labels && bytes.length >= 8) {
    return `an IDX file of ${formatCount(view.getUint32(4))} labels`;
  }
  if (magic === MAGIC.images && bytes.length >= 16) {
    const [count, height, width] = [4, 8, 12].map((at) => view.getUint32(at));
    return `an IDX file of ${formatCount(count ?? 0)} images of ${height} × ${width} pixels`;
  }
  const start = bytes.subarray(0, 12);
  if (start.every((byte) => (byte >= 0x20 && byte < 0x7f) || (byte >= 9 && byte <= 13))) {
    return `a file that starts with the text ${JSON.stringify(Buffer.from(start).toString("latin1"))}`;
  }
  const hex = [...start.subarray(0, 4)].map((byte) => byte.toString(16).padStart(2, "0"));
  return `a file that starts with the bytes ${hex.join(" ")}`;
}

/** 60000 → "60,000", whatever the machine's language. */
export function formatCount(count: number): string {
  return count.toLocaleString("en-US");
}
