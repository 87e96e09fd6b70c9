package identity

import (
	"slices"
	"strings"
)

// Values of Who.Type.
const (
	TypeUser        = "iam-user"
	TypeRoot        = "root"
	TypeAssumedRoot = "assumed-root" // root by AssumeRoot, if who asked for it is not known
	TypeRole        = "role"         // a role, if no human is known behind it
	TypeCenterUser  = "identity-center-user"
	TypeSAML        = "saml-user"
	TypeOIDC        = "oidc-user"
	TypeFederated   = "federated-user" // GetFederationToken, if the user is not known
	TypeDelegate    = "delegate"       // a product provider with delegated access
	TypeService     = "service"
	TypeAccount     = "account" // a caller of another account without an ARN
	TypeAnonymous   = "anonymous"
	TypeUnknown     = "unknown"
)

// Who is who is behind a record.
type Who struct {
	// Actor is the first human or robot: an ARN for users, roles and root, the
	// name of a federated user, a service, an account.
	Actor   string
	Type    string
	Session string // the same for all calls of a session
	Chain   []Step // from the caller back to the actor
	Certain bool
	Note    string // why it is not certain
}

// Step is one identity on the way from the caller to the actor.
type Step struct {
	Name string // "role deploy, session ci-1"
	How  string // how it came from the next step: "assumed by"
	From string // the address that the next step called from
}

// String is the chain in words: "role deploy, session ci-1, assumed by alice
// from 198.51.100.7".
func (w *Who) String() string {
	var b strings.Builder
	for i := range w.Chain {
		s := &w.Chain[i]
		if i > 0 {
			b.WriteString(", " + w.Chain[i-1].How + " ")
		}
		b.WriteString(s.Name)
		if i > 0 && w.Chain[i-1].From != "" {
			b.WriteString(" from " + w.Chain[i-1].From)
		}
	}
	if w.Note != "" {
		b.WriteString(" (uncertain: " + w.Note + ")")
	}
	return b.String()
}

// maxHops limits a chain, which in hostile records may be endless or a circle.
const maxHops = 16

// Resolve returns who is behind a caller. A nil trail knows only the record.
func (t *Trail) Resolve(c *Caller) Who {
	if t == nil {
		t = &Trail{}
	}
	w, _ := t.follow(c)
	return w
}

// follow is Resolve; ended is false where it gave up before the start of the chain.
func (t *Trail) follow(c *Caller) (w Who, ended bool) {
	w = Who{Certain: true, Session: t.sessionID(c)}
	at := *c
	var seen []string
	for range maxHops {
		w.Actor, w.Type = t.principal(&at)
		w.Chain = append(w.Chain, Step{Name: at.name()})
		if final(&at, w.Type) {
			return w, true
		}
		parent, what, ok := t.parent(&at, &w)
		if !ok {
			t.unresolved(&at, &w)
			return w, true
		}
		step := parent.AccessKeyID + "\n" + parent.PrincipalID + "\n" + parent.ARN + "\n" + stamp(parent.Created)
		if slices.Contains(seen, step) {
			w.doubt("the records say that the sessions assumed each other")
			return w, false
		}
		seen = append(seen, step)
		last := &w.Chain[len(w.Chain)-1]
		last.How, last.From = what.by(), parent.Address
		// A service that starts a role's session is not who acts in it, nor is
		// whoever created a user's key.
		if what == AccessKey || parent.Type == "AWSService" && !strings.Contains(at.IssuerARN, ":role/aws-service-role/") {
			w.Chain = append(w.Chain, Step{Name: parent.name()})
			return w, true
		}
		at = parent
	}
	w.doubt("the chain is too long")
	return w, false
}

// notePrincipal is the note of callers that only the name of their session tells.
const notePrincipal = "by the name of the session"

// ResolvePrincipal is Resolve for all sessions of a caller's principal. Where others than
// one started them, or it is not known who did, nobody but the principal is behind them;
// known says whether that is known.
func (t *Trail) ResolvePrincipal(c *Caller) (w Who, known bool) {
	if t == nil {
		t = &Trail{}
	}
	t = &Trail{rows: t.rows} // nobody watches these answers
	one := *c
	one.AccessKeyID, one.SignInSession, one.RequestID, one.Created, one.Time = "", "", "", 0, 0
	if w = t.Resolve(&one); w.Certain || w.Note == notePrincipal {
		return w, true
	}
	parents := len(w.Chain) > 1
	w.Actor, w.Type = t.principal(&one)
	w.Chain = w.Chain[:1]
	return w, parents
}

func (w *Who) doubt(note string) {
	w.Certain = false
	if w.Note == "" {
		w.Note = note
	}
}

// final reports whether nobody else can be behind a caller of the type.
func final(c *Caller, kind string) bool {
	switch kind {
	case TypeUser, TypeRoot:
		return !keyLike(c.AccessKeyID) // otherwise the chain says where the key is from
	case TypeRole, TypeAssumedRoot, TypeAccount, TypeFederated, TypeUnknown:
		return false
	case TypeCenterUser, TypeDelegate:
		return c.InvokedBy != MCPServer && c.SignInSession == ""
	}
	return true
}

// parent returns who the caller's credentials were issued to.
func (t *Trail) parent(c *Caller, w *Who) (p Caller, what What, ok bool) {
	for _, key := range []string{c.RequestID, c.AccessKeyID, c.SignInSession} {
		if p, what, ok = pick(t.values(Issued, key), key, w); ok {
			return p, what, true
		}
	}
	// The console has keys that no call issued, but the start of the session is the
	// time of the call that did.
	if c.Created != 0 && c.PrincipalID != "" {
		if p, what, ok = pick(t.values(Assumed, c.session()), "", w); ok {
			return p, what, true
		}
	}
	if c.Type == "IAMUser" || c.Type == "Root" && !c.AssumedRoot || c.Type == "FederatedUser" && c.IssuerARN != "" {
		return Caller{}, 0, false
	}
	if c.centerName() != "" {
		return Caller{}, 0, false // the name of the session is the person's; how else it was used proves nothing
	}
	if p, what, ok = pick(t.values(Assumed, c.PrincipalID), "", w); ok {
		w.doubt(notePrincipal)
	}
	return p, what, ok
}

// pick decodes the parent among those of a row. The same call as two accounts'
// trails have it counts as one. A session that renewed itself is no parent.
func pick(set []string, self string, w *Who) (p Caller, what What, ok bool) {
	foreign := false // p is how another account's trail has the parent
	for _, text := range set {
		var q Caller
		how, fine := decodeParent(text, &q)
		switch {
		case !fine || self != "" && q.SignInSession == self || ok && !foreign && text[0] == '1':
			continue
		case !ok:
			p, what, ok, foreign = q, how, true, text[0] == '1'
		case q.ARN != p.ARN || q.PrincipalID != p.PrincipalID || q.AccessKeyID != p.AccessKeyID || q.UserName != p.UserName || q.InvokedBy != p.InvokedBy:
			w.doubt("two possible parents")
		}
	}
	return p, what, ok
}

// unresolved names the actor of a chain whose start is not in the trail.
func (t *Trail) unresolved(c *Caller, w *Who) {
	switch w.Type {
	case TypeRole, TypeAssumedRoot, TypeFederated:
		if c.SourceIdentity != "" {
			w.Actor = c.SourceIdentity
			w.Chain[len(w.Chain)-1].How = "with the source identity"
			w.Chain = append(w.Chain, Step{Name: c.SourceIdentity})
			return
		}
		w.doubt("who started the session is not in the records")
	}
}

// principal returns the actor and its type as the record alone, and what is
// known of its session, say.
func (t *Trail) principal(c *Caller) (actor, kind string) {
	if c.Delegate != "" {
		return c.Delegate, TypeDelegate
	}
	if name := c.centerName(); name != "" {
		return name, TypeCenterUser
	}
	user := ""
	if c.UserID != "" {
		user = c.user()
	} else if set := t.values(Behalf, c.session()); len(set) == 1 {
		user = set[0]
	}
	if user != "" {
		if names := t.values(Named, user); len(names) > 0 {
			return names[0], TypeCenterUser
		}
		return user[strings.LastIndexByte(user, '/')+1:], TypeCenterUser
	}
	switch c.Type {
	case "IAMUser":
		return first(c.ARN, c.UserName, c.PrincipalID), TypeUser
	case "Root":
		if c.AssumedRoot {
			return first(c.ARN, c.AccountID), TypeAssumedRoot
		}
		return first(c.ARN, c.AccountID), TypeRoot
	case "AssumedRole", "Role":
		if _, after, ok := strings.Cut(c.IssuerARN, ":role/aws-service-role/"); ok {
			service, _, _ := strings.Cut(after, "/")
			return service, TypeService
		}
		return first(c.IssuerARN, c.ARN, c.PrincipalID), TypeRole
	case "FederatedUser":
		if c.IssuerType == "IAMUser" && c.IssuerARN != "" {
			return c.IssuerARN, TypeUser
		}
		if c.IssuerType == "Root" && c.IssuerARN != "" {
			return c.IssuerARN, TypeRoot
		}
		return first(c.ARN, c.PrincipalID), TypeFederated
	case "SAMLUser":
		return first(c.UserName, c.PrincipalID), TypeSAML
	case "WebIdentityUser":
		return first(c.UserName, c.PrincipalID), TypeOIDC
	case "IdentityCenterUser":
		return first(c.UserName, c.PrincipalID, c.AccountID), TypeCenterUser
	case "AWSService":
		return first(c.InvokedBy, c.ARN, c.Address), TypeService
	case "AWSAccount":
		if strings.HasPrefix(strings.ToLower(c.AccountID), "anonymous") || strings.HasPrefix(strings.ToLower(c.PrincipalID), "anonymous") {
			return "anonymous", TypeAnonymous
		}
		if c.ARN != "" || c.PrincipalID == "" {
			return first(c.ARN, c.AccountID), TypeAccount
		}
		id, _, _ := strings.Cut(c.PrincipalID, ":")
		return c.AccountID + "/" + id, TypeAccount
	case "":
		if c.InvokedBy != "" {
			return c.InvokedBy, TypeService
		}
	}
	return first(c.ARN, c.UserName, c.PrincipalID, c.AccountID), TypeUnknown
}

// centerName returns the name of the Identity Center user behind a session of a
// role that only Identity Center can assume, "" for other callers.
func (c *Caller) centerName() string {
	if c.Type != "AssumedRole" || !strings.Contains(c.IssuerARN, ":role/aws-reserved/sso.amazonaws.com/") {
		return ""
	}
	_, name, _ := strings.Cut(c.PrincipalID, ":")
	return name
}

func first(texts ...string) string {
	for _, s := range texts {
		if s != "" {
			return s
		}
	}
	return ""
}

// sessionID returns the session of a call: its sign-in session, the principal
// and start of its temporary credentials, or the idle window it lies in.
func (t *Trail) sessionID(c *Caller) string {
	if c.SignInSession != "" {
		return c.SignInSession
	}
	if id := c.session(); id != "" {
		if set := t.values(Session, id); len(set) == 1 {
			return set[0]
		}
		return id
	}
	if c.Type == "" || c.Time == 0 {
		return ""
	}
	holder, minute := c.holder(), c.Time/60e9
	t.asked.note(Windowed, holder)
	if r := t.rows[rowID{Windowed, holder}]; r != nil {
		for _, s := range r.spans {
			if s.first <= minute && minute <= s.last {
				minute = s.first
				break
			}
		}
	}
	return holder + "@" + stamp(minute*60e9)
}

// name is the caller in the words of a chain.
func (c *Caller) name() string {
	switch c.Type {
	case "AssumedRole":
		role := first(c.IssuerName, arnPart(c.ARN, 1), c.PrincipalID)
		if _, session, ok := strings.Cut(c.PrincipalID, ":"); ok {
			return "role " + role + ", session " + session
		}
		return "role " + role
	case "Root":
		if c.AssumedRoot {
			return "assumed root of " + c.AccountID
		}
		return "root of " + c.AccountID
	case "FederatedUser":
		return "federated user " + first(arnPart(c.ARN, 1), c.PrincipalID)
	case "AWSAccount":
		return "account " + first(c.AccountID, c.PrincipalID)
	}
	return first(c.UserName, arnPart(c.ARN, 1), c.InvokedBy, c.UserID, c.PrincipalID, c.AccountID, "an unknown caller")
}

// arnPart returns a part of an ARN between slashes, counted from 0.
func arnPart(arn string, n int) string {
	if parts := strings.Split(arn, "/"); n < len(parts) {
		return parts[n]
	}
	return ""
}

func (w What) by() string {
	switch w {
	case AccessKey:
		return "with a key created by"
	case SignInSession, SigninToken:
		return "signed in by"
	case MCPRequest:
		return "through the AWS MCP server for"
	case SessionToken, FederationToken, ServiceSession:
		return "with credentials issued to"
	}
	return "assumed by"
}
