package cmd_test

import (
	"testing"

	"bluetrail/internal/filter"
	"bluetrail/internal/spl/syntax"

	"github.com/google/go-cmp/cmp"
)

// TestNeeds shows which fields commands read when only some of their output
// is wanted: a store reads no others.
func TestNeeds(t *testing.T) {
	for _, tc := range []struct {
		command string
		out     []string // nil: all
		want    []string // nil: all
	}{
		{"table a b", nil, []string{"a", "b"}},
		{"fields a, x*", nil, []string{"_raw", "_time", "a", "x*"}},
		{"fields a, x*", []string{"a", "b", "x1"}, []string{"a", "x1"}},
		{"fields - a", []string{"a", "b"}, []string{"b"}},
		{"rename a AS b", []string{"b", "c"}, []string{"a", "c"}},
		{"rename u.* AS user_*", []string{"user_arn"}, []string{"u.arn", "user_arn"}},
		{"rename u.* AS *", []string{"arn"}, []string{"arn", "u.arn"}},
		{"rename a AS b b AS c", []string{"c"}, []string{"a"}},
		{"spath path=x output=o", []string{"o"}, []string{"_raw", "o"}},
		{"spath input=j", []string{"k"}, []string{"j", "k"}},
		{"mvexpand m", []string{"k"}, []string{"k", "m"}},
		{"makemv m", []string{"k"}, []string{"k"}},
		{`rex field=t "(?<u>.)"`, []string{"u"}, []string{"t", "u"}},
		{`regex t="x"`, []string{"k"}, []string{"k", "t"}},
		{"join id [search x=1]", []string{"k"}, []string{"id", "k"}},
		{"join [search x=1]", []string{"k"}, nil},
		{"append [search x=1]", []string{"k"}, []string{"k"}},
		{"appendpipe [stats sum(n) by g]", []string{"k"}, []string{"g", "k", "n"}},
		{"lookup t a AS b OUTPUT c", []string{"c", "k"}, []string{"_time", "b", "c", "k"}},
		{"iplocation ip", []string{"City"}, []string{"City", "ip"}},
		{"return 5 a x=b $c", nil, []string{"a", "b", "c"}},
		{"convert ctime(t) AS s", []string{"s"}, []string{"s", "t"}},
		{"convert ctime(t) AS s", []string{"k"}, []string{"k"}},
		{`strcat a "x" b c`, []string{"c", "k"}, []string{"a", "b", "k"}},
		{"foreach a b [eval n=n+'<<FIELD>>'+d]", []string{"k"}, []string{"a", "b", "d", "k", "n"}},
		{"foreach a* [eval n=n+'<<FIELD>>_x']", []string{"k"}, nil},
		{`map search="search u=$u$ t=$t$ $$"`, nil, []string{"t", "u"}},
		{"xyseries a b c", nil, []string{"a", "b", "c"}},
		{"tojson a b output_field=o", []string{"o", "k"}, []string{"a", "b", "k"}},
		{"delta n AS d", []string{"d", "k"}, []string{"k", "n"}},
		{"addinfo", []string{"info_sid", "k"}, []string{"k"}},
		{"extract", []string{"k"}, []string{"_raw", "k"}},
		{"untable a b c", []string{"a"}, nil},
		{"outputlookup x.csv", []string{"a"}, nil},
	} {
		q, err := syntax.Parse("* | " + tc.command)
		if err != nil {
			t.Errorf("%s: %v", tc.command, err)
			continue
		}
		out := filter.AllFields()
		if tc.out != nil {
			out = filter.Fields(tc.out...)
		}
		need := q.Stages[1].Cmd.Needs(out)
		if need.All() != (tc.want == nil) {
			t.Errorf("%s: all fields: %v", tc.command, need.All())
		}
		if diff := cmp.Diff(tc.want, need.Names()); diff != "" {
			t.Errorf("%s: %s", tc.command, diff)
		}
	}
}
