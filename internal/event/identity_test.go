package event

import (
	"strings"
	"testing"
)

// id returns the identity of a record that has one.
func idOf(t *testing.T, raw string) [16]byte {
	t.Helper()
	id, ok := ID([]byte(raw))
	if !ok {
		t.Fatalf("%s has no identity of itself", raw)
	}
	return id
}

const (
	call   = `{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","accountId":"111122223333"},"eventTime":"2026-01-05T10:00:00Z","eventSource":"s3.amazonaws.com","eventName":"ListBuckets","requestID":"R1","eventID":"5f0c1f9a-77a5-4a4a-9c1b-0d6f6b1a0001","recipientAccountId":"111122223333"}`
	hidden = `{"eventVersion":"1.11","eventTime":"2026-01-05T10:00:00Z","eventSource":"s3.amazonaws.com","eventName":"ListBuckets","n":[1,2],"requestID":"R1","eventID":"REDACTED","recipientAccountId":"111122223333"}`
	sums   = `{"eventVersion":"1.0","accountId":"111122223333","eventId":"5f0c1f9a-77a5-4a4a-9c1b-0d6f6b1a0002","eventType":"AwsAggregatedEvent","timeWindow":{"windowStart":"2026-01-05T10:00:00Z","windowEnd":"2026-01-05T10:05:00Z"},"summary":{}}`
)

func replaced(record string, pairs ...string) string {
	return strings.NewReplacer(pairs...).Replace(record)
}

// TestCopiesAreOneEvent: copies may differ in any text that carries no meaning.
func TestCopiesAreOneEvent(t *testing.T) {
	for name, tc := range map[string][2]string{
		"order and spacing":      {call, `{ "eventID" : "5F0C1F9A-77A5-4A4A-9C1B-0D6F6B1A0001", "eventName":"ListBuckets", "eventSource":"s3.amazonaws.com", "recipientAccountId":"111122223333", "eventTime":"2026-01-05T10:00:00Z"}`},
		"the time's form":        {call, replaced(call, "2026-01-05T10:00:00Z", "2026-01-05 10:00:00.000")},
		"recipient not said":     {call, replaced(call, `,"recipientAccountId":"111122223333"`, "")},
		"delivered late":         {call, replaced(call, `"requestID"`, `"addendum":{"reason":"DELIVERY_DELAY"},"requestID"`)},
		"hidden id, order":       {hidden, `{"recipientAccountId":"111122223333","eventID":"REDACTED", "requestID":"R1","n":[1.0 , 20e-1],"eventName":"List\u0042uckets","eventSource":"s3.amazonaws.com","eventTime":"2026-01-05T10:00:00Z","eventVersion":"1.11"}`},
		"hidden id, null member": {hidden, replaced(hidden, `"n":`, `"responseElements":null,"n":`)},
		"aggregated":             {sums, replaced(sums, `"summary":{}`, `"summary": {}`)},
	} {
		if a, b := idOf(t, tc[0]), idOf(t, tc[1]); a != b {
			t.Errorf("%s: two events: %s\n%s", name, tc[0], tc[1])
		}
	}
}

// TestDifferentEvents: equal eventIDs alone do not make events copies.
func TestDifferentEvents(t *testing.T) {
	for name, tc := range map[string][2]string{
		"time":             {call, replaced(call, "10:00:00Z", "10:00:01Z")},
		"name":             {call, replaced(call, "ListBuckets", "GetUser")},
		"source":           {call, replaced(call, "s3.amazonaws", "iam.amazonaws")},
		"recipient":        {call, replaced(call, `recipientAccountId":"1`, `recipientAccountId":"2`)},
		"id":               {call, replaced(call, "a0001", "a0003")},
		"parts move":       {replaced(call, "s3.amazonaws.com", "s3", "ListBuckets", "xList"), replaced(call, "s3.amazonaws.com", "s3x", "ListBuckets", "List")},
		"changed later":    {call, replaced(call, `"requestID"`, `"addendum":{"reason":"UPDATED_DATA","updatedFields":"responseElements"},"requestID"`)},
		"hidden id":        {hidden, replaced(hidden, "R1", "R2")},
		"hidden id, list":  {hidden, replaced(hidden, "[1,2]", "[2,1]")},
		"hidden id, type":  {hidden, replaced(hidden, "[1,2]", `["1",2]`)},
		"hidden id, null":  {hidden, replaced(hidden, "[1,2]", `[1,2,null]`)},
		"zeros for an id":  {replaced(call, "5f0c1f9a-77a5-4a4a-9c1b-0d6f6b1a0001", "00000000-0000-0000-0000-000000000000"), replaced(call, "5f0c1f9a-77a5-4a4a-9c1b-0d6f6b1a0001", "00000000-0000-0000-0000-000000000000", "R1", "R2")},
		"aggregated":       {sums, replaced(sums, "10:00:00Z", "10:05:00Z")},
		"aggregated, id":   {sums, replaced(sums, "a0002", "a0003")},
		"account of a sum": {sums, replaced(sums, "111122223333", "111122223334")},
	} {
		if a, b := idOf(t, tc[0]), idOf(t, tc[1]); a == b {
			t.Errorf("%s: one event: %s\n%s", name, tc[0], tc[1])
		}
	}
}

func TestNoIdentity(t *testing.T) {
	for _, raw := range []string{`{"msg":"line 1"}`, `{"eventID":""}`, `{"eventID":null}`, `{"eventId":"5f0c1f9a-77a5-4a4a-9c1b-0d6f6b1a0002","eventName":"x"}`, `{`, `[]`} {
		if id, ok := ID([]byte(raw)); ok || id != ([16]byte{}) {
			t.Errorf("%s has the identity %x", raw, id)
		}
	}
}

func TestPlainNumber(t *testing.T) {
	for in, want := range map[string]string{"1": "1", "1.0": "1", "1.50e1": "15", "-0": "0", "0.0": "0", "1e400": "1e400", "12345678901234567890": "12345678901234567890", "2.5E-1": "0.25"} {
		if got := plainNumber(in); got != want {
			t.Errorf("%s is written as %s, want %s", in, got, want)
		}
	}
}

// FuzzContentID: white space makes no difference, and no input is too odd.
func FuzzContentID(f *testing.F) {
	f.Add(`{"a":[1,{"b":null}],"c":"\u0041"}`)
	f.Add(`{"a":1e5,"a":2}`)
	f.Add(`"`)
	f.Add("")
	f.Fuzz(func(t *testing.T, raw string) {
		a := contentID([]byte(raw))
		if b := contentID([]byte(" \t" + raw)); a != b {
			t.Errorf("%q: %x and %x", raw, a, b)
		}
	})
}

// TestIdentityWithFields: an extractor that reads other fields too finds the
// same identity.
func TestIdentityWithFields(t *testing.T) {
	x := NewIdentifier([]string{"eventName", "_time", "user", "recipientAccountId"})
	row := x.NewRow()
	for _, raw := range []string{call, hidden, sums, `{"updatedAt":"2026-01-05T10:00:00Z"}`, `{"_time":1}`} {
		if err := x.Extract([]byte(raw), &Meta{Sourcetype: CloudTrail}, row); err != nil {
			t.Fatal(err)
		}
		if got, want := x.Identity([]byte(raw), row), Identify([]byte(raw)); got != want {
			t.Errorf("%s: %+v, want %+v", raw, got, want)
		}
	}
}

func BenchmarkIdentify(b *testing.B) {
	records := realRecords(b, "benign-840.ndjson.gz")
	n := 0
	for b.Loop() {
		Identify(records[n%len(records)])
		n++
	}
	b.ReportAllocs()
}
