package plan_test

import (
	"bufio"
	"fmt"
	"os"
	"testing"

	"github.com/klauspost/compress/gzip"
)

// residentLarge are searches, by the kind of their events, that once took
// gigabytes with a search's usual memory of 512 MiB. BLUETRAIL_RESIDENT=all
// runs them. The text after " -o " is the output format.
var residentLarge = map[string][]string{
	"huge": {
		"* | search [search * | fields x]", "* | search [search * | return 2000 x]", "* | search [search * | return 2000 $x]", "* | format", "* | format maxresults=100000 | eval n=len(search) | table n", "* | search [search * | fields x | format] | stats count",
		"* | stats values(x)", "* | stats values(x) by name", "* | eval y=x.x | sort 0 y | table n", "* | table * -o csv", "* | table * -o json", "* -o table",
	},
	"rows": {
		"* | geostats globallimit=0 latfield=lat longfield=lon count by name", "* | geostats globallimit=0 latfield=lat longfield=lon values(x) by u", "* | geostats globallimit=0 binspanlat=0.1 binspanlong=0.1 latfield=lat longfield=lon count by name",
		"* | arules sup=1 name x k u", "* | arules name x k u v a", "* | predict n", "* | timechart span=1s count | predict count", "* | timechart limit=0 span=1m count by name | predict count",
		"* | chart limit=0 count over name by a", "* | chart limit=0 count over a by name", "* | chart limit=0 values(x) over u by k", "* | xyseries name a n", "* | xyseries a name n", "* | stats sparkline(count, 1s) by k", "* | stats sparkline(count, 1s) by name", "* | stats sparkline(count, 1s) by u",
		"* | stats values(*) by _raw", "* | stats values(*)", "* | appendpipe [eval z=1] | appendpipe [eval z=2]", "* | appendpipe [sort 0 x]", "* | transaction name", "* | transaction k maxevents=-1", "* | transaction u maxspan=1h",
		"* | lookup large.csv.gz user OUTPUT team", "* | lookup bomb.csv.gz user", "| inputlookup large.csv.gz | stats count", "| inputlookup large.csv.gz | sort 0 - user", "* | eval t=lookup(\"large.csv.gz\", json_object(\"user\", user), json_array(\"team\")) | stats count by t", "* | lookup large.csv.gz user | lookup large.csv.gz team",
	},
	"names": {
		"* | foreach * [eval z=<<FIELD>>]", "* | foreach * [eval <<FIELD>>=<<FIELD>>.\"z\"]", "* | foreach f* [eval z=coalesce(z,<<FIELD>>), g<<MATCHSTR>>=<<FIELD>>]", "* | stats values(*)", "* | stats values(*) by _raw", "* | stats dc(*) mode(*) list(*)", "* | eventstats values(*) by name", "* -o csv", "* | table * -o csv", "* | transaction k", "* | appendpipe [stats values(*)]", "* | xyseries name k f*",
	},
	"records": {
		"* -o csv", "* | table * -o csv", "* -o json", "* | table * -o table", "* | stats values(*) by _raw", "* | transaction name", "* | transaction k maxevents=-1", "* | appendpipe [eval z=x]", "* | xyseries name k x", "* | xyseries k name x", "* | chart limit=0 values(x) over k by u", "* | sort 0 x",
	},
}

// residentTables writes a lookup of the maximum table size, and one that is a
// thousand times as large in memory as on disk.
func residentTables(t *testing.T, dir string) {
	t.Helper()
	write := func(name string, rows int, row func(n int) string) {
		f, err := os.Create(dir + "/lookups/" + name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		z := gzip.NewWriter(f)
		w := bufio.NewWriter(z)
		w.WriteString("user,team\n")
		for n := range rows {
			w.WriteString(row(n))
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
	}
	write("large.csv.gz", 1300000, func(n int) string { return fmt.Sprintf("u%d,team%d\n", n, n%100) })
	write("bomb.csv.gz", 30000000, func(int) string { return "a\n" })
}
