package incident

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"bluetrail/internal/event"
	"bluetrail/internal/filter"
	"bluetrail/internal/vector"
)

// Bounds on a trace. What is over them is counted.
const (
	maxNodes = 500
	maxLinks = 200_000
	maxDeeds = 500 // of one node
	maxNamed = 3   // objects of a deed
)

// Node is a thing whose events are traced: the start, or what grew out of it.
type Node struct {
	Kind     string // key, session (the ARN of a sign-in session), arn, user, address or instance
	Name     string
	Made     string    // the call that made it, "" = the start
	At       time.Time // of that call
	Deeds    []*Deed
	Children []*Node
	Calls    int64
	More     int64 // calls not among Deeds

	parent *Node
	holder string // principalId of the sessions that use the key, "" = not known
	deeds  map[string]*Deed
}

// Deed is a call, with its repeats folded.
type Deed struct {
	Name, Source, Outcome string
	Write                 bool
	Count                 int64
	First, Last           time.Time
	Objects               []string // the most frequent, and how many more
	Addresses             Counts

	objects Counts
}

// Text describes a deed in a line: "GetPasswordData ×29, denied".
func (d *Deed) Text() string {
	text := d.Name
	if d.Count > 1 {
		text += fmt.Sprintf(" ×%d", d.Count)
	}
	if d.Outcome != event.Success {
		text += ", " + d.Outcome
	}
	return text
}

// Trace follows a thing and what grew out of it. Give it the links first, then
// the events of Trace.Search.
type Trace struct {
	Root      *Node
	Truncated bool // there was more to follow than the bounds allow

	room  *room // of the values that deeds remember
	links []link
	nodes map[string]*Node // by kind and name, those of sessions by their own key, too
	order []*Node
}

var (
	keyForm      = regexp.MustCompile(`^A[KS]IA[A-Z0-9]{8,}$`)
	addressForm  = regexp.MustCompile(`^[0-9.]+$|^[0-9a-fA-F]*:[0-9a-fA-F:.]*$`)
	instanceForm = regexp.MustCompile(`^i-[0-9a-f]+$`)
)

// NewTrace returns a trace of a key, ARN, user, role, address or instance.
func NewTrace(thing string) *Trace {
	kind := "user" // also the name of a role
	switch {
	case keyForm.MatchString(thing):
		kind = "key"
	case strings.HasPrefix(thing, "arn:"):
		kind = "arn"
	case instanceForm.MatchString(thing):
		kind = "instance"
	case addressForm.MatchString(thing):
		kind = "address"
	}
	t := &Trace{nodes: map[string]*Node{}, room: newRoom(maxBytes)}
	t.Root = t.node(kind, thing)
	return t
}

func (t *Trace) node(kind, name string) *Node {
	n := &Node{Kind: kind, Name: name, deeds: map[string]*Deed{}}
	t.nodes[kind+" "+name] = n
	t.order = append(t.order, n)
	return n
}

// maxTests is how many tests a search for the events may have; above it, all
// events are read.
const maxTests = 100

// Search is the search for the events of the nodes. It may find others, too, such as when a
// name holds a *, which SPL cannot escape: Add leaves them out.
func (t *Trace) Search() string {
	var tests []string
	test := func(field, value string) { tests = append(tests, filter.PrintTest(field, value)) }
	for _, n := range t.order {
		switch n.Kind {
		case "key":
			test("userIdentity.accessKeyId", n.Name)
			if n.holder != "" {
				test("userIdentity.principalId", n.holder)
			}
		case "session":
			test("userIdentity.sessionContext.signInSessionArn", n.Name)
		case "arn":
			test("userIdentity.arn", n.Name)
			test("userIdentity.sessionContext.sessionIssuer.arn", n.Name)
		case "address":
			test("sourceIPAddress", n.Name)
		default: // a name: wherever owner looks for one
			test("userIdentity.userName", n.Name)
			for _, name := range []string{n.Name, n.Name + "@*", "*/" + n.Name, "*/" + n.Name + "@*"} {
				test("userIdentity.arn", name)
			}
			test("userIdentity.sessionContext.sessionIssuer.arn", "*/"+n.Name)
			if n.Name == "root" {
				test("userIdentity.arn", "*:root")
			}
		}
	}
	if len(tests) > maxTests {
		return search("", traceFields...)
	}
	return search("("+strings.Join(tests, " OR ")+")", traceFields...)
}

// Add takes the rows of Search.
func (t *Trace) Add(b *vector.Batch) {
	r := rowsOf(b)
	for r.i = range b.Len {
		name := r.get("eventName")
		n := t.owner(callerOf(r))
		if n == nil || name == "" {
			continue
		}
		n.Calls++
		outcome := r.get("outcome")
		key := name + " " + r.get("eventSource") + " " + outcome
		d := n.deeds[key]
		if d == nil {
			if len(n.Deeds) >= maxDeeds {
				n.More++
				continue
			}
			d = &Deed{Name: strings.Clone(name), Source: strings.Clone(r.get("eventSource")), Outcome: strings.Clone(outcome), Write: r.get("readOnly") != "true", First: r.time()}
			d.Addresses.room, d.objects.room = t.room, t.room
			n.deeds[key] = d
			n.Deeds = append(n.Deeds, d)
		}
		at := r.time()
		if at.Before(d.First) {
			d.First = at
		}
		if at.After(d.Last) {
			d.Last = at
		}
		d.Count++
		d.Addresses.add(r.get("sourceIPAddress"))
		for _, o := range r.all("object") {
			d.objects.add(o)
		}
	}
}

// Done sorts the deeds: writes and refusals first, each part in order of time.
func (t *Trace) Done() {
	rank := func(d *Deed) int {
		if d.Write || d.Outcome == event.Denied {
			return 0
		}
		return 1
	}
	for _, n := range t.order {
		for _, d := range n.Deeds {
			for _, o := range d.objects.Top() {
				d.Objects = append(d.Objects, o.Value)
			}
			if len(d.Objects) > maxNamed {
				d.Objects = append(d.Objects[:maxNamed], fmt.Sprintf("%d more", len(d.Objects)-maxNamed))
			}
		}
		slices.SortFunc(n.Deeds, func(a, b *Deed) int {
			if x := rank(a) - rank(b); x != 0 {
				return x
			}
			if x := a.First.Compare(b.First); x != 0 {
				return x
			}
			return strings.Compare(a.Name+" "+a.Source+" "+a.Outcome, b.Name+" "+b.Source+" "+b.Outcome)
		})
	}
}
