import type { Place } from '../api/client';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** offset turns a byte offset of the API into an index of a JavaScript string. */
export function offset(text: string, bytes: number): number {
  const all = encoder.encode(text);
  return decoder.decode(all.subarray(0, Math.min(bytes, all.length))).length;
}

/** bytes is the way back: a JavaScript index as a byte offset. */
export function bytes(text: string, index: number): number {
  return encoder.encode(text.slice(0, index)).length;
}

/** underline cuts a text at a place and keeps at most 200 characters on each side. */
export function underline(text: string, place: Place): { before: string; marked: string; after: string } {
  const from = offset(text, place.start);
  const to = Math.max(offset(text, place.end), Math.min(from + 1, text.length));
  const before = text.slice(0, from);
  const after = text.slice(to);
  return {
    before: before.length > 200 ? '…' + before.slice(-200) : before,
    marked: text.slice(from, to) || ' ',
    after: after.length > 200 ? after.slice(0, 200) + '…' : after,
  };
}
