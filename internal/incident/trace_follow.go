package incident

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"bluetrail/internal/event"
	"bluetrail/internal/identity"
	"bluetrail/internal/vector"
)

// link is a call that made keys, sessions, users or roles.
type link struct {
	at     time.Time
	name   string
	caller caller
	made   []product
	arn    string // of the session that begins with it, "" = none
}

// product is a thing that a link made.
type product struct{ kind, name, holder string }

// session is the key of the session that uses a product, "" if it is not known: the
// console uses keys that no call issued, but its session begins with the call.
func (l *link) session(p product) string {
	if p.holder == "" || l.at.IsZero() {
		return ""
	}
	return sessionOf(p.holder, l.at)
}

// sessionOf is the key of a principal's session that began at a time.
func sessionOf(principal string, began time.Time) string {
	return "began " + identity.SessionKey(principal, began.Truncate(time.Second).UnixNano())
}

// caller is what names the caller of an event.
type caller struct{ key, session, signIn, arn, issuer, user, address string }

func callerOf(r row) caller {
	c := caller{
		key: r.get("userIdentity.accessKeyId"), signIn: r.get("userIdentity.sessionContext.signInSessionArn"), arn: r.get("userIdentity.arn"),
		issuer: r.get("userIdentity.sessionContext.sessionIssuer.arn"), user: r.get("userIdentity.userName"), address: r.get("sourceIPAddress"),
	}
	if began, err := time.Parse(time.RFC3339, r.get("userIdentity.sessionContext.attributes.creationDate")); err == nil {
		if principal := r.get("userIdentity.principalId"); principal != "" {
			c.session = sessionOf(principal, began)
		}
	}
	return c
}

func (c caller) clone() caller {
	return caller{
		strings.Clone(c.key), strings.Clone(c.session), strings.Clone(c.signIn), strings.Clone(c.arn), strings.Clone(c.issuer), strings.Clone(c.user), strings.Clone(c.address),
	}
}

// makers are the calls that make keys, sessions, users and roles. CreateSession of S3 is
// not among them: each client repeats it every few minutes, and its keys belong to the
// caller's session.
var makers = append(slices.DeleteFunc(identity.Issuing(), func(name string) bool { return name == "CreateSession" }),
	"CreateUser", "CreateLoginProfile", "UpdateLoginProfile", "CreateRole")

// LinkSearch is the search for the events that Trace.Link takes.
func LinkSearch() string {
	return search("eventName IN ("+strings.Join(makers, ", ")+")", traceFields...)
}

// Link takes the rows of LinkSearch.
func (t *Trace) Link(b *vector.Batch) {
	r := rowsOf(b)
	for r.i = range b.Len {
		if r.get("outcome") != event.Success {
			continue
		}
		var made []product
		add := func(kind, name, holder string) {
			if name != "" {
				made = append(made, product{kind, strings.Clone(name), strings.Clone(holder)})
			}
		}
		add("key", r.get("responseElements.credentials.accessKeyId"), cmp.Or(r.get("responseElements.assumedRoleUser.assumedRoleId"), r.get("responseElements.federatedUser.federatedUserId")))
		add("key", r.get("responseElements.accessKey.accessKeyId"), "")
		add("arn", r.get("responseElements.user.arn"), "")
		add("arn", r.get("responseElements.role.arn"), "")
		switch name := r.get("eventName"); {
		case name == "CreateOAuth2Token":
			add("session", r.get("additionalEventData.signInSessionArn"), "")
		case strings.HasSuffix(name, "LoginProfile") && r.get("requestParameters.userName") != "":
			partition, account := "aws", r.get("recipientAccountId")
			if parts := strings.SplitN(r.get("userIdentity.arn"), ":", 3); len(parts) == 3 {
				partition = parts[1]
			}
			add("arn", "arn:"+partition+":iam::"+account+":user/"+r.get("requestParameters.userName"), "")
		}
		if len(made) == 0 {
			continue
		}
		if len(t.links) >= maxLinks {
			t.Truncated = true
			return
		}
		t.links = append(t.links, link{r.time(), strings.Clone(r.get("eventName")), callerOf(r).clone(), made, strings.Clone(r.get("responseElements.assumedRoleUser.arn"))})
	}
}

// Follow finds what grew out of the start, once all links are known.
func (t *Trace) Follow() {
	slices.SortStableFunc(t.links, func(a, b link) int {
		return cmp.Or(a.at.Compare(b.at), strings.Compare(a.name, b.name), strings.Compare(a.caller.key, b.caller.key), strings.Compare(a.caller.address, b.caller.address), strings.Compare(a.made[0].name, b.made[0].name))
	})
	t.grow()
	t.settle()
	for _, n := range t.order {
		slices.SortStableFunc(n.Children, func(a, b *Node) int { return cmp.Or(a.At.Compare(b.At), strings.Compare(a.Name, b.Name)) })
	}
}

// grow adds the nodes.
func (t *Trace) grow() {
	for grown := true; grown; {
		grown = false
		for i := range t.links {
			l := &t.links[i]
			parent := t.owner(l.caller)
			for _, m := range l.made {
				n := t.nodes[m.kind+" "+m.name]
				if n == nil {
					if parent == nil {
						continue
					}
					if len(t.order) >= maxNodes {
						t.Truncated = true
						return
					}
					n = t.node(m.kind, m.name)
					n.Made, n.At, n.parent = l.name, l.at, parent
					grown = true
				}
				if session := l.session(m); session != "" && t.nodes[session] == nil {
					t.nodes[session] = n
					n.holder = cmp.Or(n.holder, m.holder)
					grown = true
				}
			}
		}
	}
}

// settle gives each node the parent that is most specific, now that all are known: a
// call with a key that grew out of an address belongs to the key, wherever it came from.
func (t *Trace) settle() {
	for i := range t.links {
		l := &t.links[i]
		parent := t.owner(l.caller)
		for _, m := range l.made {
			n := t.nodes[m.kind+" "+m.name]
			if n == nil || n == t.Root || parent == nil || rank(parent) <= rank(n.parent) || parent.within(n) {
				continue
			}
			n.Made, n.At, n.parent = l.name, l.at, parent
		}
	}
	for _, n := range t.order {
		if n.parent != nil {
			n.parent.Children = append(n.parent.Children, n)
		}
	}
}

// rank orders nodes by how exactly they say whose a call is.
func rank(n *Node) int {
	switch {
	case n.parent == nil:
		return 0
	case n.Kind == "arn":
		return 1
	}
	return 2
}

// within reports whether n is of, or grew out of it.
func (n *Node) within(of *Node) bool {
	for ; n != nil; n = n.parent {
		if n == of {
			return true
		}
	}
	return false
}

// owner returns the node that a caller is, the most specific one; nil = none.
func (t *Trace) owner(c caller) *Node {
	for _, key := range [...]string{"key " + c.key, c.session, "session " + c.signIn, "arn " + c.arn, "arn " + c.issuer} {
		if n := t.nodes[key]; n != nil {
			return n
		}
	}
	root := t.Root
	session := c.arn[strings.LastIndexByte(c.arn, '/')+1:]
	switch root.Kind {
	case "address":
		if c.address == root.Name {
			return root
		}
	case "instance":
		if session == root.Name {
			return root
		}
	case "user":
		who, _, _ := strings.Cut(session, "@")
		if c.user == root.Name || c.arn != "" && (session == root.Name || who == root.Name) || strings.HasSuffix(c.issuer, "/"+root.Name) || root.Name == "root" && strings.HasSuffix(c.arn, ":root") {
			return root
		}
	}
	return nil
}
