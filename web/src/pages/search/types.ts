import type { Schemas } from '../../api/client';

export type Job = Schemas['Job'];
export type Row = Schemas['Row'];
export type Cell = Schemas['Value'];
export type Notice = Schemas['Notice'];
export type Progress = Schemas['Progress'];
export type Results = Schemas['Results'];
export type Histogram = Schemas['Histogram'];
export type FieldSummary = Schemas['FieldSummary'];
export type FieldSummaries = Schemas['FieldSummaries'];
export type Parsed = Schemas['Parsed'];
export type Completion = Schemas['Completion'];
export type Word = Schemas['Word'];

/** What a search asks for, as it stands in the address. */
export interface Asked {
  q: string;
  earliest: string;
  latest: string;
}

/** text writes a cell as one text. */
export function text(cell: Cell | undefined): string {
  return cell === undefined ? '' : Array.isArray(cell) ? cell.join('\n') : cell;
}
