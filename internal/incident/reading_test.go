package incident

import (
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/event"
	searches "bluetrail/internal/search"
	"bluetrail/internal/store/memory"
	"bluetrail/internal/vector"
)

// record is what a literal reading of the trail takes from a record.
type record struct {
	EventID, EventName, EventSource, AWSRegion, SourceIPAddress, ErrorCode, ErrorMessage string
	EventTime                                                                            time.Time
	UserIdentity                                                                         struct {
		Type, ARN, AccessKeyID, PrincipalID string
		SessionContext                      struct {
			SessionIssuer    struct{ ARN string }
			Attributes       struct{ CreationDate string }
			SignInSessionARN string
		}
	}
	ResponseElements struct {
		Credentials     struct{ AccessKeyID string }
		AssumedRoleUser struct{ AssumedRoleID string }
		FederatedUser   struct{ FederatedUserID string }
	}
	ServiceEventDetails struct{ CredentialVerification string }
}

// outcome is that of a call.
func (r *record) outcome() string {
	switch {
	case strings.Contains(r.ErrorCode, "Denied") || strings.Contains(r.ErrorCode, "Unauthorized"),
		r.ErrorMessage == "Failed authentication", r.ErrorMessage == "No username found in supplied account", r.ServiceEventDetails.CredentialVerification == "Failure":
		return event.Denied
	case r.ErrorCode != "":
		return event.Failed
	}
	return event.Success
}

// trail is records in a store, and read literally.
type trail struct {
	store   *memory.Store
	records []*record
	byID    map[string]*record
}

func newTrail() *trail { return &trail{store: memory.New(), byID: map[string]*record{}} }

func (tr *trail) add(t testing.TB, raw []byte) {
	t.Helper()
	r := &record{}
	if err := json.Unmarshal(raw, r); err != nil {
		t.Fatalf("%v in %s", err, raw)
	}
	m := event.Meta{Index: event.DefaultIndex, Sourcetype: event.Detect(raw), Source: "trail", Host: event.DefaultHost, Fallback: r.EventTime.UnixNano()}
	if _, err := tr.store.Add(raw, &m); err != nil {
		t.Fatal(err)
	}
	if r.EventName == "" {
		return // sums and insights are nobody's calls
	}
	tr.records = append(tr.records, r)
	tr.byID[r.EventID] = r
}

func (tr *trail) search(t testing.TB, text string, take func(*vector.Batch)) {
	t.Helper()
	s, _, err := searches.Open(t.Context(), searches.Options{Text: text, Store: tr.store})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for {
		b, err := s.Next(t.Context())
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		take(b)
	}
}

func (tr *trail) trace(t testing.TB, thing string) *Trace {
	t.Helper()
	trace := NewTrace(thing)
	tr.search(t, LinkSearch(), trace.Link)
	trace.Follow()
	tr.search(t, trace.Search(), trace.Add)
	trace.Done()
	return trace
}

func (tr *trail) summary(t testing.TB) *Summary {
	t.Helper()
	s := NewSummary()
	found, _, err := searches.Open(t.Context(), searches.Options{Text: SummarySearch(), Store: tr.store, Gather: s.Gather})
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	if err := found.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// nodes lists the nodes of a trace from the root on, with their parents' names.
func (n *Node) nodes(visit func(n *Node)) {
	visit(n)
	for _, c := range n.Children {
		c.nodes(visit)
	}
}
