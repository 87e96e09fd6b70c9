package sigma

import "testing"

// TestLacks: a field whose key is nowhere in the text is missing without a walk, while keys
// with escapes, keys with dots and null are found.
func TestLacks(t *testing.T) {
	c := NewCollection(nil)
	c.Add("r.yml", []byte("title: R\nlogsource: {product: aws, service: cloudtrail}\ndetection:\n  a: {userIdentity.invokedByDelegate.accountId|exists: true}\n  condition: a\n"))
	c.Link()
	e := NewSet(c.Rules).NewEvaluator()
	for _, tc := range []struct {
		raw           string
		fires, walked bool
	}{
		{`{"userIdentity":{"accountId":"1"}}`, false, false},
		{`{"userIdentity":{"invokedByDelegate":{"accountId":"1"}}}`, true, true},
		{`{"userIdentity":{"invokedByDelegate":{"accountId":null}}}`, true, true},
		{`{"userIdentity":{"\u0069nvokedByDelegate":{"accountId":"1"}}}`, true, true},
		{`{"userIdentity.invokedByDelegate.accountId":"1"}`, true, true},
	} {
		fires := false
		e.Evaluate([]byte(tc.raw), "s3.amazonaws.com", "GetObject", func(int) { fires = true })
		if fires != tc.fires || e.record.walked != tc.walked {
			t.Errorf("%s: fires %v, walked %v", tc.raw, fires, e.record.walked)
		}
	}
}

// TestLentDerived: a derived field follows from what is lent, unless the record has a
// field of its name.
func TestLentDerived(t *testing.T) {
	c := NewCollection(nil)
	c.Add("r.yml", []byte("title: R\nlogsource: {product: aws, service: cloudtrail}\ndetection:\n  a: {bluetrail.src_kind: public}\n  condition: a\n"))
	c.Link()
	e := NewSet(c.Rules).NewEvaluator()
	address := ""
	e.Borrow([]string{"sourceIPAddress"}, func(int) (string, Lent) { return address, Given })
	for _, tc := range []struct {
		raw, lent string
		fires     bool
	}{
		{`{"sourceIPAddress":"10.0.0.1"}`, "8.8.8.8", true}, // what is lent counts
		{`{"sourceIPAddress":"8.8.8.8"}`, "10.0.0.1", false},
		{`{"sourceIPAddress":"8.8.8.8","src_kind":1}`, "10.0.0.1", true}, // the record is read, since it names the field
	} {
		address = tc.lent
		fires := false
		e.Evaluate([]byte(tc.raw), "s3.amazonaws.com", "GetObject", func(int) { fires = true })
		if fires != tc.fires {
			t.Errorf("%s with %s: fires %v", tc.raw, tc.lent, fires)
		}
	}
}
