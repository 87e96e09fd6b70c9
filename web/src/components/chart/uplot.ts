// Builds what uPlot needs: axes in the page's time zone and colours, stacked series.
import uPlot from 'uplot';
import { clock } from '../../state/time.svelte';
import { theme } from '../../state/theme.svelte';
import { compact, type Plot, type Series } from './data';

export type ChartKind = 'line' | 'area' | 'column';

const pad = (n: number) => String(n).padStart(2, '0');

/** ticks writes times so that the day stands where it changes. */
function ticks(splits: number[], step: number): string[] {
  let day = '';
  return splits.map((s) => {
    const d = new Date(s * 1000);
    const u = clock.zone === 'utc';
    const [mo, date, h, m, sec] = u
      ? [d.getUTCMonth(), d.getUTCDate(), d.getUTCHours(), d.getUTCMinutes(), d.getUTCSeconds()]
      : [d.getMonth(), d.getDate(), d.getHours(), d.getMinutes(), d.getSeconds()];
    const today = `${pad(mo + 1)}-${pad(date)}`;
    if (step >= 86400) return today;
    const time = `${pad(h)}:${pad(m)}` + (step < 60 ? `:${pad(sec)}` : '');
    const first = today !== day;
    day = today;
    return first ? `${time}\n${today}` : time;
  });
}

export interface Drawn {
  options: Omit<uPlot.Options, 'width' | 'height'>;
  data: uPlot.AlignedData;
  /** Heights as drawn, for finding what was hit. */
  tops: (number | null)[][];
}

/** build draws series over plot.times or over places 0, 1, 2… */
export function build(
  p: Plot,
  series: Series[],
  o: { kind: ChartKind; stack: boolean; log: boolean; unit: string; brush: boolean; small: boolean; hooks: uPlot.Hooks.Arrays },
): Drawn {
  const color = (token: string) => theme.color(token);
  const alpha = (token: string, a: number) => color(token).replace(/^rgb\((.*)\)$/, `rgba($1, ${a})`);
  const x = p.times ?? p.labels.map((_, i) => i);
  const tops: (number | null)[][] = [];
  const sum = x.map(() => 0);
  for (const s of series) {
    tops.push(o.stack ? s.values.map((v, i) => (sum[i] = sum[i]! + (v ?? 0))) : s.values);
  }
  const bars = o.kind === 'column';
  // Stacked: the highest is drawn first and the others over it.
  const order = series.map((_, i) => i);
  if (o.stack) order.reverse();
  const many = series.length;
  const lines = order.map((i, place): uPlot.Series => {
    const s = series[i]!;
    const result: uPlot.Series = {
      label: s.name,
      stroke: color(s.color),
      width: bars ? 0 : 1.5,
      points: { show: !bars && x.length < 2, size: 6, fill: color(s.color) },
      spanGaps: false,
    };
    if (bars) {
      result.fill = color(s.color);
      result.paths = uPlot.paths.bars!({ size: [!o.stack && many > 1 ? 0.9 / many : 0.8, 60], align: !o.stack && many > 1 ? undefined : 0, gap: 1 } as uPlot.Series.BarsPathBuilderOpts);
      if (!o.stack && many > 1) result.paths = grouped(place, many);
    } else if (o.kind === 'area') {
      result.fill = alpha(s.color, o.stack ? 0.75 : 0.16);
    }
    return result;
  });
  const grid = { stroke: color('--line'), width: 1 };
  const font = '11px system-ui, sans-serif';
  const options: Drawn['options'] = {
    padding: [8, 12, 0, 0],
    legend: { show: false },
    // Ticks stand at midnight and full hours of the zone that their words are in.
    tzDate: (t) => (clock.zone === 'utc' ? uPlot.tzDate(new Date(t * 1000), 'Etc/UTC') : new Date(t * 1000)),
    scales: {
      x: { time: p.times != null, range: (_, min, max) => edges(x, min, max, bars) },
      y: o.log ? { distr: 3, log: 10 } : { range: (_, min, max) => (max <= 0 && min >= 0 ? [0, 1] : [Math.min(0, min), max * 1.05]) },
    },
    series: [{}, ...lines],
    axes: [
      {
        stroke: color('--text-3'),
        font,
        grid: { show: false },
        ticks: { ...grid, size: 4 },
        size: p.times ? 36 : 26,
        gap: 4,
        space: p.times ? 56 : 64,
        ...(p.times
          ? { values: (_, splits, __, ___, step) => ticks(splits, step) }
          : { splits: (u: uPlot) => places(p.labels.length, u.width), values: (u, splits) => splits.map((i) => clip(p.labels[i] ?? '', u.width / Math.max(1, splits.length))) }),
      } as uPlot.Axis,
      {
        stroke: color('--text-3'),
        font,
        grid,
        ticks: { show: false },
        gap: 6,
        space: o.small ? 20 : 36,
        size: (_, values) => 14 + 6.5 * Math.max(2, ...(values ?? []).map((v) => String(v ?? '').length)),
        values: (_, splits) => splits.map((v) => (v == null ? '' : compact(v) + (o.unit ? ' ' + o.unit : ''))),
      },
    ],
    cursor: {
      y: false,
      drag: { x: o.brush && p.times != null, y: false, setScale: false },
      points: { show: !bars, size: 7 },
    },
    hooks: o.hooks,
  };
  if (o.kind === 'area' && o.stack) {
    // Each band lies between a series and the one below it.
    options.bands = order.slice(0, -1).map((_, i) => ({ series: [i + 1, i + 2] as [number, number] }));
  }
  return { options, data: [x, ...order.map((i) => tops[i]!)] as uPlot.AlignedData, tops };
}

/** grouped draws the bars of several series side by side. */
function grouped(place: number, many: number): uPlot.Series.PathBuilder {
  return (u, si, i0, i1) => {
    const fill = new Path2D();
    const xs = u.data[0]!;
    const ys = u.data[si]!;
    const gap = xs.length > 1 ? Math.abs(u.valToPos(xs[1]!, 'x', true) - u.valToPos(xs[0]!, 'x', true)) : u.bbox.width / 2;
    const whole = Math.min(gap * 0.85, 90 * devicePixelRatio);
    const width = Math.max(1, whole / many);
    const zero = u.valToPos(0, 'y', true);
    for (let i = i0; i <= i1; i++) {
      const v = ys[i];
      if (v == null) continue;
      const y = u.valToPos(v, 'y', true);
      fill.rect(Math.round(u.valToPos(xs[i]!, 'x', true) - whole / 2 + place * width), Math.min(y, zero), Math.max(1, Math.floor(width) - 1), Math.abs(zero - y));
    }
    return { stroke: null, fill, clip: null, band: null, gaps: null, flags: 0 } as unknown as uPlot.Series.Paths;
  };
}

function edges(x: number[], min: number, max: number, bars: boolean): [number, number] {
  if (x.length === 0) return [0, 1];
  if (x.length === 1) return [x[0]! - 1, x[0]! + 1];
  if (!bars) return [min, max];
  const half = (x[1]! - x[0]!) / 2;
  return [min - half, max + half];
}

function places(n: number, width: number): number[] {
  const most = Math.max(1, Math.floor(width / 90));
  const step = Math.max(1, Math.ceil(n / most));
  const list = [];
  for (let i = 0; i < n; i += step) list.push(i);
  return list;
}

const clip = (s: string, width: number): string => {
  const most = Math.max(4, Math.floor(width / 7));
  return s.length > most ? s.slice(0, most - 1) + '…' : s;
};
