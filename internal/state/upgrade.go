package state

import "fmt"

// oldest is the oldest format that can be upgraded.
const oldest = 4

// schema is the oldest format. A new database begins with it, too, and takes the same
// steps as an old one.
const schema = `
CREATE TABLE ingest (
	one     INTEGER PRIMARY KEY CHECK (one = 1),
	batch   INTEGER NOT NULL,
	seq     INTEGER NOT NULL,
	events  INTEGER NOT NULL,
	running INTEGER NOT NULL
) STRICT;
INSERT INTO ingest VALUES (1, 0, 0, 0, 0);
CREATE TABLE file (
	path    TEXT PRIMARY KEY,
	size    INTEGER NOT NULL,
	changed INTEGER NOT NULL,
	records INTEGER NOT NULL,
	done    INTEGER NOT NULL,
	first   INTEGER NOT NULL,
	last    INTEGER NOT NULL,
	origin  TEXT NOT NULL,
	print   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX file_days ON file (first, last);
CREATE TABLE day (
	day    INTEGER NOT NULL,
	idx    TEXT NOT NULL,
	events INTEGER NOT NULL,
	sum    INTEGER NOT NULL,
	PRIMARY KEY (day, idx)
) STRICT, WITHOUT ROWID;
CREATE TABLE ids (
	name  TEXT PRIMARY KEY,
	count INTEGER NOT NULL,
	sum   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE alarm (
	day    INTEGER PRIMARY KEY,
	events INTEGER NOT NULL,
	since  INTEGER NOT NULL,
	reason TEXT NOT NULL
) STRICT;
CREATE TABLE retained (
	idx TEXT PRIMARY KEY,
	day INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE quarantine (
	path   TEXT NOT NULL,
	place  INTEGER NOT NULL,
	reason TEXT NOT NULL,
	PRIMARY KEY (path, place)
) STRICT, WITHOUT ROWID;
`

// steps lead from each format to the next: the first one from oldest to oldest+1. A
// step that was released is never changed; what comes later is a new step at the end.
var steps = []string{
	growingFiles,
	findings,
	ruleRuns,
	findingArrival,
	findingMatches,
	findingMarks,
	judgeState,
	outbox,
	alerts,
	people,
	documents,
	cloudSources,
	waitingMatches,
	digests,
	droppedRecords,
}

// version is the format that this program reads and writes.
var version = oldest + len(steps)

// waitingMatches stores matches that arrive together in one row. Those of before keep a row
// each: "1", the length of the unit's name in eight digits, the name, and the match.
const waitingMatches = `
CREATE TABLE judge_waiting (
	number INTEGER PRIMARY KEY,
	body   BLOB NOT NULL
) STRICT;
INSERT INTO judge_waiting (body) SELECT CAST(printf('1%08d', length(unit)) || unit || body AS BLOB) FROM judge_tail ORDER BY unit, at;
DROP TABLE judge_tail;
`

// growingFiles remembers how far files that grow were read.
const growingFiles = `
ALTER TABLE file ADD COLUMN stream TEXT NOT NULL DEFAULT '';
ALTER TABLE file ADD COLUMN anon INTEGER NOT NULL DEFAULT 0;
CREATE INDEX file_print ON file (print) WHERE anon;
CREATE TABLE tail (
	path    TEXT PRIMARY KEY,
	device  INTEGER NOT NULL,
	inode   INTEGER NOT NULL,
	size    INTEGER NOT NULL,
	records INTEGER NOT NULL,
	head    INTEGER NOT NULL,
	end     INTEGER NOT NULL,
	print   INTEGER NOT NULL,
	stream  TEXT NOT NULL
) STRICT, WITHOUT ROWID;
`

// upgrade brings the database to a version, each step in a transaction of its own.
func (s *DB) upgrade(to int) error {
	s.db.SetMaxOpenConns(1)
	var v int
	if err := s.db.QueryRow("PRAGMA user_version").Scan(&v); err != nil {
		return err
	}
	switch {
	case v > version:
		return fmt.Errorf("a newer version wrote it (format %d; this version supports %d); use that version", v, version)
	case v > 0 && v < oldest:
		return fmt.Errorf("an older version wrote it (format %d; this version supports %d); remove the data directory, or name another one, and ingest the files again", v, version)
	case v == 0:
		if err := s.step(schema, oldest); err != nil {
			return err
		}
		v = oldest
	}
	for ; v < to; v++ {
		if err := s.step(steps[v-oldest], v+1); err != nil {
			return fmt.Errorf("cannot upgrade it from format %d to %d: %w", v, v+1, err)
		}
	}
	return nil
}

// step runs statements that lead to a version. Of two processes that open a database at
// once, the second finds the step taken.
func (s *DB) step(text string, to int) error {
	return s.Write(func(t *Tx) error {
		var v int
		if err := t.tx.QueryRow("PRAGMA user_version").Scan(&v); err != nil || v >= to {
			return err
		}
		if _, err := t.tx.Exec(text); err != nil {
			return err
		}
		_, err := t.tx.Exec(fmt.Sprintf("PRAGMA user_version = %d", to))
		return err
	})
}

// findings keeps what rules found, and which rules were switched off.
const findings = `
CREATE TABLE finding (
	id       TEXT PRIMARY KEY,
	time     INTEGER NOT NULL,
	rule     TEXT NOT NULL,
	severity INTEGER NOT NULL,
	entity   TEXT NOT NULL,
	first    INTEGER NOT NULL,
	last     INTEGER NOT NULL,
	body     BLOB NOT NULL
) STRICT;
CREATE INDEX finding_time ON finding (time, id);
CREATE INDEX finding_last ON finding (last);
CREATE TABLE disabled (
	rule   TEXT PRIMARY KEY,
	print  TEXT NOT NULL,
	since  INTEGER NOT NULL,
	reason TEXT NOT NULL
) STRICT, WITHOUT ROWID;
`

// findingArrival remembers when findings were written, for searches of what is new.
const findingArrival = `
ALTER TABLE finding ADD COLUMN arrived INTEGER NOT NULL DEFAULT 0;
CREATE INDEX finding_arrived ON finding (arrived);
`

// findingMatches keeps the events of findings, so that events which come later, in any
// order, make the finding that they would have made together.
const findingMatches = `
CREATE TABLE finding_match (
	finding TEXT NOT NULL,
	at      BLOB NOT NULL,
	body    BLOB NOT NULL,
	PRIMARY KEY (finding, at)
) STRICT, WITHOUT ROWID;
CREATE TABLE finding_more (
	finding TEXT PRIMARY KEY,
	events  INTEGER NOT NULL,
	last    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`

// findingMarks keeps what people say of findings. It has no foreign key: a finding that
// is withdrawn and comes back keeps its mark.
const findingMarks = `
CREATE TABLE finding_mark (
	finding TEXT PRIMARY KEY,
	status  TEXT NOT NULL,
	note    TEXT NOT NULL,
	marked  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`

// judgeState keeps what rules know: units and matches of the judge, tuples that
// first_seen rules remember, who is behind calls, and what was learnt from stored events.
// Findings hold all that later events need, so their events need not be kept apart.
const judgeState = `
DROP TABLE finding_match;
DROP TABLE finding_more;
CREATE TABLE judge_unit (
	unit BLOB PRIMARY KEY,
	body BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE judge_tail (
	unit BLOB NOT NULL,
	at   BLOB NOT NULL,
	body BLOB NOT NULL,
	PRIMARY KEY (unit, at)
) STRICT, WITHOUT ROWID;
CREATE TABLE seen (
	rule  TEXT NOT NULL,
	tuple TEXT NOT NULL,
	first INTEGER NOT NULL,
	last  INTEGER NOT NULL,
	PRIMARY KEY (rule, tuple)
) STRICT, WITHOUT ROWID;
CREATE TABLE seen_staged (
	rule  TEXT NOT NULL,
	tuple TEXT NOT NULL,
	first INTEGER NOT NULL,
	last  INTEGER NOT NULL,
	PRIMARY KEY (rule, tuple)
) STRICT, WITHOUT ROWID;
CREATE TABLE identity (
	kind  INTEGER NOT NULL,
	key   BLOB NOT NULL,
	value BLOB NOT NULL,
	PRIMARY KEY (kind, key)
) STRICT, WITHOUT ROWID;
CREATE TABLE learnt (
	rule  TEXT PRIMARY KEY,
	print TEXT NOT NULL,
	upto  INTEGER NOT NULL,
	done  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`

// outbox keeps the changes of alerts that outputs are to hear of, and what of them waits
// for which output.
const outbox = `
CREATE TABLE outgoing (
	id     INTEGER PRIMARY KEY AUTOINCREMENT,
	key    TEXT NOT NULL,
	alert  TEXT NOT NULL,
	queued INTEGER NOT NULL,
	routed INTEGER NOT NULL,
	body   BLOB NOT NULL
) STRICT;
CREATE INDEX outgoing_unrouted ON outgoing (id) WHERE NOT routed;
CREATE TABLE delivery (
	id       INTEGER PRIMARY KEY AUTOINCREMENT,
	outgoing INTEGER NOT NULL,
	output   TEXT NOT NULL,
	alert    TEXT NOT NULL,
	queued   INTEGER NOT NULL,
	due      INTEGER NOT NULL,
	tries    INTEGER NOT NULL,
	batch    TEXT NOT NULL,
	error    TEXT NOT NULL,
	dead     INTEGER NOT NULL
) STRICT;
CREATE INDEX delivery_due ON delivery (output, dead, due, id);
CREATE INDEX delivery_alert ON delivery (alert, output);
CREATE INDEX delivery_outgoing ON delivery (outgoing);
CREATE INDEX delivery_batch ON delivery (output, batch) WHERE batch != '';
CREATE TABLE output (
	name    TEXT PRIMARY KEY,
	sent    INTEGER NOT NULL,
	failed  INTEGER NOT NULL,
	held    INTEGER NOT NULL,
	dropped INTEGER NOT NULL,
	streak  INTEGER NOT NULL,
	success INTEGER NOT NULL,
	failure INTEGER NOT NULL,
	error   TEXT NOT NULL
) STRICT, WITHOUT ROWID;
`

// alerts keeps what findings became: alerts, their events' records, who did what, the
// risk of entities, and the health of the system. alert_due is the queue of findings
// that changed since the alerter saw them.
const alerts = `
CREATE TABLE alert (
	number   INTEGER PRIMARY KEY AUTOINCREMENT,
	id       TEXT NOT NULL UNIQUE,
	rule     TEXT NOT NULL,
	name     TEXT NOT NULL,
	title    TEXT NOT NULL,
	kind     TEXT NOT NULL,
	entity   TEXT NOT NULL,
	severity INTEGER NOT NULL,
	status   TEXT NOT NULL,
	verdict  TEXT NOT NULL,
	assignee TEXT NOT NULL,
	accounts TEXT NOT NULL,
	summary  TEXT NOT NULL,
	risk     REAL NOT NULL,
	events   INTEGER NOT NULL,
	findings INTEGER NOT NULL,
	silent   INTEGER NOT NULL,
	first    INTEGER NOT NULL,
	last     INTEGER NOT NULL,
	created  INTEGER NOT NULL,
	updated  INTEGER NOT NULL,
	closed   INTEGER NOT NULL,
	touched  INTEGER NOT NULL
) STRICT;
CREATE INDEX alert_group ON alert (rule, entity);
CREATE INDEX alert_last ON alert (last);
CREATE INDEX alert_updated ON alert (updated);
CREATE TABLE alert_body (
	alert TEXT PRIMARY KEY,
	body  BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE alert_finding (
	finding  TEXT PRIMARY KEY,
	alert    TEXT NOT NULL,
	severity INTEGER NOT NULL,
	events   INTEGER NOT NULL,
	first    INTEGER NOT NULL,
	last     INTEGER NOT NULL,
	silent   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX alert_finding_alert ON alert_finding (alert);
CREATE TABLE alert_record (
	alert TEXT NOT NULL,
	event TEXT NOT NULL,
	time  INTEGER NOT NULL,
	size  INTEGER NOT NULL,
	raw   BLOB NOT NULL,
	PRIMARY KEY (alert, event)
) STRICT, WITHOUT ROWID;
CREATE TABLE alert_due (
	seq     INTEGER PRIMARY KEY AUTOINCREMENT,
	finding TEXT NOT NULL UNIQUE,
	since   INTEGER NOT NULL
) STRICT;
CREATE TABLE alert_wait (
	alert TEXT PRIMARY KEY,
	next  INTEGER NOT NULL,
	tries INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE risk_hit (
	kind     TEXT NOT NULL,
	entity   TEXT NOT NULL,
	finding  TEXT NOT NULL,
	rule     TEXT NOT NULL,
	actor    TEXT NOT NULL,
	severity INTEGER NOT NULL,
	events   INTEGER NOT NULL,
	time     INTEGER NOT NULL,
	PRIMARY KEY (kind, entity, finding)
) STRICT, WITHOUT ROWID;
CREATE INDEX risk_hit_time ON risk_hit (kind, entity, time);
CREATE INDEX risk_hit_finding ON risk_hit (finding);
CREATE INDEX risk_hit_age ON risk_hit (time);
CREATE TABLE audit (
	id     INTEGER PRIMARY KEY AUTOINCREMENT,
	time   INTEGER NOT NULL,
	who    TEXT NOT NULL,
	action TEXT NOT NULL,
	kind   TEXT NOT NULL,
	object TEXT NOT NULL,
	text   TEXT NOT NULL
) STRICT;
CREATE INDEX audit_object ON audit (kind, object);
CREATE INDEX audit_time ON audit (time);
CREATE TABLE health (
	id       INTEGER PRIMARY KEY AUTOINCREMENT,
	key      TEXT NOT NULL,
	severity INTEGER NOT NULL,
	text     TEXT NOT NULL,
	opened   INTEGER NOT NULL,
	updated  INTEGER NOT NULL,
	closed   INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX health_open ON health (key) WHERE closed = 0;
CREATE INDEX health_opened ON health (opened);
`
