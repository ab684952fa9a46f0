/**
 * Arrays in PostgreSQL's binary format (src/backend/utils/adt/arrayfuncs.c, `array_recv`): the driver sends a Buffer as
 * it is, and PostgreSQL reads it without parsing. A posting is a dozen numbers, and as text their parsing cost as much as
 * their insertion. All arrays are without nulls.
 */

const HEADER_BYTES = 12;
const DIMENSION_BYTES = 8;
const INT8 = 20;
const TIMESTAMPTZ = 1184;
const UUID = 2950;
/** PostgreSQL counts microseconds from 2000-01-01. */
const TIMESTAMP_ORIGIN_MS = Date.UTC(2000, 0, 1);

/** The four bits of each hexadecimal digit, by its character code; 255 is none. */
const nibbles = new Uint8Array(256).fill(255);
for (let digit = 0; digit < 16; digit += 1) {
  nibbles[digit.toString(16).charCodeAt(0)] = digit;
  nibbles[digit.toString(16).toUpperCase().charCodeAt(0)] = digit;
}

interface Frame {
  bytes: Buffer;
  view: DataView;
}

/** An array's header and room for its elements, each of which is a length and its bytes. */
function makeFrame(oid: number, element_bytes: number, dimensions: readonly number[]): Frame {
  const elements = dimensions.reduce((product, length) => product * length, 1);
  const header = HEADER_BYTES + DIMENSION_BYTES * dimensions.length;
  const bytes = Buffer.allocUnsafe(header + elements * (4 + element_bytes));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  view.setInt32(0, dimensions.length);
  view.setInt32(4, 0);
  view.setInt32(8, oid);
  for (const [index, length] of dimensions.entries()) {
    view.setInt32(HEADER_BYTES + DIMENSION_BYTES * index, length);
    view.setInt32(HEADER_BYTES + DIMENSION_BYTES * index + 4, 1);
  }
  return { bytes, view };
}

const FIRST = HEADER_BYTES + DIMENSION_BYTES;

/** An array without elements has no dimensions. */
function makeEmpty(oid: number): Buffer {
  return makeFrame(oid, 0, []).bytes.subarray(0, HEADER_BYTES);
}

/** `uuid[]`. Throws for what is not a uuid in its usual form. */
export function uuidArray<Item>(items: readonly Item[], uuidOf: (item: Item) => string): Buffer {
  if (items.length === 0) return makeEmpty(UUID);
  const { bytes, view } = makeFrame(UUID, 16, [items.length]);
  let at = FIRST;
  for (const item of items) {
    view.setInt32(at, 16);
    writeUuid(bytes, at + 4, uuidOf(item));
    at += 20;
  }
  return bytes;
}

const DASH = "-".charCodeAt(0);

function writeUuid(bytes: Buffer, from: number, uuid: string): void {
  let at = from;
  let strange = uuid.length === 36 ? 0 : 255;
  for (let index = 0; index < 36; index += 2) {
    if (index === 8 || index === 13 || index === 18 || index === 23) {
      if (uuid.charCodeAt(index) !== DASH) strange = 255;
      index += 1;
    }
    const high = nibbles[uuid.charCodeAt(index)] ?? 255;
    const low = nibbles[uuid.charCodeAt(index + 1)] ?? 255;
    strange |= high | low;
    bytes[at] = (high << 4) | low;
    at += 1;
  }
  if (strange > 15) throw new TypeError(`"${uuid}" is not a uuid`);
}

/** `timestamptz[]` of epoch milliseconds. */
export function timestamptzArray<Item>(items: readonly Item[], timeOf: (item: Item) => number): Buffer {
  if (items.length === 0) return makeEmpty(TIMESTAMPTZ);
  const { bytes, view } = makeFrame(TIMESTAMPTZ, 8, [items.length]);
  for (let index = 0, at = FIRST; index < items.length; index += 1, at += 12) {
    view.setInt32(at, 8);
    writeInteger(view, at + 4, (timeOf(items[index]!) - TIMESTAMP_ORIGIN_MS) * 1_000);
  }
  return bytes;
}

/** A whole number that is exact as a `number`, as eight bytes. */
function writeInteger(view: DataView, at: number, value: number): void {
  view.setInt32(at, Math.floor(value / 4_294_967_296));
  view.setUint32(at + 4, value >>> 0);
}

const BIGINT_MAX = 2n ** 63n - 1n;

/** Throws for what eight bytes do not hold, which would be cut to another number. */
function writeBigint(view: DataView, at: number, value: bigint): void {
  if (value > BIGINT_MAX || value < -BIGINT_MAX) throw new RangeError(`${value} is beyond a bigint of the database`);
  view.setBigInt64(at, value);
}

/** A `bigint[][]` that is filled row by row. */
export interface Matrix {
  /** Appends a cell; whole numbers only. */
  add(value: bigint | number): void;
  /** How many rows are full. */
  rows(): number;
  /** Forgets the rows from one on, counted from 0. */
  cut(rows: number): void;
  /** What was filled. The matrix is not used afterwards. */
  finish(): Buffer;
}

/** Makes room for `rows_max` rows of `columns` cells. Throws on a cell beyond the room. */
export function makeMatrix(rows_max: number, columns: number): Matrix {
  const header = FIRST + DIMENSION_BYTES;
  const { bytes, view } = makeFrame(INT8, 8, [rows_max, columns]);
  let at = header;
  return {
    add(value) {
      view.setInt32(at, 8);
      if (typeof value === "bigint") writeBigint(view, at + 4, value);
      else writeInteger(view, at + 4, value);
      at += 12;
    },
    rows: () => (at - header) / (12 * columns),
    cut(rows) {
      at = header + rows * 12 * columns;
    },
    finish() {
      if (at === header) return makeEmpty(INT8);
      view.setInt32(HEADER_BYTES, (at - header) / (12 * columns));
      return bytes.subarray(0, at);
    },
  };
}

/** The integers of a `bigint[]` of two dimensions as `array_send` gives it, row after row. Throws for anything else. */
export function readMatrix(bytes: Buffer): bigint[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [dimensions, nulls, oid] = [view.getInt32(0), view.getInt32(4), view.getInt32(8)];
  if (dimensions !== 2 || nulls !== 0 || oid !== INT8) throw new Error("not a matrix of integers");
  const cells: bigint[] = [];
  for (let at = HEADER_BYTES + 2 * DIMENSION_BYTES; at < bytes.length; at += 12) cells.push(view.getBigInt64(at + 4));
  return cells;
}
