package hunt

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"bluetrail/internal/detect/finding"
	"bluetrail/internal/detect/ruleset"
	"bluetrail/internal/detect/splrule"
	"bluetrail/internal/knowledge"

	"github.com/google/go-cmp/cmp"
)

var splRules = map[string]string{
	"macros/trail.yml": "name: trail\ndefinition: sourcetype=aws:cloudtrail\n",
	"a_filter.yml":     "name: Role assumed by a user\nid: filter\ntype: TTP\nsearch: '`trail` eventName=AssumeRole | table _time, user, src'\n",
	"b_count.yml": "name: Several users in an hour\nid: counted\ntype: TTP\nschedule: {every: 1h}\n" +
		"search: '`trail` eventName=CreateUser | stats count dc(requestParameters.userName) as made by user_arn | where made > 2'\n",
	"c_none.yml":  "name: Nothing of the kind\nid: none\ntype: TTP\nsearch: '`trail` eventName=DeleteTrail | stats count by user'\n",
	"d_keeps.yml": "name: Keeps a list\nid: keeps\ntype: Baseline\nsearch: '`trail` eventName=CreateUser | stats count by user | outputlookup seen.csv'\n",
	"f_actor.yml": "name: Users made by alice\nid: actor\ntype: TTP\nschedule: {every: 1h}\nsearch: '`trail` eventName=CreateUser actor=*user/alice | stats count by actor'\n",
	"e_all.yml":   "name: Looks at all\nid: all\ntype: TTP\nsearch: '* | stats count by eventName | where count > 1000000'\n",
}

func loadSPL(t *testing.T) (*ruleset.Ruleset, func(*Options)) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range splRules {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	rs, err := ruleset.Load(t.Context(), []string{dir}, ruleset.Options{Knowledge: func(folders []string) (splrule.Knowledge, error) { return knowledge.Open(folders...) }})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range rs.Faults {
		t.Error(f)
	}
	return rs, withSearches(t, rs)
}

// withSearches lets a hunt run the searches of rules.
func withSearches(t *testing.T, rs *ruleset.Ruleset) func(*Options) {
	return func(o *Options) {
		o.Search.Macros, o.Search.Knowledge = rs.Knowledge, rs.Knowledge
		o.TempDir, o.Disk = t.TempDir(), 1<<30
	}
}

// TestSearches hunts with SPL rules, in several orders.
func TestSearches(t *testing.T) {
	rs, with := loadSPL(t)
	res := run(t, rs, pile(t, records(), 8), 1, with)
	byRule := map[string][]*finding.Finding{}
	for _, f := range res.Findings {
		byRule[f.RuleID] = append(byRule[f.RuleID], f)
	}
	events := int64(0)
	for _, f := range byRule["filter"] {
		events += f.Count
	}
	if events != 10 { // a fourth of the records
		t.Errorf("the filter found %d events", events)
	}
	// Windows of an hour hold six to seven new users, spread over two sessions.
	if n := len(byRule["counted"]); n < 4 {
		t.Errorf("%d findings of the count", n)
	}
	for _, f := range byRule["counted"] {
		if !strings.HasPrefix(f.Entity, "arn:aws:sts::111122223333:assumed-role/deploy/s") {
			t.Errorf("the entity is %q", f.Entity)
		}
	}
	// The roles that made them were assumed by alice, in records that the search does not
	// look at.
	made := byRule["actor"]
	if len(made) < 4 || made[0].Entity != "arn:aws:iam::111122223333:user/alice" {
		t.Errorf("%d findings of the actor: %+v", len(made), made[0])
	}
	var why []string
	for _, f := range res.Faults {
		why = append(why, filepath.Base(f.File)+": "+f.Reason)
	}
	if len(why) != 2 || !strings.Contains(why[0], "d_keeps.yml: not run: it writes") || !strings.Contains(why[1], "e_all.yml: not run: it looks at every") {
		t.Errorf("not run: %s", strings.Join(why, "\n"))
	}
	r := rand.New(rand.NewPCG(7, 8))
	for range 3 {
		recs := append(records(), records()[:9]...)
		r.Shuffle(len(recs), func(i, j int) { recs[i], recs[j] = recs[j], recs[i] })
		if d := cmp.Diff(res.Findings, run(t, rs, pile(t, recs, 5), 3, with).Findings); d != "" {
			t.Fatal(d)
		}
	}
}

// TestNoRoom hunts with too little disk for the records of a search: it is told, the
// other rules go on, and nothing is left behind.
func TestNoRoom(t *testing.T) {
	rs, with := loadSPL(t)
	temp := t.TempDir()
	res := run(t, rs, pile(t, records(), 8), 2, func(o *Options) { with(o); o.TempDir, o.Disk = temp, 10 })
	told := false
	for _, f := range res.Faults {
		told = told || strings.Contains(f.Reason, "search.disk_mib")
	}
	if !told {
		t.Errorf("faults %v", res.Faults)
	}
	if len(res.Findings) == 0 {
		t.Error("the filter found nothing")
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
