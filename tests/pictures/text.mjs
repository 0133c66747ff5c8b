/**
 * Text in pictures: escaped for HTML, measured (Node has no canvas), and sized to fit as
 * Grafana sizes the words of a stat.
 */

// Widths in Inter, in thousandths of the font size; what is not here is as wide as most letters.
const WIDTHS = {
  300: 'iIl.,:;|!\'',
  360: 'jtfr()[]-" ',
  520: 'sczJ',
  640: 'LTFEaeogqpdb0123456789',
  720: 'ABCDGHKNOPQRSUVXYZw',
  900: 'mM%W',
};
const WIDTH_OF = new Map(
  Object.entries(WIDTHS).flatMap(([width, letters]) => [...letters].map((one) => [one, Number(width)])));

export function escape(text) {
  return String(text ?? '').replace(/[&<>"]/g, (one) => `&#${one.charCodeAt(0)};`);
}

/** Pixels that a text takes, to a few percent. */
export function textWidth(text, size) {
  let sum = 0;
  for (const letter of String(text)) {
    sum += WIDTH_OF.get(letter) ?? 580;
  }
  return (sum / 1000) * size;
}

/** The largest size at which one line fits into a box. */
export function sizeToFit(text, width, height, largest = Infinity) {
  const lineHeight = 1.2;
  const byWidth = (width - 2) / Math.max(textWidth(text, 1), 0.1);
  return Math.min(byWidth, height / lineHeight, largest);
}
