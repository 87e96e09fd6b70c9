CREATE TABLE IF NOT EXISTS ingest (
	one     INTEGER PRIMARY KEY CHECK (one = 1),
	batch   INTEGER NOT NULL,
	seq     INTEGER NOT NULL,
	events  INTEGER NOT NULL,
	running INTEGER NOT NULL
) STRICT;
INSERT OR IGNORE INTO ingest VALUES (1, 0, 0, 0, 0);
CREATE TABLE IF NOT EXISTS file (
	path    TEXT PRIMARY KEY,
	size    INTEGER NOT NULL,
	changed INTEGER NOT NULL,
	records INTEGER NOT NULL,
	done    INTEGER NOT NULL,
	first   INTEGER NOT NULL,
	last    INTEGER NOT NULL,
	origin  TEXT NOT NULL,
	print   INTEGER NOT NULL,
	stream  TEXT NOT NULL DEFAULT '',
	anon    INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS file_days ON file (first, last);
CREATE INDEX IF NOT EXISTS file_print ON file (print) WHERE anon;
CREATE TABLE IF NOT EXISTS tail (
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
CREATE TABLE IF NOT EXISTS day (
	day    INTEGER NOT NULL,
	idx    TEXT NOT NULL,
	events INTEGER NOT NULL,
	sum    INTEGER NOT NULL,
	PRIMARY KEY (day, idx)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ids (
	name  TEXT PRIMARY KEY,
	count INTEGER NOT NULL,
	sum   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS alarm (
	day    INTEGER PRIMARY KEY,
	events INTEGER NOT NULL,
	since  INTEGER NOT NULL,
	reason TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS retained (
	idx TEXT PRIMARY KEY,
	day INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS quarantine (
	path   TEXT NOT NULL,
	place  INTEGER NOT NULL,
	reason TEXT NOT NULL,
	PRIMARY KEY (path, place)
) STRICT, WITHOUT ROWID;
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
CREATE TABLE rule_progress (
	rule     TEXT PRIMARY KEY,
	planned  INTEGER NOT NULL,
	arrived  INTEGER NOT NULL,
	failures INTEGER NOT NULL,
	rows     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE rule_run (
	id       INTEGER PRIMARY KEY AUTOINCREMENT,
	rule     TEXT NOT NULL,
	reason   TEXT NOT NULL,
	planned  INTEGER NOT NULL,
	earliest INTEGER NOT NULL,
	latest   INTEGER NOT NULL,
	started  INTEGER NOT NULL,
	took     INTEGER NOT NULL,
	rows     INTEGER NOT NULL,
	findings INTEGER NOT NULL,
	muted    INTEGER NOT NULL,
	status   TEXT NOT NULL,
	said     TEXT NOT NULL
) STRICT;
CREATE INDEX rule_run_rule ON rule_run (rule, id);
CREATE TABLE rule_told (
	rule    TEXT NOT NULL,
	alike   TEXT NOT NULL,
	planned INTEGER NOT NULL,
	PRIMARY KEY (rule, alike, planned)
) STRICT, WITHOUT ROWID;
ALTER TABLE finding ADD COLUMN arrived INTEGER NOT NULL DEFAULT 0;
CREATE INDEX finding_arrived ON finding (arrived);
CREATE TABLE finding_mark (
	finding TEXT PRIMARY KEY,
	status  TEXT NOT NULL,
	note    TEXT NOT NULL,
	marked  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE judge_unit (
	unit BLOB PRIMARY KEY,
	body BLOB NOT NULL
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
CREATE TABLE user (
	name        TEXT PRIMARY KEY,
	handle      BLOB NOT NULL UNIQUE,
	role        TEXT NOT NULL,
	password    TEXT NOT NULL,
	must_change INTEGER NOT NULL,
	disabled    INTEGER NOT NULL,
	issuer      TEXT NOT NULL,
	subject     TEXT NOT NULL,
	created     INTEGER NOT NULL,
	seen        INTEGER NOT NULL,
	settings    TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX user_subject ON user (issuer, subject) WHERE subject != '';
CREATE TABLE session (
	hash    BLOB PRIMARY KEY,
	id      TEXT NOT NULL UNIQUE,
	user    TEXT NOT NULL,
	via     TEXT NOT NULL,
	created INTEGER NOT NULL,
	used    INTEGER NOT NULL,
	expires INTEGER NOT NULL,
	address TEXT NOT NULL,
	agent   TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX session_user ON session (user);
CREATE TABLE token (
	hash    BLOB PRIMARY KEY,
	id      TEXT NOT NULL UNIQUE,
	user    TEXT NOT NULL,
	name    TEXT NOT NULL,
	role    TEXT NOT NULL,
	areas   TEXT NOT NULL,
	created INTEGER NOT NULL,
	used    INTEGER NOT NULL,
	expires INTEGER NOT NULL,
	address TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX token_user ON token (user);
CREATE TABLE passkey (
	id      BLOB PRIMARY KEY,
	user    TEXT NOT NULL,
	name    TEXT NOT NULL,
	created INTEGER NOT NULL,
	used    INTEGER NOT NULL,
	body    BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX passkey_user ON passkey (user);
CREATE TABLE attempt (
	key   TEXT PRIMARY KEY,
	fails INTEGER NOT NULL,
	last  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX attempt_last ON attempt (last);
CREATE TABLE document (
	kind    TEXT NOT NULL,
	id      TEXT NOT NULL,
	version INTEGER NOT NULL,
	time    INTEGER NOT NULL,
	who     TEXT NOT NULL,
	note    TEXT NOT NULL,
	gone    INTEGER NOT NULL,
	size    INTEGER NOT NULL,
	body    BLOB NOT NULL,
	PRIMARY KEY (kind, id, version)
) STRICT, WITHOUT ROWID;
CREATE INDEX finding_rule ON finding (rule, time);
CREATE TABLE dead_letter (
	id       INTEGER PRIMARY KEY AUTOINCREMENT,
	source   TEXT NOT NULL,
	message  TEXT NOT NULL,
	reason   TEXT NOT NULL,
	received INTEGER NOT NULL,
	first    INTEGER NOT NULL,
	last     INTEGER NOT NULL,
	retry    INTEGER NOT NULL,
	body     TEXT NOT NULL,
	UNIQUE (source, message)
) STRICT;
CREATE TABLE resume (
	source TEXT NOT NULL,
	part   TEXT NOT NULL,
	value  TEXT NOT NULL,
	PRIMARY KEY (source, part)
) STRICT, WITHOUT ROWID;
CREATE TABLE judge_waiting (
	number INTEGER PRIMARY KEY,
	body   BLOB NOT NULL
) STRICT;
CREATE TABLE digest (
	source      TEXT NOT NULL,
	key         TEXT NOT NULL,
	chain       TEXT NOT NULL,
	start       INTEGER NOT NULL,
	end         INTEGER NOT NULL,
	hash        TEXT NOT NULL,
	signature   TEXT NOT NULL,
	fingerprint TEXT NOT NULL,
	proof       TEXT NOT NULL,
	logs        INTEGER NOT NULL,
	bytes       INTEGER NOT NULL,
	whole       INTEGER NOT NULL,
	verified    INTEGER NOT NULL,
	PRIMARY KEY (source, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX digest_chain ON digest (source, chain, end);
CREATE TABLE digest_problem (
	source   TEXT NOT NULL,
	chain    TEXT NOT NULL,
	kind     TEXT NOT NULL,
	object   TEXT NOT NULL,
	start    INTEGER NOT NULL,
	end      INTEGER NOT NULL,
	severity TEXT NOT NULL,
	text     TEXT NOT NULL,
	first    INTEGER NOT NULL,
	last     INTEGER NOT NULL,
	PRIMARY KEY (source, chain, kind, object, start)
) STRICT, WITHOUT ROWID;
PRAGMA user_version = 18;
UPDATE ingest SET batch = 7, seq = 8, events = 9, running = 1;
INSERT INTO file (path, size, changed, print, records, done, first, last, origin) VALUES ('/a', 1, 2, 3, 4, 1, 5, 6, '{}');
INSERT INTO day VALUES (20000, 'aws', 9, -1);
INSERT INTO quarantine VALUES ('/b', 3, 'not JSON');
INSERT INTO audit (time, who, action, kind, object, text) VALUES (1, 'alice', 'closed', 'alert', 'x', 'false');
INSERT INTO tail VALUES ('/a', 1, 2, 3, 4, 5, 6, 7, 's');
