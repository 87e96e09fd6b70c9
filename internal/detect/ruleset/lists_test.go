package ruleset

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"bluetrail/internal/detect/splrule"
	"bluetrail/internal/knowledge"
)

const listRule = `title: Call of an admin
id: admin
level: low
logsource: {product: aws, service: cloudtrail}
detection:
  s:
    userIdentity.userName|expand: '%admins%'
  condition: s
`

// hits reports whether the rules match a call of a user.
func hits(rs *Ruleset, user string) (hit bool) {
	rs.Set.NewEvaluator().Evaluate([]byte(`{"eventName":"X","eventSource":"y","userIdentity":{"userName":"`+user+`"}}`), "y", "X", func(int) { hit = true })
	return hit
}

// TestPlaceholders fills placeholders from the lookups beside the rules, wherever rules
// are loaded, and anew when the lookups change.
func TestPlaceholders(t *testing.T) {
	dir := write(t, map[string]string{"aws/rule.yml": listRule})
	o := Options{Knowledge: func(folders []string) (splrule.Knowledge, error) { return knowledge.Open(folders...) }}
	rs, err := Load(t.Context(), []string{dir}, o)
	if err != nil {
		t.Fatal(err)
	}
	if len(rs.Rules) != 0 || len(rs.Faults) != 1 || rs.Faults[0].Line != 7 {
		t.Fatalf("%d rules, %v", len(rs.Rules), rs.Faults)
	}
	for _, part := range []string{"rule.yml:7: ", "%admins%", "admins.csv", "admins.txt", "lookups/", "--knowledge"} {
		if !strings.Contains(rs.Faults[0].Error(), part) {
			t.Errorf("%v does not name %s", rs.Faults[0], part)
		}
	}
	f, err := Follow(t.Context(), FollowOptions{Options: o, Paths: []string{dir}})
	if err != nil {
		t.Fatal(err)
	}
	reload := func(want bool) {
		t.Helper()
		if changed, err := f.Reload(t.Context()); err != nil || changed != want {
			t.Errorf("changed %v, %v", changed, err)
		}
	}
	reload(false)
	if err := os.Mkdir(filepath.Join(dir, "lookups"), 0o700); err != nil {
		t.Fatal(err)
	}
	put(t, dir, "lookups/admins.csv", "user,team\nalice,a\nb*b,b\n")
	reload(true)
	reload(false)
	if rs = f.Rules(); len(rs.Faults) > 0 || !hits(rs, "Alice") || !hits(rs, "b*b") || hits(rs, "bob") || hits(rs, "carol") {
		t.Errorf("faults %v", rs.Faults)
	}
	print := rs.Rules[0].Print
	put(t, dir, "lookups/admins.csv", "user,team\ncarol,a\n")
	reload(true)
	reload(false)
	if rs = f.Rules(); !hits(rs, "carol") || hits(rs, "alice") || rs.Rules[0].Print == print {
		t.Error("the rule has the old values")
	}
	put(t, dir, "lookups/admins.csv", "")
	reload(true)
	if rs = f.Rules(); len(rs.Faults) != 1 || !strings.Contains(rs.Faults[0].Reason, "cannot use the list for the placeholder %admins%: ") || !strings.Contains(rs.Faults[0].Reason, "empty") {
		t.Errorf("%v", rs.Faults)
	}
}

// TestShippedLists: a placeholder takes the shipped list until a folder has one of the name.
func TestShippedLists(t *testing.T) {
	o := Options{
		Shipped:   fstest.MapFS{"aws/rule.yml": {Data: []byte(listRule)}, "lookups/admins.txt": {Data: []byte("# as of 2026-11\nalice\n\nbob\n")}},
		Knowledge: func(folders []string) (splrule.Knowledge, error) { return knowledge.Open(folders...) },
	}
	for _, c := range []struct {
		file       map[string]string
		bob, carol bool
	}{
		{map[string]string{"none.txt": ""}, true, false},
		{map[string]string{"lookups/admins.txt": "carol\n"}, false, true},
	} {
		rs, err := Load(t.Context(), []string{write(t, c.file)}, o)
		if err != nil {
			t.Fatal(err)
		}
		if len(rs.Faults) > 0 || len(rs.Rules) != 1 || hits(rs, "bob") != c.bob || hits(rs, "carol") != c.carol || hits(rs, "# as of 2026-11") {
			t.Errorf("%v: faults %v", c.file, rs.Faults)
		}
	}
}
