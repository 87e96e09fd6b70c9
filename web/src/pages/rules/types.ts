// Rules as the API gives them.
import type { Place } from '../../api/client';

export interface RuleRow {
  id: string;
  name?: string;
  title: string;
  kind: string;
  severity: string;
  status?: string;
  tactics: string[];
  techniques: string[];
  data: string[];
  data_missing?: boolean;
  state: 'on' | 'off' | 'disabled' | 'serves';
  reason?: string;
  since?: string;
  origin: 'shipped' | 'configured' | 'own';
  tests: number;
  file: string;
  line: number;
  schedule?: string;
  last_run?: string;
  last_error?: string;
  failures?: number;
  last_hit?: string;
  hits_30d: number;
  false_30d?: number;
  true_30d?: number;
  days: number[];
  cost_us?: number;
}
export interface RuleFault {
  file?: string;
  line?: number;
  reason: string;
  place?: Place;
}
export interface Ref {
  id: string;
  title: string;
  severity: string;
}
export interface Run {
  planned: string;
  started: string;
  status: string;
  reason?: string;
  rows: number;
  findings: number;
  took_ms: number;
  said?: string;
}
export interface Rule extends RuleRow {
  source: string;
  editable: boolean;
  version?: number;
  description?: string;
  author?: string;
  misses?: string;
  message?: string;
  window_seconds?: number;
  entity: string[];
  references: string[];
  false_positives: string[];
  investigate: string[];
  fields: string[];
  warnings: string[];
  class: Record<string, string>;
  search?: string;
  test_list: { name: string; line?: number; fire: boolean }[];
  runs: Run[];
  uses: Ref[];
  used_by: Ref[];
}
export interface Coverage {
  tactics: { id: string; name: string; rules: number; hits_30d: number; techniques: { id: string; name?: string; rules: Ref[]; hits_30d: number }[] }[];
  techniques: number;
  rules: number;
}
export interface RuleTest {
  ok: boolean;
  faults: RuleFault[];
  warnings: string[];
  rules: { id: string; title: string; kind: string; severity: string; tests: { name: string; line: number; want: boolean; got: boolean; passed: boolean; error?: string }[] }[];
}
export interface Verdict {
  text: string;
  holds: boolean;
  parts?: Verdict[];
  test?: { field?: string; wanted?: string[]; more?: number; missing?: boolean; found?: string[]; further?: number };
}
export interface Explained {
  items: { event_id?: string; event_name?: string; fires: boolean; condition: Verdict; filters?: Verdict[] }[];
}
export interface Report {
  title: string;
  finding_count: number;
  event_count: number;
  events_read: number;
  from?: string | null;
  to?: string | null;
  day_count: number;
  quiet_days: number;
  days: { day: string; findings: number; events: number }[];
  by: { field: string; rows: { value: string; findings: number; events: number }[] }[];
  faults?: string[];
}
export interface VersionInfo {
  version: number;
  time: string;
  who: string;
  note?: string;
  bytes?: number;
  deleted?: boolean;
}
