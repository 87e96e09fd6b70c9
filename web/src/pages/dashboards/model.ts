// A dashboard as the API gives it; docs/dashboards.md describes the format.
export interface Choice {
  label?: string;
  value: string;
}
export interface Input {
  id: string;
  type: 'time' | 'account' | 'region' | 'user' | 'text' | 'dropdown';
  label?: string;
  field?: string;
  default?: string[] | string;
  multiple?: boolean;
  choices?: Choice[];
  search?: string;
  value?: string;
  text?: string;
  earliest?: string;
  latest?: string;
}
export interface Options {
  stack?: boolean;
  legend?: 'bottom' | 'right' | 'none';
  log?: boolean;
  unit?: string;
  decimals?: number;
  x?: string;
  y?: string[];
  value?: string;
  trend?: string;
  rising?: 'good' | 'bad' | 'neutral';
  columns?: string[];
  limit?: number;
  country?: string;
  latitude?: string;
  longitude?: string;
  attack?: boolean;
  thresholds?: { at: number; severity: string }[];
}
export interface Drilldown {
  none?: boolean;
  search?: string;
  dashboard?: string;
  inputs?: Record<string, string>;
  entity?: string;
  value?: string;
}
export const kinds = ['line', 'area', 'column', 'bar', 'pie', 'single', 'table', 'map', 'matrix', 'events', 'text'] as const;
export type Kind = (typeof kinds)[number];
export interface Panel {
  title: string;
  description?: string;
  kind: Kind;
  width?: number;
  base?: string;
  search?: string;
  time?: string;
  earliest?: string;
  latest?: string;
  text?: string;
  options?: Options;
  drilldown?: Drilldown;
}
export interface Row {
  title?: string;
  height?: number;
  panels: Panel[];
}
export interface Board {
  id: string;
  title: string;
  description?: string;
  inputs?: Input[];
  searches?: Record<string, string>;
  rows: Row[];
}
export interface Dashboard {
  id: string;
  title: string;
  own: boolean;
  editable: boolean;
  owner?: string;
  version: number;
  updated?: string;
  source: string;
  dashboard: Board;
}

/** What the reader chose; a time input has id.earliest and id.latest. */
export type Values = Record<string, string[]>;

/** Height of a row in pixels. */
export const heightOf = (row: Row): number => row.height ?? (row.panels.every((p) => p.kind === 'single' || p.kind === 'text') ? 110 : 280);

export const defaults = (in_: Input): string[] => (Array.isArray(in_.default) ? in_.default : in_.default ? [in_.default] : []);

/** widths gives each panel of a row its columns of twelve. */
export function widths(row: Row): number[] {
  const given = row.panels.reduce((a, p) => a + (p.width ?? 0), 0);
  const free = row.panels.filter((p) => !p.width).length;
  const share = free ? Math.max(1, Math.floor((12 - given) / free)) : 0;
  return row.panels.map((p) => p.width ?? share);
}
