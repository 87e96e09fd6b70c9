package state

import (
	"database/sql"
	"errors"
	"fmt"
)

// people keeps who may use the server: accounts, sessions of browsers, API
// tokens, passkeys, and tries to sign in. Of secrets only hashes are kept.
const people = `
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
`

// User is an account. Times are unix milliseconds, 0 for never.
type User struct {
	Name       string
	Handle     []byte // random; what passkeys know the account by
	Role       string
	Password   string // hash, "" = none
	MustChange bool   // the password is good for changing it only
	Disabled   bool
	Issuer     string // of Subject
	Subject    string // what the identity provider calls the account, "" = it is local
	Created    int64
	Seen       int64  // last sign-in
	Settings   string // JSON

	Sessions, Tokens, Passkeys int // how many there are; not written
}

// UserSession is a browser that is signed in.
type UserSession struct {
	Hash    []byte // of the cookie
	ID      string
	User    string
	Via     string
	Created int64
	Used    int64
	Expires int64
	Address string
	Agent   string
}

// Token is a secret with which programs sign in.
type Token struct {
	Hash    []byte
	ID      string
	User    string
	Name    string
	Role    string // at most
	Areas   string // separated by commas, "" = all
	Created int64
	Used    int64
	Expires int64
	Address string // where it was used last
}

// Passkey is a WebAuthn credential.
type Passkey struct {
	ID      []byte
	User    string
	Name    string
	Created int64
	Used    int64
	Body    []byte // JSON
}

// reader is a database or a transaction.
type reader interface {
	Query(query string, args ...any) (*sql.Rows, error)
}

// all reads rows, each with scan.
func all[T any](q reader, scan func(*sql.Rows, *T) error, query string, args ...any) (list []T, err error) {
	rows, err := q.Query(query, args...)
	if err == nil {
		defer rows.Close()
		for rows.Next() {
			var v T
			if err := scan(rows, &v); err != nil {
				return nil, fmt.Errorf("cannot read accounts: %w", damaged(err))
			}
			list = append(list, v)
		}
		err = rows.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read accounts: %w", damaged(err))
	}
	return list, nil
}

// first returns the first of a list, nil if there is none.
func first[T any](list []T, err error) (*T, error) {
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

const userColumns = `name, handle, role, password, must_change, disabled, issuer, subject, created, seen, settings,
	(SELECT count(*) FROM session WHERE session.user = name), (SELECT count(*) FROM token WHERE token.user = user.name), (SELECT count(*) FROM passkey WHERE passkey.user = user.name)`

func scanUser(r *sql.Rows, u *User) error {
	return r.Scan(&u.Name, &u.Handle, &u.Role, &u.Password, &u.MustChange, &u.Disabled, &u.Issuer, &u.Subject, &u.Created, &u.Seen, &u.Settings, &u.Sessions, &u.Tokens, &u.Passkeys)
}

const sessionColumns = "hash, id, user, via, created, used, expires, address, agent"

func scanSession(r *sql.Rows, s *UserSession) error {
	return r.Scan(&s.Hash, &s.ID, &s.User, &s.Via, &s.Created, &s.Used, &s.Expires, &s.Address, &s.Agent)
}

const tokenColumns = "hash, id, user, name, role, areas, created, used, expires, address"

func scanToken(r *sql.Rows, t *Token) error {
	return r.Scan(&t.Hash, &t.ID, &t.User, &t.Name, &t.Role, &t.Areas, &t.Created, &t.Used, &t.Expires, &t.Address)
}

func scanPasskey(r *sql.Rows, p *Passkey) error {
	return r.Scan(&p.ID, &p.User, &p.Name, &p.Created, &p.Used, &p.Body)
}

// Users returns all accounts, by name.
func (s *DB) Users() ([]User, error) {
	return all(s.db, scanUser, "SELECT "+userColumns+" FROM user ORDER BY name")
}

// User returns an account, nil if there is none.
func (s *DB) User(name string) (*User, error) {
	return first(all(s.db, scanUser, "SELECT "+userColumns+" FROM user WHERE name = ?", name))
}

// UserByHandle returns the account that passkeys know by a handle, nil if there is none.
func (s *DB) UserByHandle(handle []byte) (*User, error) {
	return first(all(s.db, scanUser, "SELECT "+userColumns+" FROM user WHERE handle = ?", handle))
}

// UserBySubject returns the account of an identity provider, nil if there is none.
func (s *DB) UserBySubject(issuer, subject string) (*User, error) {
	return first(all(s.db, scanUser, "SELECT "+userColumns+" FROM user WHERE subject != '' AND issuer = ? AND subject = ?", issuer, subject))
}

// User is DB.User within the transaction.
func (t *Tx) User(name string) (*User, error) {
	return first(all(t.tx, scanUser, "SELECT "+userColumns+" FROM user WHERE name = ?", name))
}

// Users is DB.Users within the transaction.
func (t *Tx) Users() ([]User, error) {
	return all(t.tx, scanUser, "SELECT "+userColumns+" FROM user ORDER BY name")
}

// PutUser adds an account or replaces it.
func (t *Tx) PutUser(u *User) error {
	t.people = true
	_, err := t.tx.Exec("INSERT OR REPLACE INTO user (name, handle, role, password, must_change, disabled, issuer, subject, created, seen, settings) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		u.Name, u.Handle, u.Role, u.Password, u.MustChange, u.Disabled, u.Issuer, u.Subject, u.Created, u.Seen, u.Settings)
	return err
}

// DeleteUser removes an account with its sessions, tokens and passkeys.
func (t *Tx) DeleteUser(name string) error {
	t.people = true
	for _, table := range []string{"session", "token", "passkey"} {
		if _, err := t.tx.Exec("DELETE FROM "+table+" WHERE user = ?", name); err != nil {
			return err
		}
	}
	_, err := t.tx.Exec("DELETE FROM user WHERE name = ?", name)
	return err
}

// UserSession returns the session of a cookie's hash, nil if there is none.
func (s *DB) UserSession(hash []byte) (*UserSession, error) {
	return first(all(s.db, scanSession, "SELECT "+sessionColumns+" FROM session WHERE hash = ?", hash))
}

// UserSessions returns the sessions of a user, "" for all, at most limit, the one used last first.
func (s *DB) UserSessions(user string, limit int) ([]UserSession, error) {
	return all(s.db, scanSession, "SELECT "+sessionColumns+" FROM session WHERE user = ? OR ? = '' ORDER BY used DESC, id LIMIT ?", user, user, limit)
}

// AddSession adds a session, and ends the oldest of the user beyond most.
func (t *Tx) AddSession(s *UserSession, most int) error {
	t.people = true
	if _, err := t.tx.Exec("INSERT INTO session ("+sessionColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", s.Hash, s.ID, s.User, s.Via, s.Created, s.Used, s.Expires, s.Address, s.Agent); err != nil {
		return err
	}
	_, err := t.tx.Exec("DELETE FROM session WHERE user = ?1 AND hash NOT IN (SELECT hash FROM session WHERE user = ?1 ORDER BY used DESC, created DESC LIMIT ?2)", s.User, most)
	return err
}

// TouchSession says when a session was used, and from where.
func (t *Tx) TouchSession(hash []byte, used int64, address string) error {
	_, err := t.tx.Exec("UPDATE session SET used = ?, address = ? WHERE hash = ?", used, address, hash)
	return err
}

// EndSession ends a session of a user, "" for any; whose says whose it was, "" if there
// is no such session.
func (t *Tx) EndSession(user, id string) (whose string, err error) {
	t.people = true
	err = t.tx.QueryRow("DELETE FROM session WHERE id = ?1 AND (user = ?2 OR ?2 = '') RETURNING user", id, user).Scan(&whose)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return whose, err
}

// EndSessions ends all sessions of a user but the one with an ID, "" for all.
func (t *Tx) EndSessions(user, but string) (n int64, err error) {
	t.people = true
	return t.count("DELETE FROM session WHERE user = ? AND id != ?", user, but)
}

// ExpireSessions removes sessions that ended by themselves, and tokens that expired
// before then.
func (t *Tx) ExpireSessions(now, idleSince, tokensBefore int64) error {
	if _, err := t.tx.Exec("DELETE FROM session WHERE expires <= ? OR used <= ?", now, idleSince); err != nil {
		return err
	}
	_, err := t.tx.Exec("DELETE FROM token WHERE expires <= ?", tokensBefore)
	return err
}

// Token returns the token of a hash, nil if there is none.
func (s *DB) Token(hash []byte) (*Token, error) {
	return first(all(s.db, scanToken, "SELECT "+tokenColumns+" FROM token WHERE hash = ?", hash))
}

// Tokens returns the tokens of a user, "" for all, at most limit, the newest first.
func (s *DB) Tokens(user string, limit int) ([]Token, error) {
	return all(s.db, scanToken, "SELECT "+tokenColumns+" FROM token WHERE user = ? OR ? = '' ORDER BY created DESC, id LIMIT ?", user, user, limit)
}

// AddToken adds a token.
func (t *Tx) AddToken(k *Token) error {
	t.people = true
	_, err := t.tx.Exec("INSERT INTO token ("+tokenColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", k.Hash, k.ID, k.User, k.Name, k.Role, k.Areas, k.Created, k.Used, k.Expires, k.Address)
	return err
}

// TouchToken says when and from where a token was used.
func (t *Tx) TouchToken(hash []byte, used int64, address string) error {
	_, err := t.tx.Exec("UPDATE token SET used = ?, address = ? WHERE hash = ?", used, address, hash)
	return err
}

// RevokeToken removes a token of a user, "" for any; whose says whose it was, "" if
// there is no such token.
func (t *Tx) RevokeToken(user, id string) (whose string, err error) {
	t.people = true
	err = t.tx.QueryRow("DELETE FROM token WHERE id = ?1 AND (user = ?2 OR ?2 = '') RETURNING user", id, user).Scan(&whose)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return whose, err
}

// Passkeys returns the passkeys of a user, the oldest first.
func (s *DB) Passkeys(user string) ([]Passkey, error) {
	return all(s.db, scanPasskey, "SELECT id, user, name, created, used, body FROM passkey WHERE user = ? ORDER BY created, id", user)
}

// AddPasskey adds a passkey; one that is there is an error.
func (t *Tx) AddPasskey(p *Passkey) error {
	t.people = true
	_, err := t.tx.Exec("INSERT INTO passkey (id, user, name, created, used, body) VALUES (?, ?, ?, ?, ?, ?)", p.ID, p.User, p.Name, p.Created, p.Used, p.Body)
	return err
}

// UsePasskey writes what a use of a passkey changed.
func (t *Tx) UsePasskey(id []byte, used int64, body []byte) error {
	_, err := t.tx.Exec("UPDATE passkey SET used = ?, body = ? WHERE id = ?", used, body, id)
	return err
}

// DeletePasskey removes a passkey of a user; ok says that there was one.
func (t *Tx) DeletePasskey(user string, id []byte) (ok bool, err error) {
	t.people = true
	n, err := t.count("DELETE FROM passkey WHERE user = ? AND id = ?", user, id)
	return n > 0, err
}

// Attempt is how often somebody failed to sign in of late.
type Attempt struct {
	Fails int
	Last  int64 // unix milliseconds
}

// Attempt returns the tries of a key.
func (t *Tx) Attempt(key string) (a Attempt, err error) {
	err = t.tx.QueryRow("SELECT fails, last FROM attempt WHERE key = ?", key).Scan(&a.Fails, &a.Last)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return a, err
}

// PutAttempt keeps the tries of a key, and forgets the oldest beyond most.
func (t *Tx) PutAttempt(key string, a Attempt, most int) error {
	if _, err := t.tx.Exec("INSERT OR REPLACE INTO attempt VALUES (?, ?, ?)", key, a.Fails, a.Last); err != nil {
		return err
	}
	_, err := t.tx.Exec("DELETE FROM attempt WHERE key IN (SELECT key FROM attempt ORDER BY last DESC LIMIT -1 OFFSET ?)", most)
	return err
}

// ForgetAttempt forgets the tries of a key.
func (t *Tx) ForgetAttempt(key string) error {
	_, err := t.tx.Exec("DELETE FROM attempt WHERE key = ?", key)
	return err
}

func (t *Tx) count(query string, args ...any) (int64, error) {
	r, err := t.tx.Exec(query, args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// PeopleChanged counts the writes that changed who may do what. What was read before it
// grew is out of date.
func (s *DB) PeopleChanged() int64 { return s.people.Load() }
