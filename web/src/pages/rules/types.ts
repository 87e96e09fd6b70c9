import type { Schemas } from '../../api/client';

export type RuleRow = Schemas['RuleRow'];
export type RuleFault = Schemas['RuleFault'];
export type Rule = Schemas['Rule'];
export type RuleTest = Schemas['RuleTest'];
export type Coverage = Schemas['Coverage'];
export type Verdict = Schemas['Verdict'];
export type Explained = Schemas['ExplainResult'];
export type BacktestLine = Schemas['BacktestLine'];
export type BacktestReport = Schemas['BacktestReport'];
export type VersionInfo = Schemas['VersionInfo'];
