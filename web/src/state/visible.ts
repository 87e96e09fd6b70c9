// Texts of the trail are written by whoever made the calls. What cannot be seen in them, or turns the
// direction of what stands beside them, is shown as a mark.

// Controls, marks of direction, zero-width characters, tags and the byte order mark; not tab and line feed.
const HIDDEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu;

/** visible writes hidden characters as marks: the escape as ␛, a right-to-left override as ⟨U+202E⟩. */
export function visible(text: string): string {
  return text.replace(HIDDEN, (c) => {
    const n = c.codePointAt(0)!;
    if (n < 0x20) return String.fromCodePoint(0x2400 + n);
    if (n === 0x7f) return '␡';
    return `⟨U+${n.toString(16).toUpperCase().padStart(4, '0')}⟩`;
  });
}
