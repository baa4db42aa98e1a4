// Makes an SVG of a terminal screen: `tmux capture-pane -e -p | node docs/picture.mjs > docs/screen.svg`.
// Understands the SGR codes a screen is made of (bold, dim, underline, reverse, 16, 256 and true colours) and nothing else.

const CELL = { width: 8.4, height: 18, left: 12, top: 12 };
const BASE = ['#1d1f28', '#ff6b6b', '#5af78e', '#f3f99d', '#57a5ff', '#ff8ac8', '#6fe3f2', '#d8dae3'];
const BRIGHT = ['#7a7f93', '#ff8b85', '#7dffa6', '#ffffb5', '#86c0ff', '#ffa8d8', '#9aefff', '#ffffff'];
const INK = '#d8dae3';
const PAPER = '#14151c';

function colour(index) {
  if (index < 8) return BASE[index];
  if (index < 16) return BRIGHT[index - 8];
  if (index >= 232) {
    const level = 8 + (index - 232) * 10;
    return `rgb(${level},${level},${level})`;
  }
  const steps = [0, 95, 135, 175, 215, 255];
  const cube = index - 16;
  return `rgb(${steps[Math.floor(cube / 36)]},${steps[Math.floor(cube / 6) % 6]},${steps[cube % 6]})`;
}

function apply(style, codes) {
  const next = { ...style };
  while (codes.length > 0) {
    const code = codes.shift();
    if (code === 0) Object.assign(next, { ink: null, paper: null, bold: false, dim: false, underline: false, reverse: false });
    else if (code === 1) next.bold = true;
    else if (code === 2) next.dim = true;
    else if (code === 4) next.underline = true;
    else if (code === 7) next.reverse = true;
    else if (code === 22) next.bold = next.dim = false;
    else if (code === 24) next.underline = false;
    else if (code === 27) next.reverse = false;
    else if (code >= 30 && code <= 37) next.ink = colour(code - 30);
    else if (code >= 90 && code <= 97) next.ink = colour(code - 82);
    else if (code >= 40 && code <= 47) next.paper = colour(code - 40);
    else if (code >= 100 && code <= 107) next.paper = colour(code - 92);
    else if (code === 39) next.ink = null;
    else if (code === 49) next.paper = null;
    else if (code === 38 || code === 48) {
      const value = codes.shift() === 5 ? colour(codes.shift()) : `rgb(${codes.splice(0, 3).join(',')})`;
      next[code === 38 ? 'ink' : 'paper'] = value;
    }
  }
  return next;
}

function runs(line, style) {
  const out = [];
  let column = 0;
  for (const [, codes, text] of line.matchAll(/\x1b\[([0-9;:]*)m|([^\x1b]+)/g)) {
    if (text === undefined) {
      style = apply(style, codes.split(/[;:]/).map(Number));
      continue;
    }
    out.push({ column, text, style });
    column += [...text].length;
  }
  return { out, column, style };
}

const escape = (text) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');

let input = '';
for await (const chunk of process.stdin) input += chunk;
const lines = input.replace(/\n+$/, '').split('\n');
let style = apply({}, [0]);
let widest = 0;
const body = [];
lines.forEach((line, row) => {
  const read = runs(line, style);
  style = read.style;
  widest = Math.max(widest, read.column);
  const y = CELL.top + row * CELL.height;
  for (const { column, text, style: s } of read.out) {
    const x = CELL.left + column * CELL.width;
    const width = [...text].length * CELL.width;
    const ink = (s.reverse ? s.paper ?? PAPER : s.ink) ?? INK;
    const paper = s.reverse ? s.ink ?? INK : s.paper;
    if (paper) body.push(`<rect x="${x}" y="${y}" width="${width}" height="${CELL.height}" fill="${paper}"/>`);
    if (text.trim() === '') continue;
    const extra = `${s.bold ? ' font-weight="bold"' : ''}${s.dim ? ' opacity="0.65"' : ''}${s.underline ? ' text-decoration="underline"' : ''}`;
    body.push(`<text x="${x}" y="${y + 13.5}" textLength="${width}" fill="${ink}"${extra} xml:space="preserve">${escape(text)}</text>`);
  }
});
const width = Math.ceil(widest * CELL.width + 2 * CELL.left);
const height = lines.length * CELL.height + 2 * CELL.top;
process.stdout.write(
  `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ` +
    `font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace" font-size="14">\n` +
    `<rect width="100%" height="100%" rx="8" fill="${PAPER}"/>\n${body.join('\n')}\n</svg>\n`,
);
