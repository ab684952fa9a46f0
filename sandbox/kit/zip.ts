/**
 * Zip files as the channels' servers write them: as a stream, so that lengths and CRC-32 follow each file's bytes, and
 * with names in GBK. By PKWARE's APPNOTE.
 */
import { crc32, deflateRawSync } from "node:zlib";
import { encodeGbk } from "./gbk.ts";

export type ZipFile = { name: string; content: Buffer };

/** Bit 3: the lengths are in a descriptor after the data. */
const flags = 0x0008;
const deflated = 8;
const version = 20;

/** Date and time as DOS kept them, of a Beijing time `yyyyMMddHHmmss`. */
function dosTime(compact: string): { date: number; time: number } {
  const [year, month, day, hour, minute, second] = [
    compact.slice(0, 4),
    ...(compact.slice(4).match(/\d\d/g) ?? []),
  ].map(Number) as [number, number, number, number, number, number];
  return {
    date: ((year - 1980) << 9) | (month << 5) | day,
    time: (hour << 11) | (minute << 5) | (second >> 1),
  };
}

/** The file as bytes. `written_at` is Beijing time, `yyyyMMddHHmmss`. */
export function writeZip(files: readonly ZipFile[], written_at: string): Buffer {
  const { date, time } = dosTime(written_at);
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, content } of files) {
    const label = encodeGbk(name);
    const data = deflateRawSync(content);
    const header = Buffer.alloc(30);
    header.writeUInt32LE(0x04034b50, 0);
    for (const [at, value] of [
      [4, version],
      [6, flags],
      [8, deflated],
      [10, time],
      [12, date],
      [26, label.length],
    ] as const)
      header.writeUInt16LE(value, at);
    const descriptor = Buffer.alloc(16);
    descriptor.writeUInt32LE(0x08074b50, 0);
    descriptor.writeUInt32LE(crc32(content), 4);
    descriptor.writeUInt32LE(data.length, 8);
    descriptor.writeUInt32LE(content.length, 12);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(version, 4);
    header.copy(entry, 6, 4, 14);
    descriptor.copy(entry, 16, 4);
    entry.writeUInt16LE(label.length, 28);
    entry.writeUInt32LE(offset, 42);
    parts.push(header, label, data, descriptor);
    directory.push(entry, label);
    offset += header.length + label.length + data.length + descriptor.length;
  }
  const listed = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(files.length, 8);
  end.writeUInt16LE(files.length, 10);
  end.writeUInt32LE(listed.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, listed, end]);
}
