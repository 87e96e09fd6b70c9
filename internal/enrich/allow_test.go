package enrich

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAllow(t *testing.T) {
	entry := func(addresses, actors, rules []string, expires string) *Allow {
		a, err := NewAllow(addresses, actors, rules, "why", "who", expires)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	office := []string{"203.0.113.0/24", "2001:db8::1"}
	deploy := []string{"arn:aws:iam::*:role/deploy-*"}
	at := time.Date(2026, 6, 1, 23, 59, 0, 0, time.UTC)
	rule := []string{"id-1", "trail_stopped", "Trail stopped"}
	role := "arn:aws:iam::111122223333:role/deploy-a/b"
	for name, tt := range map[string]struct {
		entry             *Allow
		actors, addresses []string
		holds             bool
	}{
		"address":               {entry(office, nil, nil, ""), []string{"anybody"}, []string{"203.0.113.9", "2001:db8::1"}, true},
		"one address outside":   {entry(office, nil, nil, ""), nil, []string{"203.0.113.9", "198.51.100.1"}, false},
		"no address":            {entry(office, nil, nil, ""), []string{"anybody"}, nil, false},
		"a service":             {entry(office, nil, nil, ""), nil, []string{"ec2.amazonaws.com"}, false},
		"IPv4 written as IPv6":  {entry(office, nil, nil, ""), nil, []string{"::ffff:203.0.113.9"}, true},
		"actor":                 {entry(nil, deploy, nil, ""), []string{role}, []string{"198.51.100.1"}, true},
		"another actor, too":    {entry(nil, deploy, nil, ""), []string{role, "x"}, nil, false},
		"no actor":              {entry(nil, deploy, nil, ""), nil, []string{"203.0.113.9"}, false},
		"a part of an actor":    {entry(nil, []string{"role/deploy-*"}, nil, ""), []string{role}, nil, false},
		"both":                  {entry(office, deploy, nil, ""), []string{role}, []string{"203.0.113.9"}, true},
		"both, wrong address":   {entry(office, deploy, nil, ""), []string{role}, []string{"198.51.100.1"}, false},
		"rule by name":          {entry(office, nil, []string{"Trail_Stopped"}, ""), nil, []string{"203.0.113.9"}, true},
		"rule by id":            {entry(office, nil, []string{"x", "id-1"}, ""), nil, []string{"203.0.113.9"}, true},
		"another rule":          {entry(office, nil, []string{"trail"}, ""), nil, []string{"203.0.113.9"}, false},
		"on the last day":       {entry(office, nil, nil, "2026-06-01"), nil, []string{"203.0.113.9"}, true},
		"expired":               {entry(office, nil, nil, "2026-05-31"), nil, []string{"203.0.113.9"}, false},
		"expires at a time":     {entry(office, nil, nil, "2026-06-01T23:59:00Z"), nil, []string{"203.0.113.9"}, false},
		"still before the time": {entry(office, nil, nil, "2026-06-01T23:59:01Z"), nil, []string{"203.0.113.9"}, true},
	} {
		if got := (AllowList{tt.entry}).For(tt.actors, tt.addresses, rule, at); (got != nil) != tt.holds {
			t.Errorf("%s: %v", name, got)
		}
	}
	if got := entry(office, nil, nil, "2026-06-01").String(); got != "why (who, until 2026-06-01)" {
		t.Error(got)
	}
	for want, args := range map[string][3][]string{
		"neither addresses nor actors":   {},
		"allows every address":           {{"0.0.0.0/0"}},
		`"x" is not an address`:          {{"x"}},
		"allows everybody":               {nil, {"*"}},
		"expires must be a day":          {office, nil, {"tomorrow"}},
		"it has no reason":               {office, nil, nil},
		`"203.0.113.1/40" is not an add`: {{"203.0.113.1/40"}},
	} {
		reason, expires := "why", ""
		if len(args[2]) > 0 {
			expires = args[2][0]
		}
		if strings.Contains(want, "reason") {
			reason = " "
		}
		if _, err := NewAllow(args[0], args[1], nil, reason, "who", expires); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %s", args, err, want)
		}
	}
}

func TestReadAccounts(t *testing.T) {
	got, faults, err := ReadAccounts(strings.NewReader("\ufeffName,account_id,critical,owner,environment\nshop,111122223333,yes,team-a,production\nlab,1234,,,\nbad,12x,,,\nshop again,111122223333,,,\nodd,444455556666,maybe,,\n"))
	want := map[string]Account{
		"111122223333": {ID: "111122223333", Name: "shop", Owner: "team-a", Environment: "production", Critical: true},
		"000000001234": {ID: "000000001234", Name: "lab"},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" || faults.Lines != 3 || faults.First != 4 {
		t.Error(err, faults, diff)
	}
	for text, want := range map[string]string{"": "empty", "name,owner\na,b\n": "no column account", "account\n": "no accounts", "account\nx\n": `line 2 cannot be used: "x"`} {
		if _, _, err := ReadAccounts(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
