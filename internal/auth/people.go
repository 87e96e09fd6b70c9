package auth

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"bluetrail/internal/config"
	"bluetrail/internal/state"
)

// Options are what People needs beside the database.
type Options struct {
	Auth    config.Auth
	Proxies Proxies
	Log     *slog.Logger // nil = none
	cost    cost         // of passwords, for tests; the zero value is usualCost
}

// People are those who may use a server. It is safe for concurrent use.
type People struct {
	db      *state.DB
	opt     Options
	hasher  *hasher
	now     func() time.Time
	sso     *sso // nil = none
	journal *journal
	open    ceremonies

	mu     sync.Mutex
	known  map[[sha256.Size]byte]*known
	gen    int64 // of known
	refuse map[string]time.Time
}

// New returns the people of a database.
func New(db *state.DB, opt Options) (*People, error) {
	if opt.cost == (cost{}) {
		opt.cost = usualCost
	}
	p := &People{db: db, opt: opt, hasher: newHasher(opt.cost), now: time.Now, known: map[[sha256.Size]byte]*known{}, refuse: map[string]time.Time{}}
	p.journal = &journal{db: db}
	if opt.Auth.OIDC != nil {
		var err error
		if p.sso, err = newSSO(opt.Auth.OIDC); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// Peer tells where a request comes from.
func (p *People) Peer(r *http.Request) Peer { return p.opt.Proxies.Peer(r) }

// known is a session or token that was looked up. Its fields but used and touched are
// not changed.
type known struct {
	who     Principal
	hash    []byte
	token   bool
	expires int64
	used    int64 // unix milliseconds
	touched int64 // when used was last written
}

const (
	// maxKnown bounds the sessions and tokens that are remembered between requests.
	maxKnown = 4096
	// touchEvery is how often the use of a session or token is written.
	touchEvery = time.Minute
)

// Identify says who makes a request: by a token in its header, or else the session of
// its cookie. It returns nil for nobody. A Refusal says why the request must not be
// answered although it is known who makes it.
func (p *People) Identify(r *http.Request) (*Principal, error) {
	peer := p.Peer(r)
	secret, isToken := bearer(r)
	if !isToken {
		c, err := r.Cookie(cookieName(peer.Secure))
		if err != nil || c.Value == "" {
			return nil, nil
		}
		secret = c.Value
	}
	k, err := p.lookUp(secret, isToken, peer)
	if err != nil {
		return nil, err
	}
	if k == nil {
		if _, _, basic := r.BasicAuth(); basic {
			return nil, errBasic
		}
		if isToken {
			return nil, errBadToken
		}
		return nil, nil
	}
	who := k.who
	if !within(who.Scopes, r.URL.Path) {
		area, _ := Area(r.URL.Path)
		p.Refused(&who, peer, r.Method+" "+r.URL.Path+": not an area of the token")
		return nil, &Refusal{Status: http.StatusForbidden, Code: "out_of_scope", Text: "the token is limited to " + strings.Join(who.Scopes, ", "), Hint: "make a token with the area " + area}
	}
	if path := r.URL.Path; who.MustChange && path != "/api/v1/session" && !strings.HasPrefix(path, "/api/v1/session/") {
		return nil, &Refusal{Status: http.StatusForbidden, Code: "change_password", Text: "the password has to be changed first", Hint: "POST /api/v1/session/password"}
	}
	return &who, nil
}

// bearer returns the token of a request. Splunk's clients send it as a password or under
// a scheme of their own.
func bearer(r *http.Request) (token string, found bool) {
	scheme, rest, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch strings.ToLower(scheme) {
	case "bearer", "splunk":
		return strings.TrimSpace(rest), true
	case "basic":
		_, password, ok := r.BasicAuth()
		return password, ok
	}
	return "", false
}

// lookUp returns the session or token of a secret, nil for none that is valid.
func (p *People) lookUp(secret string, isToken bool, peer Peer) (*known, error) {
	if len(secret) > 200 {
		return nil, nil
	}
	hash := sha256.Sum256([]byte(secret))
	now := p.now().UnixMilli()
	gen := p.db.PeopleChanged()
	p.mu.Lock()
	if p.gen != gen || len(p.known) >= maxKnown {
		clear(p.known)
		p.gen = gen
	}
	k := p.known[hash]
	p.mu.Unlock()
	if k == nil {
		var err error
		if k, err = p.load(hash[:], isToken); err != nil || k == nil {
			return nil, err
		}
	}
	k, touch := p.use(k, hash, gen, now, isToken)
	if !touch {
		return k, nil
	}
	address := peer.Addr.String()
	err := p.db.Write(func(tx *state.Tx) error { // without the lock: others need not wait for the disk
		if k.token {
			return tx.TouchToken(k.hash, now, address)
		}
		return tx.TouchSession(k.hash, now, address)
	})
	return k, err
}

// use notes that a session or token is used, nil if it has expired. touch says that this
// is to be written.
func (p *People) use(k *known, hash [sha256.Size]byte, gen, now int64, isToken bool) (_ *known, touch bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	idle := now-k.used > p.opt.Auth.Idle.Milliseconds()
	if k.token != isToken || now >= k.expires || !k.token && idle {
		return nil, false
	}
	if p.gen == gen {
		p.known[hash] = k
	}
	k.used = now
	if now-k.touched < touchEvery.Milliseconds() {
		return k, false
	}
	k.touched = now
	return k, true
}

// load reads a session or token, nil if there is none, or its user may not sign in.
func (p *People) load(hash []byte, isToken bool) (*known, error) {
	k := &known{token: isToken, hash: hash}
	var name string
	ceiling := Admin
	if isToken {
		t, err := p.db.Token(hash)
		if err != nil || t == nil {
			return nil, err
		}
		if ceiling, err = ParseRole(t.Role); err != nil {
			return nil, err
		}
		name, k.expires, k.used, k.touched = t.User, t.Expires, t.Used, t.Used
		k.who.Via, k.who.Scopes = ViaToken, split(t.Areas)
	} else {
		s, err := p.db.UserSession(hash)
		if err != nil || s == nil {
			return nil, err
		}
		name, k.expires, k.used, k.touched = s.User, s.Expires, s.Used, s.Used
		k.who.Via, k.who.Session = s.Via, s.ID
	}
	u, err := p.db.User(name)
	if err != nil || u == nil || u.Disabled {
		return nil, err
	}
	role, err := ParseRole(u.Role)
	if err != nil {
		return nil, err
	}
	k.who.Name, k.who.Role, k.who.MustChange = u.Name, min(role, ceiling), u.MustChange && !isToken
	return k, nil
}

func split(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, ",")
}

// Bounds of what is kept.
const (
	maxUsers    = 10_000
	maxSessions = 20 // of a user; the oldest end
	maxTokens   = 100
	maxPasskeys = 20
	maxListed   = 1000
	// auditDays is how long the audit log is kept unless the configuration says
	// otherwise, and auditRows how many entries at most. What was done to alerts is kept
	// as long as the database.
	auditDays = 400
	auditRows = 1_000_000
)

// Run removes what has expired until ctx ends. keep is how many days of the audit log
// are kept, 0 = auditDays.
func (p *People) Run(ctx context.Context, keep int) error {
	if keep == 0 {
		keep = auditDays
	}
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		now := p.now()
		err := p.db.Write(func(tx *state.Tx) error {
			if err := tx.ExpireSessions(now.UnixMilli(), now.Add(-p.opt.Auth.Idle).UnixMilli(), now.Add(-forgetTokens).UnixMilli()); err != nil {
				return err
			}
			return tx.ExpireAudit(now.AddDate(0, 0, -keep).UnixMilli(), auditRows)
		})
		if err != nil && p.opt.Log != nil {
			p.opt.Log.Error("cannot remove expired sessions", "err", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// forgetTokens is how long a token is still listed after it has expired.
const forgetTokens = 30 * 24 * time.Hour
