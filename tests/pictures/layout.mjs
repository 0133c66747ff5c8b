/**
 * Where each panel is, in pixels. On a wide screen by `gridPos`; on a narrow one in one column,
 * in the order of their positions, as Grafana does below 768 pixels.
 */

const COLUMNS = 24;
const ROW = 30;
const GAP = 8;
const MARGIN = 16;
const NARROW = 768;
// A panel's head, its inner edge on all sides and its border.
const HEAD = 40;
const EDGE = 9;

/** The same panels with `at` (left, top, width, height) and `box` (what is left for drawing). */
export function place(panels, width) {
  const inner = width - 2 * MARGIN;
  const placed = width < NARROW ? stack(panels, inner) : grid(panels, inner);
  return placed.map(({ panel, at }) => ({
    ...panel,
    at,
    box: { width: at.width - 2 * EDGE, height: at.height - HEAD - 2 * EDGE },
  }));
}

function grid(panels, inner) {
  const column = (inner + GAP) / COLUMNS;
  return compact(panels).map((panel) => {
    const { x, y, w, h } = panel.gridPos;
    return {
      panel,
      at: {
        left: MARGIN + Math.round(x * column), top: y * (ROW + GAP),
        width: Math.round(w * column - GAP), height: pixels(h),
      },
    };
  });
}

/** Panels move up until they meet another one: Grafana leaves no hole above a panel. */
function compact(panels) {
  const settled = [];
  for (const panel of inOrder(panels)) {
    const { x, w } = panel.gridPos;
    const above = settled.map(({ gridPos }) => gridPos)
      .filter((other) => other.x < x + w && x < other.x + (other.reserved ?? other.w));
    const y = Math.max(0, ...above.map((other) => other.y + other.h));
    settled.push({ ...panel, gridPos: { ...panel.gridPos, y } });
  }
  return settled;
}

function inOrder(panels) {
  return [...panels].sort((a, b) => a.gridPos.y - b.gridPos.y || a.gridPos.x - b.gridPos.x);
}

function stack(panels, inner) {
  let top = 0;
  return inOrder(panels).map((panel) => {
    const height = pixels(panel.gridPos.h);
    const at = { left: MARGIN, top, width: inner, height };
    top += height + GAP;
    return { panel, at };
  });
}

function pixels(rows) {
  return rows * (ROW + GAP) - GAP;
}
