// One search as it runs: rows arrive by a stream, further rows are fetched as they are scrolled to.
import { del, get, post, stream, ApiError, type ErrorBody } from '../../api/client';
import { clock } from '../../state/time.svelte';
import type { Asked, FieldSummaries, FieldSummary, Histogram, Job, Notice, Progress, Results, Row } from './types';

type Line =
  | { type: 'start'; job: Job }
  | { type: 'rows'; offset: number; columns: string[]; rows: Row[] }
  | { type: 'preview'; columns: string[]; rows: Row[]; since?: string }
  | { type: 'progress'; progress: Progress; kept: number }
  | { type: 'notice'; notice: Notice }
  | { type: 'end'; job: Job };

const firstEvents = 100;
const firstRows = 10_000; // of a table: sorted and filtered in the browser
const page = 200; // events fetched at once when scrolled to

export class SearchJob {
  readonly asked: Asked;
  job = $state.raw<Job | null>(null);
  columns = $state.raw<string[]>([]);
  /** Rows by place; holes are rows that were not fetched yet. */
  rows = $state.raw<Row[]>([]);
  /** How many rows there are, fetched or not. */
  total = $state(0);
  /** Rows of a preview, until the first real ones come. */
  preview = $state(false);
  since = $state('');
  progress = $state.raw<Progress | null>(null);
  notices = $state.raw<Notice[]>([]);
  error = $state.raw<unknown>(null);
  running = $state(true);
  histogram = $state.raw<Histogram | null>(null);
  histogramError = $state.raw<unknown>(null);
  fields = $state.raw<FieldSummaries | null>(null);
  /** Milliseconds until the first rows were here. */
  firstAfter = $state(0);

  #abort = new AbortController();
  #shown: string; // columns that events are asked for
  #by = '';
  #fetching = new Set<number>();
  #started = performance.now();
  #fieldsAt = 0;

  constructor(asked: Asked, columns: string[], by: string) {
    this.asked = asked;
    this.#shown = wanted(columns);
    this.#by = by;
    void this.#run();
  }

  get id(): string {
    return this.job?.id ?? '';
  }

  get events(): boolean {
    return this.job?.events ?? true;
  }

  async #run() {
    const signal = this.#abort.signal;
    try {
      const job = await post<Job>(
        '/search/jobs',
        {
          search: this.asked.q,
          ...(this.asked.earliest && { earliest: this.asked.earliest }),
          ...(this.asked.latest && { latest: this.asked.latest }),
          tz: clock.zone === 'utc' ? 'UTC' : Intl.DateTimeFormat().resolvedOptions().timeZone,
          preview: true,
        },
        signal,
      );
      if (signal.aborted) return void del(`/search/jobs/${job.id}`).catch(() => {});
      this.#take(job);
      void this.loadHistogram();
      const query = job.events ? `count=${firstEvents}&fields=${encodeURIComponent(this.#shown)}` : `count=${firstRows}`;
      await stream<Line>(`/search/jobs/${job.id}/stream?${query}`, undefined, (line) => this.#line(line), signal);
    } catch (e) {
      if (signal.aborted) return;
      this.error = this.job?.error ? new ApiError(200, this.job.error as ErrorBody) : e;
    }
    this.running = false;
    if (this.job && this.job.state !== 'failed') {
      void this.loadFields();
      if (!this.histogram) void this.loadHistogram();
    }
  }

  #take(job: Job) {
    this.job = job;
    this.progress = job.progress;
    this.total = Math.max(this.total, job.rows);
    if (job.columns.length) this.columns = job.columns;
    this.notices = job.notices;
    if (job.error) this.error = new ApiError(200, job.error as ErrorBody);
  }

  #line(line: Line) {
    switch (line.type) {
      case 'start':
        this.#take(line.job);
        break;
      case 'rows':
        if (this.preview) this.rows = [];
        this.preview = false;
        this.columns = line.columns;
        this.#put(line.offset, line.rows);
        if (!this.firstAfter) this.firstAfter = performance.now() - this.#started;
        if (performance.now() - this.#fieldsAt > 3000) void this.loadFields();
        break;
      case 'preview':
        this.preview = true;
        this.since = line.since ?? '';
        this.columns = line.columns;
        this.rows = line.rows;
        this.total = line.rows.length;
        if (!this.firstAfter) this.firstAfter = performance.now() - this.#started;
        break;
      case 'progress':
        this.progress = line.progress;
        if (!this.preview) this.total = Math.max(this.total, line.kept);
        if (performance.now() - this.#fieldsAt > 3000) void this.loadFields();
        break;
      case 'notice':
        this.notices = [...this.notices, line.notice];
        break;
      case 'end':
        if (this.preview) {
          this.rows = [];
          this.preview = false;
        }
        this.#take(line.job);
        this.total = line.job.rows;
        break;
    }
  }

  #put(offset: number, rows: Row[]) {
    const all = offset === this.rows.length ? this.rows.concat(rows) : this.rows.slice();
    if (all.length !== offset + rows.length || offset !== this.rows.length) rows.forEach((r, i) => (all[offset + i] = r));
    this.rows = all;
    this.total = Math.max(this.total, all.length);
  }

  /** need fetches the rows around a range of places that are not here yet. */
  need(from: number, to: number) {
    if (!this.job || this.preview) return;
    for (let p = Math.floor(from / page); p <= Math.floor(to / page); p++) {
      const start = p * page;
      const end = Math.min(start + page, this.total);
      let hole = start;
      while (hole < end && this.rows[hole]) hole++;
      if (hole >= end || this.#fetching.has(p)) continue;
      this.#fetching.add(p);
      void this.#fetch(hole, end).finally(() => this.#fetching.delete(p));
    }
  }

  async #fetch(from: number, to: number) {
    try {
      const shown = this.#shown;
      const got = await get<Results>(`/search/jobs/${this.id}/results`, { offset: from, count: to - from, ...(this.events && { fields: shown }) }, this.#abort.signal);
      if (shown === this.#shown) this.#put(from, got.rows);
    } catch (e) {
      if (!this.#abort.signal.aborted) this.error = e;
    }
  }

  /** setColumns asks for other columns of events. */
  setColumns(columns: string[]) {
    const next = wanted(columns);
    if (next === this.#shown) return;
    this.#shown = next;
    if (!this.events || !this.job) return;
    void this.#fetch(0, Math.min(this.rows.length, firstEvents)).then(() => {
      this.rows = this.rows.slice(0, firstEvents);
    });
  }

  async loadHistogram(by = this.#by) {
    this.#by = by;
    if (!this.job?.front) return;
    try {
      const got = await get<Histogram>(`/search/jobs/${this.id}/timeline`, { buckets: 120, by }, this.#abort.signal);
      if (by === this.#by) {
        this.histogram = got;
        this.histogramError = null;
      }
    } catch (e) {
      if (!this.#abort.signal.aborted) this.histogramError = e;
    }
  }

  async loadFields() {
    if (!this.job?.events) return;
    this.#fieldsAt = performance.now();
    try {
      this.fields = await get<FieldSummaries>(`/search/jobs/${this.id}/fields`, { values: 5 }, this.#abort.signal);
    } catch {
      // The side bar stays as it is; rows matter more.
    }
  }

  async field(name: string): Promise<FieldSummary | undefined> {
    return (await get<FieldSummaries>(`/search/jobs/${this.id}/fields`, { field: name, values: 20 }, this.#abort.signal)).items[0];
  }

  /** cancel stops the search and keeps the rows. */
  async cancel() {
    try {
      await del(`/search/jobs/${this.id}`);
    } catch (e) {
      this.error = e;
    }
  }

  /** drop ends everything; nobody looks at it any more. */
  drop() {
    this.#abort.abort();
    if (this.id && this.running) void del(`/search/jobs/${this.id}`).catch(() => {});
  }
}

function wanted(columns: string[]): string {
  return [...new Set(['_time', '_raw', 'eventID', ...columns])].join(',');
}
